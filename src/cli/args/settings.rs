//! The part of the command line that is about settings, prices and comparing models.
//!
//! Must not know: what any command does.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  wheelhouse compare deepseek-flash sonnet          the shipped prompts, in 11 languages
  wheelhouse compare --runs 3 --csv gpt-4o qwen-plus > compare.csv
  wheelhouse compare --prompts mine.toml --json sonnet | jq '.rows[]'
  wheelhouse compare --demo sim-gpt-4o sim-deepseek-flash

What it will probably cost is shown first; on a terminal you are asked, elsewhere --yes says so, and
--demo costs nothing and asks nothing. Ctrl+C stops it and shows what has come.
$/1k chars is what was paid for 1,000 characters of prompt and answer together: the price of a
language rather than of a token. Nobody stands in for a model that fails, and nothing is cached.";

pub(super) const SYNC_EXAMPLES: &str = "\
Examples:
  wheelhouse models sync                                the feed of models.dev, as a diff
  wheelhouse models sync --from openrouter --write      and keep what changed
  wheelhouse models sync --from litellm prices.json     from a file
  wheelhouse models sync --write --add qwen3            also keep new models with this in their name

What is kept stands between the shipped prices and your own file: a price you set is never replaced,
and is named in the diff. Prices that cannot be right are refused one by one, with the reason. A
running wheelhouse takes them over within seconds.";

const SET_EXAMPLES: &str = "\
Examples:
  wheelhouse config set routing.policy cheapest
  wheelhouse config set budget.day '{ limit = 2.00, at_limit = \"ask\" }'
  wheelhouse config set providers.deepseek.api_key cmd:\"pass show deepseek\"

The changed file is checked first and not written where it would be wrong. A running wheelhouse
takes the change over within seconds.";

/// What `compare` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct CompareArgs {
    /// The models
    #[arg(value_name = "MODEL", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub models: Vec<String>,
    /// Ask these prompts instead of the shipped ones
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// How often each is asked
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Cap every answer at so many tokens
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: u32,
    /// Agree to the cost beforehand
    #[arg(short, long)]
    pub yes: bool,
    /// One JSON object with rows and every answer's figures
    #[arg(long)]
    pub json: bool,
    /// Comma-separated rows
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// A price feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Feed {
    /// openrouter.ai: what that aggregator charges
    Openrouter,
    /// models.dev: list prices of many providers
    #[default]
    Modelsdev,
    /// The price file of LiteLLM: list prices of many providers
    Litellm,
    /// tokenmix.ai: what that aggregator charges
    Tokenmix,
}

/// What `models sync` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct SyncArgs {
    /// Whose form the feed has
    #[arg(long, value_name = "FEED", value_enum, default_value_t)]
    pub from: Feed,
    /// An address or a file; without it, the feed's own address
    #[arg(value_name = "URL|FILE", value_parser = NonEmptyStringValueParser::new())]
    pub source: Option<String>,
    /// Only models whose name or id has this in it
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Keep the changes
    #[arg(long)]
    pub write: bool,
    /// With --write: keep new models too whose name or id has this in it; `all` keeps every one
    #[arg(long, value_name = "TEXT", requires = "write")]
    pub add: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented starting file; never over one that is there
    Init {
        /// Print it instead of writing it
        #[arg(long)]
        print: bool,
    },
    /// Read the configuration and list everything wrong with it
    Check,
    /// Print every effective value and which layer set it
    Show {
        /// Only keys that begin with this: `routing`, `models.sonnet.price`
        #[arg(value_name = "PREFIX")]
        filter: Option<String>,
    },
    /// Print where the configuration file is (or would be)
    Path,
    /// Change one setting in the file; comments and everything else in it stay
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// The setting: `routing.policy`, `models.sonnet.price.input`
        #[arg(value_name = "KEY")]
        key: String,
        /// Its value: TOML where it reads as such, else a string
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Take one setting out of the file, so that what is shipped holds again
    Unset {
        /// The setting
        #[arg(value_name = "KEY")]
        key: String,
    },
}
