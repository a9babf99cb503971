//! What `cache` takes, and what a question may do with the cache.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::AskArgs;

/// What a question may do with the answer cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheUse {
    /// Ask again, and keep the new answer
    Refresh,
    /// Answer from the cache or not at all; nobody is asked
    Only,
}

/// What `cache` can do.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// What is kept, what it gave and saved
    Stats(CacheStatsArgs),
    /// Forget answers in Redis: one by its key, or all
    #[command(after_help = CLEAR_EXAMPLES)]
    Clear(CacheClearArgs),
    /// Say whether a prompt would be answered from the cache, and why not; asks nobody
    #[command(after_help = WHY_EXAMPLES)]
    Why(AskArgs),
}

/// What `cache stats` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct CacheStatsArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `cache clear` takes.
#[derive(Debug, Clone, Default, Args)]
#[command(group(ArgGroup::new("which")), override_usage = "wheelhouse cache clear <KEY|--all>")]
pub struct CacheClearArgs {
    /// The key, or enough of its beginning, as `cache why` prints it
    #[arg(value_name = "KEY", group = "which")]
    pub key: Option<String>,
    /// All answers, and what was counted; nothing else in that Redis is touched
    #[arg(long, group = "which")]
    pub all: bool,
}

pub(super) const CACHE_EXAMPLES: &str = "\
Examples:
  wheelhouse cache stats
  wheelhouse cache why --temperature 0 --seed 1 \"capital of Peru\"
  wheelhouse cache clear 3f9a1c
  wheelhouse cache clear --all

Answers are kept in the memory of each wheelhouse that runs, and in Redis where cache.redis.url is
set. These commands see Redis; what the console keeps in memory shows in its cost panel.
Redis holds answers, never keys or prompts: who can read it can read the answers.";

const CLEAR_EXAMPLES: &str = "\
Examples:
  wheelhouse cache clear 3f9a1c
  wheelhouse cache clear --all";

const WHY_EXAMPLES: &str = "\
Examples:
  wheelhouse cache why --temperature 0 --seed 1 \"capital of Peru\"
  wheelhouse cache why --json -m sonnet --temperature 0 \"capital of Peru\" | jq -r .why

An answer is kept when asking again would give the same: temperature 0, and a seed where the model
takes one. `[cache] when = \"always\"` keeps every whole answer, \"never\" none.";
