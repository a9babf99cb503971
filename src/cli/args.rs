//! The command line as data: every command, option and default, and the help that teaches them.
//! Help, shell completions and the man page all come from here.
//!
//! Must not know: what any command does.

mod kept;
pub mod mistaken;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};

pub use kept::{Format, ReplayArgs, SessionsCommand, UsageArgs, UsageBy};

use crate::console::view::sample::Scene;

pub mod cache;

use cache::{CACHE_EXAMPLES, CacheCommand, CacheUse};
pub use settings::{CompareArgs, ConfigCommand, Feed, SyncArgs};

/// Exit codes, told in `--help`, the man page and the README in the same words.
pub const EXIT_CODES: &str = "\
  0    answered, or done
  1    an error: the request itself was refused, a file could not be read
  2    the command line or the configuration is wrong; every error is listed
  3    no provider could answer whole
  4    a budget, a rule or a veto forbids every model
  130  interrupted";

const EXAMPLES: &str = "\
Examples:
  wheelhouse                               chat, with every model you have a key for
  wheelhouse --demo                        the same over a simulated fleet: no key, no cost
  wheelhouse \"why is the sky blue\"         one answer on standard output
  git diff | wheelhouse ask \"review this\"  standard input goes beside the prompt
  wheelhouse ask -m sonnet \"...\"           this model first, others if it fails
  wheelhouse explain \"...\"                 which model would answer, and why; asks nobody
  wheelhouse models list                   what there is, what it costs, whether its key is set
  wheelhouse usage                         what was spent, on whom, and what routing saved
  wheelhouse sessions list                 what was said; `ask -c` goes on with the last

Exit codes:
  0 answered   1 error   2 usage or configuration   3 no provider could answer whole
  4 forbidden by a budget, a rule or a veto   130 interrupted

Keys are read from the variables you already have (OPENAI_API_KEY, DEEPSEEK_API_KEY, ...) and
are never written, logged or shown. `wheelhouse doctor` says which were found.";

/// Chat with every LLM you pay for. Each request goes to the cheapest healthy model that is good
/// enough; you see why, and one key overrides it.
#[derive(Debug, Parser)]
#[command(
    name = "wheelhouse",
    version,
    about,
    long_about = None,
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    max_term_width = 100,
    override_usage = "wheelhouse [OPTIONS] [PROMPT]...\n       wheelhouse [OPTIONS] <COMMAND>"
)]
pub struct Cli {
    /// Options every command takes.
    #[command(flatten)]
    pub global: Global,
    /// A prompt given without `ask`, and its options.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The command; none opens the console, or asks when a prompt is there.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Read this configuration file
    #[arg(long, global = true, value_name = "FILE", env = "WHEELHOUSE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Keep data and logs in this directory
    #[arg(long, global = true, value_name = "DIR", env = "WHEELHOUSE_DATA")]
    pub data: Option<PathBuf>,
    /// Use the simulated fleet instead of your models and keys: nothing leaves this machine
    #[arg(long, global = true)]
    pub demo: bool,
    /// With --demo or sim: let faults strike the fleet as this script says; `gameday` is shipped
    #[arg(long, global = true, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Route by this policy: balanced, cheapest, fastest, best, realtime, or one of yours
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub policy: Option<String>,
    /// Draw with this theme: a shipped one's name, or a file
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub theme: Option<String>,
    /// Write and draw with ASCII characters only; answers and documents stay as they are
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Use no colours (so does NO_COLOR=1)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// What `ask` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct AskArgs {
    /// The prompt; standard input, when it is not a terminal, is put below it
    #[arg(value_name = "PROMPT")]
    pub prompt: Vec<String>,
    /// Ask this model first; others follow only if it fails
    #[arg(short, long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// With --model: ask no other model
    #[arg(long, requires = "model")]
    pub pin: bool,
    /// Print one JSON object: the decision, and what came of it where somebody is asked
    #[arg(long)]
    pub json: bool,
    /// Instructions to the model
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// Cap the answer at so many tokens; never raised by the router
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: Option<u32>,
    /// Randomness, 0 to 2, where the model takes it
    #[arg(long, value_name = "T", value_parser = temperature)]
    pub temperature: Option<f64>,
    /// Seed for repeatable answers, where the model takes one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<i64>,
    /// Go on with the conversation something was said in last
    #[arg(short = 'c', long = "continue", conflicts_with = "session")]
    pub go_on: bool,
    /// Go on with this conversation: its id, or four or more of its first or last digits, or of those listed
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub session: Option<String>,
    /// Neither read nor fill the answer cache
    #[arg(long, conflicts_with = "cache")]
    pub no_cache: bool,
    /// What to do with the answer cache otherwise
    #[arg(long, value_name = "HOW")]
    pub cache: Option<CacheUse>,
    /// Go over a budget that asks first; one that stops is never gone over
    #[arg(long)]
    pub over_budget: bool,
    /// Mark the request for routing rules, `private` to keep it on this machine; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask once: the answer on standard output, who gave it on standard error
    #[command(after_help = ASK_EXAMPLES)]
    Ask(AskArgs),
    /// Show which model would answer and why; asks nobody and costs nothing
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// The registry: models, prices, capabilities, keys
    Models {
        /// What to do.
        #[command(subcommand)]
        what: ModelsCommand,
    },
    /// Conversations that were kept: list, show, search, export, remove
    #[command(after_help = kept::SESSIONS_EXAMPLES)]
    Sessions {
        /// What to do.
        #[command(subcommand)]
        what: SessionsCommand,
    },
    /// What was spent, by model, provider, day or conversation, and what routing saved
    #[command(alias = "costs", after_help = kept::USAGE_EXAMPLES)]
    Usage(UsageArgs),
    /// Decide again what was decided, under another policy; asks nobody and costs nothing
    #[command(after_help = kept::REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// The answer cache: what it holds and saved, forget answers, why a prompt hits or misses
    #[command(after_help = CACHE_EXAMPLES)]
    Cache {
        /// What to do.
        #[command(subcommand)]
        what: CacheCommand,
    },
    /// Write, check or show the configuration
    Config {
        /// What to do.
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// Ask several models the same in many languages: real price, speed and length by script
    #[command(after_help = settings::COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Say where everything is and what is wrong with it
    Doctor(DoctorArgs),
    /// Show who would answer if a provider or model failed; asks nobody and costs nothing
    #[command(after_help = DRILL_EXAMPLES)]
    Drill(DrillArgs),
    /// Run the simulated providers alone, for other programs or a second terminal
    #[command(after_help = SIM_EXAMPLES)]
    Sim(SimArgs),
    /// Draw a view of the console into an SVG picture
    #[command(after_help = SHOT_EXAMPLES)]
    Shot(ShotArgs),
    /// Print a completion script for your shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    #[command(
        after_help = "Examples:\n  wheelhouse man > ~/.local/share/man/man1/wheelhouse.1\n  wheelhouse man ask | man -l -"
    )]
    Man {
        /// The page of one command
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

const ASK_EXAMPLES: &str = "\
Examples:
  wheelhouse ask \"three names for a boat\"
  cat error.log | wheelhouse ask \"what went wrong here?\" > answer.md
  wheelhouse ask --policy cheapest --json \"capital of Peru\" | jq -r .model
  wheelhouse ask -m sonnet --pin \"...\"      that model or none
  wheelhouse ask -c \"and in winter?\"        go on with the last conversation
  wheelhouse ask \"#private my pin is ...\"   models on this machine only
  wheelhouse ask --demo \"write a haiku\"     the simulated fleet

Typed words are read as in the console: `@model` in front is asked first, `#private` keeps the
message on this machine and out of what later questions send along, any other `#tag` is for rules,
`:floor` or `:nitro` at an end is the cheapest or the fastest policy. What is piped in is text and
nothing else; --tag marks it.

The answer is standard output and nothing else is. Where several attempts were needed, the story
is told on standard error. Read by a pipe, text that was printed is never taken back: if a broken
answer cannot be continued, the exit code is 3.

With --json there is exactly one object on standard output, whatever becomes of the request: what
went wrong is its `error`. Only a command line that cannot be read (an option that is not there, a
value out of range, two options that exclude each other) is told on standard error alone, with exit
code 2. `session_id` is null where no conversation is kept.

Exit codes:
  0 answered   1 error   2 usage or configuration   3 no provider could answer whole
  4 forbidden by a budget, a rule or a veto   130 interrupted";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  wheelhouse explain \"fix this borrow checker error\"
  wheelhouse explain --policy cheapest \"...\"
  wheelhouse explain --demo --json \"...\" | jq .chosen";

const DRILL_EXAMPLES: &str = "\
Examples:
  wheelhouse drill deepseek             every kind of prompt, now and with DeepSeek down
  wheelhouse drill deepseek slow 4s     the first token four seconds later
  wheelhouse drill opus limit           one model at its rate limit
  wheelhouse drill openai --prompt \"review this diff\" --prompt \"a haiku\"
  wheelhouse drill --demo deepseek      over the simulated fleet
  wheelhouse drill deepseek --json | jq '.warnings[]'

Read it like this: `now` answers today, `then` would answer in the drill. Costs and times are
estimates from prices and what was measured. Warnings name prompts that hang on one provider and
fallbacks that would fail together with what they stand in for: an aggregator that fronts it.
The first calls to a provider that goes down are still lost on it, until its circuit opens; to
see that live, use /drill in the console. The exit code is 3 when a prompt would stay unanswered.";

const SIM_EXAMPLES: &str = "\
Examples:
  wheelhouse sim                    any free ports; prints addresses and a configuration
  wheelhouse sim --port 9400        ports 9400, 9401, ...
  wheelhouse sim --faults gameday   things go wrong on a timetable, told on standard error
  wheelhouse sim > sim.toml &       then: wheelhouse --config sim.toml";

const SHOT_EXAMPLES: &str = "\
Examples:
  wheelhouse shot chat -o chat.svg
  wheelhouse shot routes --size 80x24 --theme light > routes.svg";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  wheelhouse completions bash > ~/.local/share/bash-completion/completions/wheelhouse
  wheelhouse completions zsh  > ~/.zfunc/_wheelhouse
  wheelhouse completions fish > ~/.config/fish/completions/wheelhouse.fish";

/// What `explain` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ExplainArgs {
    /// The request, given as for `ask`.
    #[command(flatten)]
    pub ask: AskArgs,
    /// List filtered models one by one too
    #[arg(long)]
    pub all: bool,
}

/// What `models` can do.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models that can be used, with the prices in force now
    List(ModelsListArgs),
    /// Show what a price feed says otherwise: new models, prices, windows; --write keeps it
    #[command(after_help = settings::SYNC_EXAMPLES)]
    Sync(SyncArgs),
}

/// What `models list` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelsListArgs {
    /// Only names, providers or ids with this in them
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,
    /// Also the shipped ones whose key is not set, and retired ones
    #[arg(long)]
    pub all: bool,
    /// One JSON object per model, in an array
    #[arg(long)]
    pub json: bool,
}

/// What `doctor` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct DoctorArgs {
    /// Also ask every provider that has a key for its model list: free, one call each
    #[arg(long)]
    pub probe: bool,
}

/// What `drill` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct DrillArgs {
    /// The provider or model that is to fail
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How: down (default), slow 4s, limit
    #[arg(value_name = "HOW", num_args = 0..=2)]
    pub kind: Vec<String>,
    /// Decide this prompt instead of the shipped ones; may be given more than once
    #[arg(long, value_name = "TEXT")]
    pub prompt: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `sim` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct SimArgs {
    /// The first port; the others follow it. Without it, free ports
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The seed of everything that varies
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Speed up time: 2 is twice as fast, 0 as fast as the machine can
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

/// What `shot` takes.
#[derive(Debug, Clone, Args)]
pub struct ShotArgs {
    /// What to draw
    #[arg(value_parser = scenes(), default_value = "chat")]
    pub view: String,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = size)]
    pub size: (u16, u16),
    /// The file to write; without it, standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The names of what can be drawn.
fn scenes() -> PossibleValuesParser {
    Scene::ALL.map(|(_, name)| name).into()
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=2.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 2".to_owned()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("expected 0 or more".to_owned()),
    }
}

/// The least and greatest columns and rows a picture can have.
const SIZES: std::ops::RangeInclusive<u16> = 10..=500;

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once(['x', 'X']).and_then(|(width, height)| {
        Some((width.trim().parse::<u16>().ok()?, height.trim().parse::<u16>().ok()?))
    });
    match parsed {
        Some((width, height)) if SIZES.contains(&width) && SIZES.contains(&height) => {
            Ok((width, height))
        }
        _ => Err(format!(
            "expected columns and rows such as 120x40, each from {} to {}",
            SIZES.start(),
            SIZES.end()
        )),
    }
}

/// Reads the arguments.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(args)?;
    match &mut cli.command {
        None => mistaken::refuse_lone_word(&cli.ask.prompt)?,
        // What stands before the command means the same as behind it.
        Some(Command::Ask(ask)) => ask.add(std::mem::take(&mut cli.ask)),
        Some(Command::Explain(explain)) => explain.ask.add(std::mem::take(&mut cli.ask)),
        Some(Command::Cache { what: CacheCommand::Why(ask) }) => {
            ask.add(std::mem::take(&mut cli.ask));
        }
        Some(_) => mistaken::refuse_stray(&cli.ask)?,
    }
    Ok(cli)
}

impl AskArgs {
    /// Takes over what was said before the command.
    fn add(&mut self, before: Self) {
        let mut prompt = before.prompt;
        prompt.append(&mut self.prompt);
        self.prompt = prompt;
        self.model = self.model.take().or(before.model);
        self.pin |= before.pin;
        self.json |= before.json;
        self.system = self.system.take().or(before.system);
        self.max_tokens = self.max_tokens.or(before.max_tokens);
        self.temperature = self.temperature.or(before.temperature);
        self.seed = self.seed.or(before.seed);
        self.go_on |= before.go_on;
        self.session = self.session.take().or(before.session);
        self.no_cache |= before.no_cache;
        self.cache = self.cache.or(before.cache);
        self.tags.extend(before.tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Cli, clap::Error> {
        parse(std::iter::once("wheelhouse").chain(args.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_command_tree_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_prompt_needs_no_command() {
        let cli = read(&["why is the sky blue", "--json", "--demo"]).unwrap();
        assert!(cli.command.is_none() && cli.ask.json && cli.global.demo);
        assert_eq!(cli.ask.prompt, ["why is the sky blue"]);
        let words = read(&["list", "the", "models"]).unwrap();
        assert!(words.command.is_none());
        assert_eq!(words.ask.prompt.join(" "), "list the models");
    }

    #[test]
    fn global_options_go_before_or_after_the_command() {
        for args in [["--demo", "ask", "hi"], ["ask", "--demo", "hi"], ["ask", "hi", "--demo"]] {
            let cli = read(&args).unwrap();
            assert!(cli.global.demo && matches!(cli.command, Some(Command::Ask(_))), "{args:?}");
        }
    }

    #[test]
    fn options_of_a_question_go_before_its_command_too_and_are_never_dropped() {
        for args in [["--json", "ask", "hi"], ["ask", "--json", "hi"]] {
            let cli = read(&args).unwrap();
            assert!(matches!(cli.command, Some(Command::Ask(ask)) if ask.json), "{args:?}");
        }
        let cli = read(&["-m", "claude", "explain", "hi"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Explain(e)) if e.ask.model.is_some()));
        assert!(read(&["--json", "models", "list"]).is_err());
        assert!(read(&["models", "list", "--json"]).is_ok());
    }

    #[test]
    fn a_lone_word_is_taken_for_a_mistyped_command() {
        let error = read(&["docter"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("`doctor`"), "{error}");
        assert!(read(&["ask", "docter"]).is_ok());
        let error = read(&["sesions", "list"]).unwrap_err();
        assert!(error.to_string().contains("`sessions`"), "{error}");
        assert!(read(&["models", "of", "cars"]).is_err() && read(&["model", "trains"]).is_ok());
        let stray = |args: &[&str]| mistaken::stray(&read(args).unwrap().ask);
        assert_eq!(stray(&["--demo", "--tag", "private"]), Some("--tag"));
        assert_eq!(stray(&["--over-budget"]), Some("--over-budget"));
        assert_eq!(stray(&["--demo"]), None);
        assert!(read(&["你好"]).is_ok() && read(&["Hello"]).is_ok());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        assert!(read(&["ask", "x", "--temperature", "3"]).is_err());
        assert!(read(&["ask", "x", "--max-tokens", "0"]).is_err());
        assert!(read(&["ask", "x", "--pin"]).is_err());
        assert!(read(&["shot", "--size", "1x1"]).is_err());
        assert!(read(&["shot", "--size", "80x24"]).is_ok());
        assert_eq!(
            read(&["ask", "x", "--seed", "-3"]).unwrap().command.map(|c| match c {
                Command::Ask(ask) => ask.seed,
                _ => None,
            }),
            Some(Some(-3))
        );
    }
}
