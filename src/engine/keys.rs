//! Keys in memory: found once per configuration, never logged, shown or written. A key that comes
//! from a command is run off the actor.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};

use crate::config::secret::{self, KeyLookup};
use crate::config::{Config, KeyNeed, KeyRef, Provider};
use crate::domain::{ErrorReport, OutcomeClass, ProviderName};
use crate::route::KeyState;

/// How names in the environment are read; tests bring their own.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A shorter text is no secret: hiding it would only garble what is said.
const SECRET_LEAST: usize = 8;

/// What stands where a secret stood.
const HIDDEN: &str = "[key]";

/// What was found for each provider.
#[derive(Default)]
pub(super) struct Keys(ArcSwap<BTreeMap<ProviderName, Found>>);

struct Found {
    key: Option<SecretString>,
    state: KeyState,
    from: Option<String>,
}

impl Keys {
    /// The provider's key, if one was found.
    pub(super) fn key(&self, provider: &ProviderName) -> Option<SecretString> {
        self.0.load().get(provider).and_then(|found| found.key.clone())
    }

    /// Whether the provider can be used as far as its key goes.
    pub(super) fn state(&self, provider: &ProviderName) -> KeyState {
        self.0.load().get(provider).map_or(KeyState::Ready, |found| found.state.clone())
    }

    /// Was a key found at all?
    pub(super) fn found(&self, provider: &ProviderName) -> bool {
        self.0.load().get(provider).is_some_and(|found| found.key.is_some())
    }

    /// The name of the variable (or command) the key came from.
    pub(super) fn source(&self, provider: &ProviderName) -> Option<String> {
        self.0.load().get(provider).and_then(|found| found.from.clone())
    }

    /// Hides what was sent in secret where an endpoint echoes it: the key, and values of the user's own
    /// headers. Patterns of keys are hidden before this; only here is it known what the key is.
    pub(super) fn hide(&self, provider: &Provider, error: &mut ErrorReport) {
        let key = self.key(&provider.name);
        let key = key.as_ref().map(ExposeSecret::expose_secret);
        let secrets = key.into_iter().chain(provider.headers.values().map(String::as_str));
        for secret in secrets.filter(|secret| secret.len() >= SECRET_LEAST) {
            for text in [&mut error.message, &mut error.original, &mut error.code] {
                if text.contains(secret) {
                    *text = text.replace(secret, HIDDEN);
                }
            }
        }
    }

    /// A refused key is reported by the name of the variable it came from, never by itself; a missing
    /// one by the name of the variable to set.
    pub(super) fn name_the_key(&self, provider: &Provider, error: &mut ErrorReport) {
        self.hide(provider, error);
        if error.class != OutcomeClass::Account || !matches!(error.status, Some(401 | 403)) {
            return;
        }
        let label = &provider.label;
        if let Some(source) = self.source(&provider.name) {
            error.message = format!("{label}: the key in {source} was refused");
            error.hint = format!("check {source}, then try again; nothing else is lost");
        } else if let Some(key) = provider.keys.first() {
            error.message = format!("{label} wants a key, and {} holds none", key_name(key));
            error.hint = format!("set {}, then try again", key_name(key));
        }
    }

    /// Looks all keys up that need no command to be run. Quick.
    pub(super) fn read(&self, config: &Config, env: &Env) {
        let old = self.0.load();
        let mut all = BTreeMap::new();
        for provider in config.providers.values() {
            let found = if runs_command(provider) {
                // What its command said last holds until it has been run again.
                old.get(&provider.name).map_or_else(|| pending(provider), Found::share)
            } else {
                look_up(provider, env)
            };
            all.insert(provider.name.clone(), found);
        }
        self.0.store(Arc::new(all));
    }

    /// Runs the commands of providers that name one. Slow: belongs on a blocking thread.
    pub(super) fn run_commands(&self, config: &Config, env: &Env) {
        for provider in config.providers.values().filter(|provider| runs_command(provider)) {
            let found = Arc::new(look_up(provider, env));
            self.0.rcu(|all| {
                let mut all: BTreeMap<_, _> =
                    all.iter().map(|(name, found)| (name.clone(), found.share())).collect();
                all.insert(provider.name.clone(), found.share());
                all
            });
        }
    }
}

/// A key reference as people say it: the variable's name, or what else it is.
fn key_name(key: &KeyRef) -> String {
    match key {
        KeyRef::Env(name) => name.clone(),
        KeyRef::Command(_) | KeyRef::Keyring(_) => key.to_string(),
    }
}

impl Found {
    fn share(&self) -> Self {
        Self { key: self.key.clone(), state: self.state.clone(), from: self.from.clone() }
    }
}

/// Does finding this provider's key mean running a command?
pub(super) fn runs_command(provider: &Provider) -> bool {
    provider.keys.iter().any(|key| matches!(key, KeyRef::Command(_)))
}

fn pending(provider: &Provider) -> Found {
    let state = match provider.key_need {
        KeyNeed::Required => KeyState::Missing("its key command is running".to_owned()),
        KeyNeed::Optional => KeyState::Ready,
    };
    Found { key: None, state, from: None }
}

fn look_up(provider: &Provider, env: &Env) -> Found {
    let without = |words: String| match provider.key_need {
        KeyNeed::Required => KeyState::Missing(words),
        KeyNeed::Optional => KeyState::Ready,
    };
    match secret::find(provider, &**env) {
        KeyLookup::Found { key, from } => {
            Found { key: Some(key), state: KeyState::Ready, from: Some(from) }
        }
        KeyLookup::Missing { names } => {
            let words = if names.is_empty() {
                format!("set providers.{}.api_key", provider.name)
            } else {
                format!("set {}", names.join(" or "))
            };
            Found { key: None, state: without(words), from: None }
        }
        KeyLookup::Failed { why } => Found { key: None, state: without(why), from: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sample;

    fn config(key: KeyRef) -> Config {
        let provider = Provider {
            keys: vec![key],
            key_need: KeyNeed::Required,
            headers: [("x-team".to_owned(), "team-a-2f81c9e07b".to_owned())].into(),
            ..sample::provider("lab")
        };
        sample::config([provider], [])
    }

    fn env() -> Env {
        Arc::new(|name| (name == "LAB_KEY").then(|| "9f86d081884c7d65".to_owned()))
    }

    #[test]
    fn what_was_sent_in_secret_is_hidden_where_it_is_echoed() {
        let (keys, config) = (Keys::default(), config(KeyRef::Env("LAB_KEY".into())));
        keys.read(&config, &env());
        let words = "no such key 9f86d081884c7d65 for team-a-2f81c9e07b";
        let mut error = ErrorReport::new(OutcomeClass::Provider, "x", words);
        error.original = words.to_owned();
        keys.hide(&config.providers["lab"], &mut error);
        assert_eq!(error.message, "no such key [key] for [key]");
        assert_eq!(error.original, error.message);
    }

    #[test]
    fn a_key_from_a_command_is_kept_until_the_command_has_been_run_again() {
        let (keys, config) = (Keys::default(), config(KeyRef::Command("echo fresh-key".into())));
        let lab = ProviderName::from("lab");
        keys.read(&config, &env());
        assert!(matches!(keys.state(&lab), KeyState::Missing(_)), "it has not been run yet");
        keys.run_commands(&config, &env());
        assert!(keys.found(&lab));
        keys.read(&config, &env());
        assert!(keys.found(&lab) && keys.state(&lab) == KeyState::Ready);
    }
}
