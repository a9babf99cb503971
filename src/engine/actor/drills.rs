//! Drills beginning and ending: what they did to a model's health and circuit goes with them.

use std::time::Duration;

use crate::domain::{ModelName, ProviderName, UnixMs, format_span};

use super::super::NoticeLevel;
use super::super::drill::{Drill, DrillKind};
use super::Actor;

/// In whole seconds: what is asked for is a few milliseconds old when it gets here.
fn whole(span: Duration) -> Duration {
    Duration::from_secs(u64::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u64::MAX))
}

impl Actor {
    pub(super) fn begin_drill(&mut self, drill: Drill, now: UnixMs) {
        if !self.is_name(&drill.name) {
            self.unknown("model or provider", &drill.name, now);
            return;
        }
        for (provider, model) in self.all_models() {
            if drill.covers(&provider, &model) && !self.kept.contains_key(&model) {
                let kept = self.router.keep(&model);
                self.kept.insert(model, kept);
            }
        }
        let sent = match drill.kind {
            DrillKind::Down | DrillKind::Limit => "nothing is sent to it",
            DrillKind::Slow(_) | DrillKind::Cut => "it is still asked, and paid",
        };
        let text = format!(
            "drill: {} counts as {} for {}; {sent}",
            drill.name,
            drill.kind.words(),
            format_span(whole(now.until(drill.until))),
        );
        self.overrides.drills.retain(|old| old.name != drill.name);
        self.overrides.drills.push(drill);
        self.notice(NoticeLevel::Info, text, now);
    }

    /// Ends a drill by its name, or all.
    pub(super) fn end_drill(&mut self, name: Option<&str>, now: UnixMs) {
        self.end_drills(|drill| name.is_none_or(|name| name == drill.name), now);
    }

    /// Ends the drills whose time is over.
    pub(super) fn end_due_drills(&mut self, now: UnixMs) {
        if self.overrides.drills.iter().any(|drill| drill.until <= now) {
            self.end_drills(|drill| drill.until <= now, now);
        }
    }

    fn end_drills(&mut self, over: impl Fn(&Drill) -> bool, now: UnixMs) {
        let ended: Vec<String> = self
            .overrides
            .drills
            .iter()
            .filter(|drill| over(drill))
            .map(|d| d.name.clone())
            .collect();
        if ended.is_empty() {
            return;
        }
        self.overrides.drills.retain(|drill| !over(drill));
        for (provider, model) in self.all_models() {
            if ended.iter().any(|name| *name == provider.as_str()) {
                // What really holds is seen by the next call, free or not.
                self.unreached.remove(&provider);
            }
            let drilled = self.overrides.drills.iter().any(|drill| drill.covers(&provider, &model));
            if !drilled && let Some(kept) = self.kept.remove(&model) {
                self.router.put_back(&model, kept, now);
            }
        }
        let text = format!("drill over: {}; its failures are forgotten", ended.join(", "));
        self.notice(NoticeLevel::Info, text, now);
    }

    /// Is nothing to be sent to this provider?
    pub(super) fn is_cut_off(&self, provider: &ProviderName) -> bool {
        self.overrides.drills.iter().any(|drill| {
            drill.name == provider.as_str()
                && matches!(drill.kind, DrillKind::Down | DrillKind::Limit)
        })
    }

    fn all_models(&self) -> Vec<(ProviderName, ModelName)> {
        let models = self.config.models.values();
        models.map(|model| (model.provider.clone(), model.name.clone())).collect()
    }
}
