//! Reads events (and whole messages) of the Anthropic dialect into frames. Invariants: events and
//! blocks of unknown kinds are keep-alives; a second start after text voids what came before.

use serde_json::Value;

use super::super::{Frame, clean, error};
use super::usage::Meter;
use crate::domain::{Finish, ServiceTier};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Thinking,
    /// A tool call, by our number.
    Tool(u32),
    Unknown,
}

/// What a usage object is told for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Only what is new counts.
    News,
    /// It is the last one: the same figures again are told again.
    LastWord,
}

/// The state of one answer.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct Anthropic {
    started: bool,
    /// Content has been given since the start.
    spoke: bool,
    finished: bool,
    blocks: Vec<(u64, Block)>,
    tools: u32,
    meter: Meter,
    tier: Option<ServiceTier>,
}

impl Anthropic {
    /// Reads the data of one event.
    pub(in crate::wire) fn event(&mut self, data: &str, out: &mut Vec<Frame>) {
        match serde_json::from_str::<Value>(data) {
            Ok(value) => self.value(&value, out),
            Err(_) => out.push(Frame::Malformed(clean::clean(data, 200))),
        }
    }

    /// Reads an event's object, or a whole message.
    pub(in crate::wire) fn value(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let before = out.len();
        if error::looks_like_error(value) {
            out.push(Frame::Error(Box::new(error::in_band(value))));
            return;
        }
        match value.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.start(value.get("message").unwrap_or(value), out),
            "content_block_start" => self.open(value, out),
            "content_block_delta" => self.delta(value, out),
            "message_delta" => self.message_delta(value, out),
            "message_stop" => out.push(Frame::Done),
            "message" => self.whole(value, out),
            _ => {}
        }
        if out.len() == before {
            out.push(Frame::KeepAlive);
        }
    }

    /// Has the model said that it is done?
    pub(in crate::wire) fn finished(&self) -> bool {
        self.finished
    }

    fn start(&mut self, message: &Value, out: &mut Vec<Frame>) {
        if self.spoke {
            out.push(Frame::Restarted);
        }
        if self.started {
            *self = Self::default();
        }
        self.started = true;
        let word = |name: &str| {
            message.get(name).and_then(Value::as_str).filter(|w| !w.is_empty()).map(str::to_owned)
        };
        out.push(Frame::Started { id: word("id"), model: word("model") });
        self.usage(message, Says::News, out);
    }

    fn usage(&mut self, holder: &Value, says: Says, out: &mut Vec<Frame>) {
        let Some(usage) = holder.get("usage").filter(|usage| usage.is_object()) else { return };
        let word = usage.get("service_tier").and_then(Value::as_str);
        let tier = word.and_then(ServiceTier::read);
        if tier.is_some() && self.tier != tier {
            self.tier = tier;
            out.extend(tier.map(Frame::ServedIn));
        }
        let news = self.meter.take(usage) || says == Says::LastWord;
        if news && self.meter.total() != crate::domain::Usage::default() {
            let reported_cost = None;
            out.push(Frame::Usage { usage: self.meter.total(), reported_cost });
        }
    }

    fn number(value: &Value) -> u64 {
        value.get("index").and_then(Value::as_u64).unwrap_or(0)
    }

    fn open(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let Some(block) = value.get("content_block") else { return };
        let kind = self.block(block, out);
        let number = Self::number(value);
        self.blocks.retain(|(known, _)| *known != number);
        self.blocks.push((number, kind));
    }

    /// Reads a block as far as it is there already.
    fn block(&mut self, block: &Value, out: &mut Vec<Frame>) -> Block {
        let word = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        match word("type") {
            "text" => {
                self.text(word("text"), out);
                Block::Text
            }
            "thinking" => {
                self.thinking(word("thinking"), out);
                signature(word("signature"), out);
                Block::Thinking
            }
            "tool_use" => {
                let index = self.tools;
                self.tools += 1;
                self.spoke = true;
                let arguments = match block.get("input") {
                    Some(Value::Object(map)) if !map.is_empty() => {
                        Value::Object(map.clone()).to_string()
                    }
                    _ => String::new(),
                };
                let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                out.push(Frame::ToolCall {
                    index,
                    id: some(word("id")),
                    name: some(word("name")),
                    arguments,
                });
                Block::Tool(index)
            }
            _ => Block::Unknown,
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Frame>) {
        if !text.is_empty() {
            self.spoke = true;
            out.push(Frame::Text(text.to_owned()));
        }
    }

    fn thinking(&mut self, text: &str, out: &mut Vec<Frame>) {
        if !text.is_empty() {
            self.spoke = true;
            out.push(Frame::Reasoning(text.to_owned()));
        }
    }

    fn delta(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let Some(delta) = value.get("delta") else { return };
        let number = Self::number(value);
        let block = self.blocks.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind);
        if block == Some(Block::Unknown) {
            return;
        }
        let word = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        match (word("type"), block) {
            ("text_delta", _) => self.text(word("text"), out),
            ("thinking_delta", _) => self.thinking(word("thinking"), out),
            ("signature_delta", _) => signature(word("signature"), out),
            ("input_json_delta", Some(Block::Tool(index))) => {
                let arguments = word("partial_json").to_owned();
                if !arguments.is_empty() {
                    out.push(Frame::ToolCall { index, id: None, name: None, arguments });
                }
            }
            _ => {}
        }
    }

    fn message_delta(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let reason = value.get("delta").and_then(|delta| delta.get("stop_reason"));
        // With the end, the same figures again are news: they are the last ones.
        let ends = reason.is_some_and(Value::is_string) && !self.finished;
        self.usage(value, if ends { Says::LastWord } else { Says::News }, out);
        self.finish(reason, out);
    }

    fn finish(&mut self, reason: Option<&Value>, out: &mut Vec<Frame>) {
        let Some(raw) = reason.and_then(Value::as_str).filter(|raw| !raw.is_empty()) else {
            return;
        };
        if self.finished {
            return;
        }
        self.finished = true;
        let finish = match raw {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "tool_use" => Finish::ToolCalls,
            "refusal" => Finish::ContentFilter,
            // The turn is to be sent back to go on; it is not whole.
            "pause_turn" | "compaction" => Finish::Truncated,
            _ => Finish::Stop,
        };
        out.push(Frame::Finish { finish, raw: raw.to_owned() });
    }

    /// A message that came whole.
    fn whole(&mut self, message: &Value, out: &mut Vec<Frame>) {
        self.start(message, out);
        for block in message.get("content").and_then(Value::as_array).into_iter().flatten() {
            self.block(block, out);
        }
        self.usage(message, Says::LastWord, out);
        self.finish(message.get("stop_reason"), out);
    }
}

fn signature(signature: &str, out: &mut Vec<Frame>) {
    if !signature.is_empty() {
        out.push(Frame::ReasoningSignature(signature.to_owned()));
    }
}
