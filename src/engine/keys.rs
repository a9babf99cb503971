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
        // What is no longer configured may still be asked by a request that began before.
        let old = self.0.load();
        let mut all: BTreeMap<_, _> =
            old.iter().map(|(name, found)| (name.clone(), found.share())).collect();
        for provider in config.providers.values() {
            let found = if is_slow(provider) {
                // The key that was there works until the command has been run again.
                match old.get(&provider.name).filter(|found| found.is_from(provider)) {
                    Some(found) => found.share(),
                    None => pending(provider),
                }
            } else {
                look_up(provider, env)
            };
            all.insert(provider.name.clone(), found);
        }
        self.0.store(Arc::new(all));
    }

    /// Runs commands and asks keyrings, for the providers that name one. Slow: belongs on a blocking
    /// thread.
    pub(super) fn fetch(&self, config: &Config, env: &Env) {
        for provider in config.providers.values().filter(|provider| is_slow(provider)) {
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
    /// Was its key found where one of the provider's references points?
    fn is_from(&self, provider: &Provider) -> bool {
        let from = self.from.as_ref();
        from.is_some_and(|from| provider.keys.iter().any(|key| key_name(key) == *from))
    }

    fn share(&self) -> Self {
        Self { key: self.key.clone(), state: self.state.clone(), from: self.from.clone() }
    }
}

/// Does finding this provider's key mean running a command or asking a keyring, which may wait for
/// a person?
pub(super) fn is_slow(provider: &Provider) -> bool {
    let slow = |key: &KeyRef| match key {
        KeyRef::Command(_) | KeyRef::Keyring(_) => true,
        KeyRef::Env(_) => false,
    };
    provider.keys.iter().any(slow)
}

fn pending(provider: &Provider) -> Found {
    let state = match provider.key_need {
        KeyNeed::Required => KeyState::Missing("its key is being fetched".to_owned()),
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
    use crate::config::{Layer, load, sample};

    fn with_headers(key: KeyRef) -> Config {
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
        let (keys, config) = (Keys::default(), with_headers(KeyRef::Env("LAB_KEY".into())));
        keys.read(&config, &env());
        let words = "no such key 9f86d081884c7d65 for team-a-2f81c9e07b";
        let mut error = ErrorReport::new(OutcomeClass::Provider, "x", words);
        error.original = words.to_owned();
        keys.hide(&config.providers["lab"], &mut error);
        assert_eq!(error.message, "no such key [key] for [key]");
        assert_eq!(error.original, error.message);
    }

    fn config(text: &str) -> Config {
        load(&[Layer::user("c.toml", text)]).unwrap().config
    }

    fn with_key(reference: &str) -> Config {
        config(&format!(
            "[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\napi_key = \"{reference}\""
        ))
    }

    #[test]
    fn a_fetched_key_works_until_it_has_been_fetched_again() {
        let (keys, env): (_, Env) = (Keys::default(), Arc::new(|_| None));
        let lab = ProviderName::from("lab");
        let first = with_key("cmd:echo sk-one");
        keys.read(&first, &env);
        assert!(matches!(keys.state(&lab), KeyState::Missing(_)));
        keys.fetch(&first, &env);
        keys.read(&first, &env);
        assert!(keys.found(&lab));
        // Another command is another key.
        keys.read(&with_key("cmd:echo sk-two"), &env);
        assert!(!keys.found(&lab));
    }

    #[test]
    fn the_key_of_a_provider_that_was_taken_out_serves_who_asked_before() {
        let (keys, env): (_, Env) = (Keys::default(), Arc::new(|_| Some("sk-one".to_owned())));
        keys.read(&with_key("env:LAB_KEY"), &env);
        keys.read(&config(""), &env);
        assert!(keys.found(&ProviderName::from("lab")));
    }
}
