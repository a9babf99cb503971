//! What is refused though it could be read: options that have no use where they stand, and words that
//! are mistyped commands far more often than prompts.
//!
//! Invariant: what would cost money by mistake is never sent.

use super::{AskArgs, Cli};
use crate::domain::nearest;

/// An option of `ask` before a command that has no use for it: refused, never dropped.
pub(super) fn refuse_stray(ask: &AskArgs) -> Result<(), clap::Error> {
    let Some(name) = stray(ask) else { return Ok(()) };
    let message = format!("{name} belongs to a question, or behind the command if it takes it\n");
    Err(<Cli as clap::CommandFactory>::command()
        .error(clap::error::ErrorKind::ArgumentConflict, message))
}

/// An option of a question that was given.
pub fn stray(ask: &AskArgs) -> Option<&'static str> {
    let stray = [
        ("--model", ask.model.is_some()),
        ("--pin", ask.pin),
        ("--json", ask.json),
        ("--system", ask.system.is_some()),
        ("--max-tokens", ask.max_tokens.is_some()),
        ("--temperature", ask.temperature.is_some()),
        ("--seed", ask.seed.is_some()),
        ("--continue", ask.go_on),
        ("--session", ask.session.is_some()),
        ("--no-cache", ask.no_cache),
        ("--cache", ask.cache.is_some()),
        ("--over-budget", ask.over_budget),
        ("--tag", !ask.tags.is_empty()),
    ];
    stray.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
}

/// A single bare word is a mistyped command far more often than a prompt, and sending it costs
/// money; so it is refused with the way to send it all the same.
pub(super) fn refuse_lone_word(prompt: &[String]) -> Result<(), clap::Error> {
    use clap::CommandFactory as _;
    let [word, rest @ ..] = prompt else { return Ok(()) };
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        return Ok(());
    }
    let mut command = Cli::command();
    let near = nearest(word, command.get_subcommands().map(clap::Command::get_name));
    // With more words it is a prompt, unless the next one is what such a command goes on with.
    if let [next, ..] = rest {
        let meant = near.and_then(|name| command.find_subcommand(name));
        if meant.is_none_or(|meant| meant.find_subcommand(next).is_none()) {
            return Ok(());
        }
    }
    let near = near.map_or_else(String::new, |name| format!("Did you mean `{name}`? "));
    let message = format!(
        "there is no command `{word}`. {near}To send it as a prompt: wheelhouse ask {}\n",
        prompt.join(" ")
    );
    Err(command.error(clap::error::ErrorKind::InvalidSubcommand, message))
}
