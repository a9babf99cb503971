//! What an original refuses before it answers: keys, fields, prefills, sizes.
//!
//! Owns: those checks, in the order the originals make them. Must not know: injected faults.

use super::super::answer;
use super::super::ask::{Ask, Who};
use super::super::frames::Values;
use super::super::habits::{Continuing, Speaks};
use super::super::http::Incoming;
use super::Responder;
use super::fill::describe;

impl Responder<'_> {
    /// What the original refuses: the section of its answer, whose values are set.
    pub(super) fn check(
        &self,
        incoming: &Incoming,
        ask: &Ask,
        values: &mut Values,
    ) -> Result<(), &'static str> {
        let bearer = incoming.header("authorization").and_then(|h| h.strip_prefix("Bearer "));
        let key = bearer.or_else(|| incoming.header("x-api-key")).unwrap_or_default();
        if key.starts_with("bad") {
            let tail: String = key.chars().skip(key.chars().count().saturating_sub(4)).collect();
            values.set("key", format!("****{tail}"));
            return Err("error.auth");
        }
        let Some(model) = self.provider.find(&ask.model) else {
            return Err("error.model");
        };
        describe(values, model);
        for field in self.provider.refuses.iter().chain(&model.refuses) {
            if ask.fields.contains(field) {
                let why = match self.provider.dialect {
                    Speaks::Anthropic => format!("{field}: Extra inputs are not permitted"),
                    Speaks::Openai => "Extra inputs are not permitted".to_owned(),
                };
                return Err(invalid(values, field, &why));
            }
        }
        if self.provider.dialect == Speaks::Anthropic {
            if incoming.header("anthropic-version").is_none() {
                let why = "anthropic-version: header is required";
                return Err(invalid(values, "anthropic-version", why));
            }
            if ask.cap.is_none() {
                return Err(invalid(values, "max_tokens", "max_tokens: Field required"));
            }
        }
        if !ask.said.iter().any(|said| said.who != Who::System) {
            let why = "messages: at least one message is required";
            return Err(invalid(values, "messages", why));
        }
        if let Some(last) = ask.trailing() {
            if self.provider.continuing == Continuing::Refuses {
                return Err("error.prefill");
            }
            if self.provider.continuing == Continuing::Repeats && last.mark != Some("prefix") {
                let why = "Expected last role User or Tool (or Assistant with prefix True) for \
                           serving but got assistant";
                return Err(invalid(values, "messages", why));
            }
        }
        if self.provider.continuing == Continuing::Partial && !ask.stream && ask.think == Some(true)
        {
            let why =
                "parameter.enable_thinking must be set to false for non-streaming calls".to_owned();
            return Err(invalid(values, "enable_thinking", &why));
        }
        let cap = ask.cap.unwrap_or(0);
        values.set("cap", cap.to_string());
        if cap > model.max_output && self.frames.status("error.cap").is_some() {
            return Err("error.cap");
        }
        let prompt = answer::prompt_tokens(ask);
        let counted = if self.provider.counts_cap_at_admission { cap } else { 0 };
        values.set("requested", (prompt + cap).to_string());
        if prompt + counted > model.context {
            return Err("error.context");
        }
        Ok(())
    }
}

/// A malformed request: the section that says so, with the field and a sentence.
pub(super) fn invalid(values: &mut Values, field: &str, why: &str) -> &'static str {
    values.quote("why", why);
    values.quote("why_zh", &format!("参数错误: {why}"));
    values.quote("field", field);
    "error.invalid"
}
