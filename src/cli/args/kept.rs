//! What commands on what is kept take: `sessions`, `usage`, `replay`.
//!
//! Must not know: what any of them does.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::since::Since;
use crate::domain::Currency;

pub(super) const SESSIONS_EXAMPLES: &str = "\
Examples:
  wheelhouse sessions list                        the newest twenty, with what they cost
  wheelhouse sessions search borrow checker       what was said, in any script; 天气 works too
  wheelhouse sessions show 3f9a2c1d               by the first or last digits of its id
  wheelhouse sessions export 3f9a2c1d --format html -o talk.html
  wheelhouse sessions rm 3f9a2c1d                 every word of it; what it cost stays counted
  wheelhouse sessions rm --older-than 90d         everything nothing was said in since
  wheelhouse ask --session 3f9a2c1d \"go on\"       continue one; -c continues the last

An answer that was cut off by a crash or a kill is kept as far as it was shown, and `list` says so.";

pub(super) const USAGE_EXAMPLES: &str = "\
Examples:
  wheelhouse usage                          the last 30 days by model
  wheelhouse usage --by day --since 7d
  wheelhouse usage --by session --since all --limit 50
  wheelhouse usage --baseline opus          what it would have cost there
  wheelhouse usage --by session --filter contract
  wheelhouse usage --currency CNY           at the rate of [currency] in the configuration
  wheelhouse usage --by day --csv > spend.csv

Costs are exact, or marked with ≥ where a provider did not report or an attempt was cut off.
`failed` is what attempts cost whose answer was lost, `stopped` what was paid for answers their
reader stopped; both are part of the cost.";

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  wheelhouse replay                          does every decision come out as it was?
  wheelhouse replay --policy cheapest        what the cheapest policy would have changed
  wheelhouse replay --policy fastest --since 7d --json | jq .moves

Nobody is asked. Each decision is made again from everything it was made from: prices, health,
limits, budgets and rules of that moment. Costs and times are the forecasts of that moment. The
exit code is 1 when a decision does not come out as it was.

With --json `recorded` and `replayed` have the forecasts' sum of costs and mean times; each of the
`moves` has its requests and what they would have cost and taken more, or less than nothing:
`est_cost_delta_usd` in all, `est_ttft_mean_delta_ms` on average.";

/// What `sessions` can do.
#[derive(Debug, Clone, Subcommand)]
pub enum SessionsCommand {
    /// List conversations, the newest first
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
        /// The dearest first
        #[arg(long)]
        by_cost: bool,
        /// Only those something was said in since then: today, 7d (days, today the last), 12h, all
        #[arg(long, value_name = "WHEN", default_value = "all", value_parser = Since::read)]
        since: Since,
        /// One JSON object per conversation, in an array
        #[arg(long)]
        json: bool,
    },
    /// Print a conversation as Markdown
    Show {
        /// Its id, or four or more of its first or last digits, or of those listed
        #[arg(value_name = "SESSION")]
        session: String,
        /// The branch up to this message; without it, the newest
        #[arg(long, value_name = "ID")]
        message: Option<String>,
    },
    /// Find messages and titles that hold every word, in any script, the newest first
    Search {
        /// The words
        #[arg(value_name = "TEXT", required = true)]
        text: Vec<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
        /// One JSON object per hit, in an array
        #[arg(long)]
        json: bool,
    },
    /// Write a conversation as Markdown, JSON (every branch) or HTML
    Export {
        /// Its id, or four or more of its first or last digits, or of those listed
        #[arg(value_name = "SESSION")]
        session: String,
        /// The form
        #[arg(long, value_name = "FORM", value_enum, default_value = "md")]
        format: Format,
        /// The branch up to this message; without it, the newest
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        /// The file to write, never over one that is there; without it, standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Remove conversations for good: every word; what they cost stays counted
    Rm {
        /// Their ids, or four or more of their first or last digits, or of those listed
        #[arg(value_name = "SESSION", required_unless_present = "older_than")]
        sessions: Vec<String>,
        /// Those nothing was said in for so long: 90d, 12h; today: since midnight; all: every one
        #[arg(long, value_name = "AGE", value_parser = Since::read, conflicts_with = "sessions")]
        older_than: Option<Since>,
        /// With --older-than: decisions, attempts and spend lines too; sums per day stay
        #[arg(long, requires = "older_than")]
        records: bool,
        /// Remove without asking; only a terminal is asked
        #[arg(long, short)]
        yes: bool,
    },
}

/// The form of an exported conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Markdown.
    Md,
    /// JSON, every branch.
    Json,
    /// A page that needs nothing else.
    Html,
}

/// What a report adds up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UsageBy {
    /// Each model.
    Model,
    /// Each provider.
    Provider,
    /// Each day, the newest first.
    Day,
    /// Each conversation, the dearest first.
    Session,
    /// Chat, ask, gateway, keep-warm, …
    Origin,
    /// First attempts, retries, fallbacks, hedges, …
    Kind,
}

/// What `usage` takes.
#[derive(Debug, Clone, Args)]
pub struct UsageArgs {
    /// Add up by this
    #[arg(long, value_name = "WHAT", value_enum, default_value = "model")]
    pub by: UsageBy,
    /// From when on: today, 7d (days, today the last), 12h (the whole days it reaches into), all
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = Since::read)]
    pub since: Since,
    /// At most so many rows; the rest is one more, `others`
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// Only rows whose name holds this; the total is then of those
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Show amounts in this currency; [currency.rates] has its rate
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// Compare with asking this model only
    #[arg(long, value_name = "MODEL")]
    pub baseline: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// Comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// What `replay` takes.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Only decisions made since then: today, 7d (days, today the last), 12h, all
    #[arg(long, value_name = "WHEN", default_value = "all", value_parser = Since::read)]
    pub since: Since,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}
