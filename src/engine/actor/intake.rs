//! What providers report of the prompts they read: whether they read all of it, and what their tokens
//! come to, learned and kept beyond this run.
//!
//! Must not know: how factors are folded. Invariant: nobody waits for what is kept.

use crate::config::KeepWhat;
use crate::domain::{AttemptKind, AttemptReport, ModelName, RequestId, UnixMs, is_private};
use crate::ledger::KeptTokens;
use crate::route::Prompt;

use super::super::{NoticeLevel, input};
use super::Actor;

impl Actor {
    /// Far fewer prompt tokens read than sent: the endpoint cuts prompts in silence.
    pub(super) fn note_intake(&mut self, request: RequestId, report: &AttemptReport, now: UnixMs) {
        let asked_plainly = match report.kind {
            AttemptKind::First
            | AttemptKind::Retry
            | AttemptKind::Fallback
            | AttemptKind::Hedge => true,
            // What was sent then is not what was estimated.
            AttemptKind::Continue | AttemptKind::Redo | AttemptKind::Probe => false,
        };
        if report.usage.estimated || report.outcome.is_some() || !asked_plainly {
            return;
        }
        let (Some(input), Some(model)) =
            (self.log.input(request), self.config.models.get(&report.model))
        else {
            return;
        };
        let estimated = input::plain_estimate(model, &input.features);
        let (sent, read) = (estimated.ceil() as u64, report.usage.input);
        let Some(cut) = self.router.intake(&report.model, sent, read) else {
            // What an image costs is not learned from the text around it; and nothing that is kept is
            // learned from what is private.
            let private = is_private(&input.features.tags);
            if !input.features.needs.vision && !private {
                let counted = input.candidates.iter().find(|c| c.model == report.model);
                let counted = counted.and_then(|c| Some(c.counted?.tokens));
                let prompt = Prompt { scripts: &input.features.scripts, estimated, counted };
                self.router.learn_tokens(&report.model, prompt, read);
                self.keep_tokens(&report.model, now);
            }
            return;
        };
        let text = format!("{} did not read all of the prompt: {cut}", report.model);
        self.notice(NoticeLevel::Warn, text, now);
        self.log.doubt(request, cut);
    }

    /// Keeps what is news about a model's tokens.
    fn keep_tokens(&mut self, model: &ModelName, now: UnixMs) {
        let Some(ledger) = &self.shared.ledger else { return };
        if self.config.ledger.keep == KeepWhat::Nothing {
            return;
        }
        let news = self.router.token_news(model);
        if news.is_empty() {
            return;
        }
        let vocabulary = self.vocabulary(model).to_owned();
        let kept = |learned| KeptTokens { vocabulary: vocabulary.clone(), learned };
        ledger.learn(news.into_iter().map(kept).collect(), now);
    }

    /// What earlier runs learned. With another vocabulary than a model has now it says nothing; a model
    /// that is not known yet may be found later.
    pub(super) fn remember_tokens(&mut self, rows: Vec<KeptTokens>) {
        self.remembers = true;
        let fits = |row: &KeptTokens| {
            let model = &row.learned.model;
            !self.config.models.contains_key(model) || self.vocabulary(model) == row.vocabulary
        };
        let rows: Vec<_> = rows.into_iter().filter(fits).map(|row| row.learned).collect();
        self.router.remember_tokens(rows);
    }

    fn vocabulary(&self, model: &ModelName) -> &'static str {
        let model = self.config.models.get(model);
        let tokenizer = model.and_then(|model| model.tokenizer);
        tokenizer.map_or("", |tokenizer| tokenizer.vocabulary.name())
    }
}
