//! The values that fill a template: ids, counts, headers, the answer in the shapes it is sent in.
//!
//! Owns: every slot's text. Must not know: which section is rendered. Invariant: ids and dates come
//! from the seed and the request, so that equal requests get equal bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::answer::{Answer, Ends};
use super::super::ask::Ask;
use super::super::chance::Chance;
use super::super::fault::Fault;
use super::super::frames::Values;
use super::super::habits::{ModelHabits, Speaks};
use super::Responder;

/// A fixed day, so that equal requests get equal bytes: 2026-11-23T00:00:00Z.
const CREATED: u64 = 1_795_392_000;

impl Responder<'_> {
    /// The values that do not depend on the answer.
    pub(super) fn values(&self, model: &str, request: &str) -> Values {
        let mut chance = Chance::new(self.at.seed, &[&self.provider.name, model, request]);
        let mut values = Values::default();
        let hex = |chance: &mut Chance| format!("{:016x}{:016x}", chance.next(), chance.next());
        let bare = hex(&mut chance);
        values.set(
            "uuid",
            format!(
                "{}-{}-4{}-a{}-{}",
                &bare[..8],
                &bare[8..12],
                &bare[13..16],
                &bare[17..20],
                &bare[20..]
            ),
        );
        values.set("bare_id", bare);
        let created = CREATED + chance.between(0, 86_399);
        values.set("created", created.to_string());
        values.set("generation", format!("gen-{created}-{}", chance.word(20)));
        values.set("id", format!("chatcmpl-{}", chance.word(29)));
        values.set("call", chance.word(24));
        values.set("signature", chance.word(64));
        values.set("request_id", format!("req_{}", &hex(&mut chance)[..24]));
        values.set("trace", hex(&mut chance));
        values.set("fingerprint", format!("fp_{}", &hex(&mut chance)[..10]));
        values.set("processing_ms", chance.between(120, 900).to_string());
        // What a caller wrote is put into JSON strings of the templates: without what would end one.
        let safe: String =
            model.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        values.set("model", safe);
        let (requests, tokens) = self.at.left;
        values.set("limit_requests", self.provider.requests_per_min.to_string());
        values.set("limit_tokens", self.provider.tokens_per_min.to_string());
        values.set("left_requests", requests.to_string());
        values.set("left_tokens", tokens.to_string());
        values.set("reset_go", go_duration(self.at.resets_in));
        let resets =
            self.at.now + jiff::SignedDuration::try_from(self.at.resets_in).unwrap_or_default();
        values.set("reset_rfc", resets.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        values.set("reset_epoch_ms", resets.as_millisecond().to_string());
        values.set("prompt", "0");
        values.set("cap", "0");
        values
    }

    /// The answer: its counts, its end, its shapes.
    pub(super) fn fill_answer(
        &self,
        values: &mut Values,
        ask: &Ask,
        model: &ModelHabits,
        said: &Answer,
    ) {
        let anthropic = self.provider.dialect == Speaks::Anthropic;
        let (prompt, cached) = (said.prompt_tokens, said.cached_tokens.min(said.prompt_tokens));
        let output = said.output_tokens();
        let cost = (prompt as f64 * model.price_in + output as f64 * model.price_out) / 1e6;
        for (slot, number) in [
            ("completion", output),
            ("total", prompt + output),
            ("cached", cached),
            ("fresh", prompt - cached),
            ("thought", said.thought_tokens()),
        ] {
            values.set(slot, number.to_string());
        }
        values.set("cost", format!("{cost:.10}").trim_end_matches('0').to_owned());
        let usage = self.frames.render("usage.object", values).unwrap_or_default();
        let silent = self.at.fault == Some(Fault::MissingUsage);
        values.set("usage", if silent { "null".to_owned() } else { usage });
        values.set("tier", ask.tier);
        values.set("usage_null", if ask.include_usage { ",\"usage\":null" } else { "" });
        let (finish, stop_hit) = finish(&said.ends, anthropic);
        values.quote("finish", finish);
        values.set("stop_hit", stop_hit.map_or("null".to_owned(), |text| json!(text).to_string()));
        let thinks = !said.reasoning.is_empty();
        values.set("content_start", if thinks { "null" } else { "\"\"" });
        values.set("reason_start", if thinks { ",\"reasoning_content\":\"\"" } else { "" });
        values.set("reason_null", if thinks { ",\"reasoning_content\":null" } else { "" });
        fill_whole(values, said, thinks);
    }
}

/// What only an answer that is not streamed shows.
fn fill_whole(values: &mut Values, said: &Answer, thinks: bool) {
    let mut blocks = Vec::new();
    if thinks {
        let reasoning = json!(said.reasoning).to_string();
        values.set("reasoning_member", format!(",\"reasoning_content\":{reasoning}"));
        blocks.push(json!({"type":"thinking","thinking":said.reasoning,"signature":"c2lt"}));
    }
    if said.tool.is_none() || !said.text.is_empty() {
        blocks.push(json!({"type":"text","text":said.text}));
    }
    values.set("content", json!(said.text).to_string());
    values.set("tool_list", "null");
    if let Some((name, arguments)) = &said.tool {
        let call = values.text("call").to_owned();
        let list = json!([{"id":format!("call_{call}"),"type":"function",
            "function":{"name":name,"arguments":arguments}}]);
        values.quote("tool", name);
        values.quote("arguments", arguments);
        values.set("content", "null");
        values.set("tool_list", list.to_string());
        values.set("tool_member", format!(",\"tool_calls\":{list}"));
        values.set("tool_calls", format!("\n        \"tool_calls\": {list},"));
        let input: Value = serde_json::from_str(arguments).unwrap_or_default();
        blocks.push(json!({"type":"tool_use","id":format!("toolu_{call}"),"name":name,
            "input":input}));
    }
    let blocks: Vec<String> = blocks.iter().map(Value::to_string).collect();
    values.set("blocks", blocks.join(","));
}

/// What is true of a model.
pub(super) fn describe(values: &mut Values, model: &ModelHabits) {
    values.set("model", model.id.clone());
    values.set("context", model.context.to_string());
    values.set("max_output", model.max_output.to_string());
    // An aggregator lists dollars per single token.
    let per_token = |price: f64| {
        format!("{:.12}", price / 1e6).trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    values.set("price_in", per_token(model.price_in));
    values.set("price_out", per_token(model.price_out));
}

fn finish(ends: &Ends, anthropic: bool) -> (&'static str, Option<&str>) {
    match (ends, anthropic) {
        (Ends::Stop, true) => ("end_turn", None),
        (Ends::StopText(text), true) => ("stop_sequence", Some(text)),
        (Ends::Length, true) => ("max_tokens", None),
        (Ends::Filter, true) => ("refusal", None),
        (Ends::Tool, true) => ("tool_use", None),
        (Ends::Stop | Ends::StopText(_), false) => ("stop", None),
        (Ends::Length, false) => ("length", None),
        (Ends::Filter, false) => ("content_filter", None),
        (Ends::Tool, false) => ("tool_calls", None),
    }
}

/// A duration as Go prints it: `120ms`, `6.5s`, `1m0s`.
fn go_duration(span: Duration) -> String {
    let ms = span.as_millis() as u64;
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}s", ms as f64 / 1000.0),
        _ => format!("{}m{}s", ms / 60_000, (ms % 60_000) as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let go = |ms| go_duration(Duration::from_millis(ms));
        assert_eq!((go(120), go(6500), go(60_000)), ("120ms".into(), "6.5s".into(), "1m0s".into()));
        assert_eq!(go(360_000), "6m0s");
    }
}
