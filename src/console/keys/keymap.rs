//! Which key does what, defaults and the user's own put together.
//!
//! Owns: the lookup. Invariant: within one context no key has two meanings, and no key is at once
//! a whole binding and the beginning of a longer one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::{Action, Chord, Context, Sequence, TABLE};
use crate::config::ConsoleSettings;
use crate::domain::nearest;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing.
    None,
    /// The beginning of a longer binding.
    Prefix,
    /// This.
    Action(Action),
}

/// What is wrong with the user's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// Where: `console.keys."composer.send"`.
    pub path: String,
    /// What.
    pub message: String,
    /// The nearest name there is.
    pub suggestion: Option<String>,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.suggestion {
            Some(name) => write!(f, "; did you mean {name:?}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for KeyError {}

/// Which key does what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    map: HashMap<(Context, Chord, Option<Chord>), Action>,
    prefixes: HashMap<(Context, Chord), Vec<(Chord, Action)>>,
    shown: HashMap<Action, Vec<(Context, Sequence)>>,
}

/// Which key sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SendKey {
    /// Enter sends, Alt+Enter begins a new line.
    #[default]
    Enter,
    /// The other way round.
    AltEnter,
}

struct Entry {
    context: Context,
    sequence: Sequence,
    action: Action,
    path: String,
    user: bool,
}

impl Keymap {
    /// The defaults.
    pub fn defaults() -> Self {
        Self::build(SendKey::Enter, &BTreeMap::new()).unwrap_or_default()
    }

    /// What the configuration says. Every error at once.
    pub fn configured(settings: &ConsoleSettings) -> Result<Self, Vec<KeyError>> {
        let send = match settings.send.as_str() {
            "alt-enter" => SendKey::AltEnter,
            _ => SendKey::Enter,
        };
        Self::build(send, &settings.keys)
    }

    /// The defaults with the user's `context.action = ["key", …]` in place of theirs. Every error
    /// at once.
    pub fn build(
        send: SendKey,
        user: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, Vec<KeyError>> {
        let mut errors = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for info in TABLE {
            for (context, keys) in info.keys {
                let name = format!("{}.{}", context.name(), info.name);
                let path = format!("console.keys.{name:?}");
                if let Some(keys) = user.get(&name) {
                    for key in keys {
                        match key.parse() {
                            Ok(sequence) => entries.push(Entry {
                                context: *context,
                                sequence,
                                action: info.action,
                                path: path.clone(),
                                user: true,
                            }),
                            Err(error) => errors.push(KeyError {
                                path: path.clone(),
                                message: error.to_string(),
                                suggestion: None,
                            }),
                        }
                    }
                    continue;
                }
                for key in *keys {
                    let key = match (send, *context, *key) {
                        (SendKey::AltEnter, Context::Composer, "enter") => "alt-enter",
                        (SendKey::AltEnter, Context::Composer, "alt-enter") => "enter",
                        (_, _, key) => key,
                    };
                    if let Ok(sequence) = key.parse() {
                        entries.push(Entry {
                            context: *context,
                            sequence,
                            action: info.action,
                            path: path.clone(),
                            user: false,
                        });
                    }
                }
            }
        }
        for name in user.keys() {
            let known = TABLE.iter().any(|info| {
                info.keys.iter().any(|(c, _)| *name == format!("{}.{}", c.name(), info.name))
            });
            if !known {
                errors.push(KeyError {
                    path: format!("console.keys.{name:?}"),
                    message: "no such context and action".to_owned(),
                    suggestion: near(name),
                });
            }
        }
        // What the user says takes a key away from the default that had it; two of the user's own,
        // or two defaults, are a clash.
        let taken: Vec<(Context, Sequence)> =
            entries.iter().filter(|e| e.user).map(|e| (e.context, e.sequence)).collect();
        entries.retain(|e| {
            e.user || !taken.iter().any(|(c, s)| *c == e.context && overlap(*s, e.sequence))
        });
        for (i, entry) in entries.iter().enumerate() {
            for other in &entries[..i] {
                if other.context == entry.context
                    && other.action != entry.action
                    && overlap(other.sequence, entry.sequence)
                {
                    errors.push(KeyError {
                        path: entry.path.clone(),
                        message: format!(
                            "{:?} already means {} in {} ({})",
                            entry.sequence.to_string(),
                            super::info(other.action).name,
                            entry.context.name(),
                            other.path,
                        ),
                        suggestion: None,
                    });
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut keymap = Self::default();
        for Entry { context, sequence, action, .. } in entries {
            keymap.map.insert((context, sequence.first, sequence.second), action);
            if let Some(second) = sequence.second {
                keymap
                    .prefixes
                    .entry((context, sequence.first))
                    .or_default()
                    .push((second, action));
            }
            keymap.shown.entry(action).or_default().push((context, sequence));
        }
        Ok(keymap)
    }

    /// What a key means in these contexts, the first that knows it wins.
    pub fn lookup(&self, contexts: &[Context], pending: Option<Chord>, key: Chord) -> Lookup {
        for context in contexts {
            let found = match pending {
                Some(first) => self.map.get(&(*context, first, Some(key))),
                None => self.map.get(&(*context, key, None)),
            };
            if let Some(action) = found {
                return Lookup::Action(*action);
            }
            if pending.is_none() && self.prefixes.contains_key(&(*context, key)) {
                return Lookup::Prefix;
            }
        }
        Lookup::None
    }

    /// What can follow a first key: for the card that shows after it.
    pub fn following(&self, contexts: &[Context], first: Chord) -> Vec<(Chord, Action)> {
        contexts.iter().filter_map(|c| self.prefixes.get(&(*c, first))).flatten().copied().collect()
    }

    /// All keys of an action, in the order of the table.
    pub fn keys_of(&self, action: Action) -> &[(Context, Sequence)] {
        self.shown.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The key to show for an action where these contexts hold.
    pub fn primary(&self, contexts: &[Context], action: Action) -> Option<Sequence> {
        let keys = self.keys_of(action);
        contexts
            .iter()
            .find_map(|context| keys.iter().find(|(c, _)| c == context))
            .map(|(_, sequence)| *sequence)
    }

    /// The key to show for an action, wherever it holds; short.
    pub fn hint(&self, action: Action) -> String {
        self.keys_of(action).first().map_or_else(String::new, |(_, sequence)| sequence.short())
    }
}

/// Two bindings that cannot both be typed.
fn overlap(a: Sequence, b: Sequence) -> bool {
    a.first == b.first
        && match (a.second, b.second) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
}

fn near(name: &str) -> Option<String> {
    let names: Vec<String> = TABLE
        .iter()
        .flat_map(|info| info.keys.iter().map(|(c, _)| format!("{}.{}", c.name(), info.name)))
        .collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
#[path = "keymap_tests.rs"]
mod tests;
