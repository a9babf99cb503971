//! Moving traffic away from slow models, and saying so: when it leaves, when it comes back, and when
//! it cannot leave because nobody else is fit to take it.

use uuid::Uuid;

use crate::config::FeedbackMetric;
use crate::domain::{ModelName, Origin, ReaderKind, Request, RequestId, UnixMs, format_span};
use crate::route::{Slow, elsewhere};

use super::super::{Notice, NoticeLevel, Undo};
use super::Actor;

impl Actor {
    /// After every batch: who became too slow, and whose traffic begins to come back.
    pub(super) fn steer(&mut self, now: UnixMs) {
        for slow in self.router.take_slow(now) {
            match self.taker(&slow.model, now) {
                Some(_) => self.send_away(&slow, now),
                None => self.nobody_takes(&slow, now),
            }
        }
        for model in self.router.came_back(now) {
            self.forget_shift(&model);
            let text = format!("{model} is back: one request in ten at first, then more");
            self.notice(NoticeLevel::Info, text, now);
        }
    }

    fn send_away(&mut self, slow: &Slow, now: UnixMs) {
        let model = &slow.model;
        let Some(span) = self.router.shift(model, now) else { return };
        self.forget_shift(model);
        let text = format!("{}; traffic away for {}", self.how_slow(slow), format_span(span));
        self.notices_push(Notice {
            at: now,
            level: NoticeLevel::Warn,
            text,
            undo: Some(Undo::Shift(model.clone())),
        });
    }

    fn nobody_takes(&mut self, slow: &Slow, now: UnixMs) {
        let again = |at: &UnixMs| now.since(*at) < self.config.feedback.shift_for;
        if self.stuck.get(&slow.model).is_some_and(again) {
            return;
        }
        // Bounded like the models of the configuration.
        self.stuck.insert(slow.model.clone(), now);
        let text = format!("{}; nobody else is fit to take its traffic", self.how_slow(slow));
        self.notice(NoticeLevel::Warn, text, now);
    }

    fn how_slow(&self, slow: &Slow) -> String {
        let time = |ms: u64| match ms {
            0..1_000 => format!("{ms} ms"),
            _ if ms % 1_000 < 100 => format!("{} s", ms / 1_000),
            _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        };
        let of = match self.config.feedback.metric {
            FeedbackMetric::Ttft => "",
            FeedbackMetric::Total => " of whole answers",
        };
        let (p95, limit) = (time(slow.p95_ms), time(slow.limit_ms));
        format!("{} is slow: p95{of} {p95} over {limit}", slow.model)
    }

    /// Who could take over from a model, as the router would decide on a plain request now.
    fn taker(&mut self, model: &ModelName, now: UnixMs) -> Option<ModelName> {
        let plain =
            Request::new(RequestId(Uuid::nil()), Origin::Probe, ReaderKind::Replaceable, "");
        let mut input = self.snapshot(now).decision_input(&plain, now, 0);
        // One whose own traffic only begins to come back cannot take another's.
        input.candidates.retain(|candidate| {
            candidate.model == *model
                || self.router.shift_phase(&candidate.model, now).until().is_none()
        });
        elsewhere(&input, model).map(|taker| taker.model.clone())
    }

    /// The notice of a shift that is over, or undone, is no longer true.
    pub(super) fn forget_shift(&mut self, model: &ModelName) {
        let undone = Undo::Shift(model.clone());
        self.notices.retain(|notice| notice.undo.as_ref() != Some(&undone));
    }
}
