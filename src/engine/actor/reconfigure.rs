//! Another configuration while everything goes on.
//!
//! Must not know: where it came from. Invariant: health, circuits, pins, vetoes and what endpoints
//! told outlive it; a request that runs finishes on the one it began with.

use std::sync::Arc;

use crate::config::Config;
use crate::domain::UnixMs;

use super::super::NoticeLevel;
use super::{Actor, settings};

impl Actor {
    /// Puts a configuration in force.
    pub(super) fn reconfigure(&mut self, config: &Config, now: UnixMs) {
        let old = Arc::clone(&self.config);
        // A policy chosen by hand stays, unless the file now names another than it did.
        let named = config.routing.policy != old.routing.policy;
        if named || !config.policies.contains_key(&self.policy) {
            self.policy.clone_from(&config.routing.policy);
        }
        let config = config.clone().carrying(&old);
        let changed = changes(&old, &config);
        self.config = Arc::new(config);
        self.configure_cache(now);
        self.shared.purse.configure(&self.config.budget);
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut self.overrides.pins)
            .into_iter()
            .partition(|pin| self.config.models.contains_key(&pin.model));
        self.overrides.pins = stay;
        self.forgive();
        self.unreached.clear();
        self.tell_priors();
        self.router.configure(settings(&self.config, self.warm_every));
        self.read_keys();
        self.discover();
        self.forget_trouble();
        self.notice(NoticeLevel::Info, format!("configuration applied{changed}"), now);
        for pin in go {
            let text = format!("the pin is off: {} is not configured any more", pin.model);
            self.notice(NoticeLevel::Warn, text, now);
        }
    }

    /// Looks for keys anew; what was refused is tried again.
    pub(super) fn recheck_keys(&mut self) {
        self.forgive();
        self.read_keys();
    }

    /// The file says what is in force again: what was said of it holds no more.
    pub(super) fn mend_config(&mut self) {
        self.forget_trouble();
        self.recheck_keys();
    }

    fn forget_trouble(&mut self) {
        if let Some(trouble) = self.config_trouble.take() {
            self.notices.retain(|notice| notice.text != trouble);
        }
    }

    /// A change that cannot be put in force; what was stays.
    pub(super) fn refuse_config(&mut self, trouble: String, now: UnixMs) {
        if let Some(old) = self.config_trouble.replace(trouble.clone()) {
            self.notices.retain(|notice| notice.text != old);
        }
        self.notice(NoticeLevel::Error, trouble, now);
    }
}

/// What is another, in words: `: routing, 2 models more`. Empty where nothing is.
fn changes(old: &Config, new: &Config) -> String {
    let mut words: Vec<String> = Vec::new();
    let counted = [
        ("provider", old.providers.len(), new.providers.len(), old.providers != new.providers),
        ("model", old.models.len(), new.models.len(), old.models != new.models),
    ];
    for (what, before, after, differ) in counted {
        let by = before.abs_diff(after);
        let plural = if by == 1 { "" } else { "s" };
        match after.cmp(&before) {
            std::cmp::Ordering::Greater => words.push(format!("{by} {what}{plural} more")),
            std::cmp::Ordering::Less => words.push(format!("{by} {what}{plural} fewer")),
            std::cmp::Ordering::Equal if differ => words.push(format!("{what}s")),
            std::cmp::Ordering::Equal => {}
        }
    }
    let parts = [
        ("routing", old.routing != new.routing),
        ("policies", old.policies != new.policies),
        ("limits", old.limits != new.limits),
        ("feedback", old.feedback != new.feedback),
        ("hedge", old.hedge != new.hedge),
        ("cache", old.cache != new.cache),
        ("budget", old.budget != new.budget),
        ("console", old.console != new.console),
        ("capture", old.capture != new.capture),
        ("ledger", old.ledger != new.ledger),
    ];
    words.extend(parts.into_iter().filter(|(_, differ)| *differ).map(|(name, _)| name.to_owned()));
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, load};

    #[test]
    fn what_changed_is_said_in_a_few_words() {
        let config = |text: &str| load(&[Layer::user("c.toml", text)]).unwrap().config;
        let old = config("");
        assert_eq!(changes(&old, &old), "");
        let text = "[routing]\npolicy = \"fastest\"\n[models.mine]\nprovider = \"ollama\"\n\
                    context = 100\n[console]\ntheme = \"dark\"";
        assert_eq!(changes(&old, &config(text)), ": 1 model more, routing, console");
    }
}
