//! What a provider sends, as templates: one file per flavour under `assets/sim/frames`, written after
//! recordings and published transcripts, never built by the encoder that other rooms test with it.
//!
//! Owns: the template files' form (`@@ name [status]` opens a section, `{{slot}}` a value). Must not
//! know: what is being answered. Invariant: a slot without a value renders as nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The templates of one flavour.
#[derive(Debug)]
pub struct Frames {
    sections: HashMap<&'static str, Section>,
}

#[derive(Debug)]
struct Section {
    status: u16,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(&'static str),
    Slot(&'static str),
}

/// Values for slots.
#[derive(Debug, Clone, Default)]
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    /// Sets a slot to a text as it is: a number, or JSON.
    pub fn set(&mut self, slot: &'static str, text: impl Into<String>) {
        match self.0.iter_mut().find(|(name, _)| *name == slot) {
            Some((_, old)) => *old = text.into(),
            None => self.0.push((slot, text.into())),
        }
    }

    /// Sets a slot to a text written as a JSON string, quotes included.
    pub fn quote(&mut self, slot: &'static str, text: &str) {
        self.set(slot, Value::from(text).to_string());
    }

    /// The text of a slot; empty where it was not set.
    pub fn text(&self, slot: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == slot).map_or("", |(_, text)| text)
    }
}

impl Frames {
    /// Reads a template file.
    fn read(text: &'static str) -> Self {
        let mut sections = HashMap::new();
        for chunk in text.split("\n@@ ").skip(1) {
            let (head, body) = chunk.split_once('\n').unwrap_or((chunk, ""));
            let (name, status) = head.split_once(' ').unwrap_or((head, "200"));
            let section = Section {
                status: status.trim().parse().unwrap_or(200),
                parts: parts(body.trim_end_matches('\n')),
            };
            sections.insert(name.trim(), section);
        }
        Self { sections }
    }

    /// The flavour's templates.
    pub fn of(flavour: &str) -> Option<&'static Self> {
        static ALL: LazyLock<HashMap<&'static str, Frames>> = LazyLock::new(|| {
            [
                ("anthropic", include_str!("../../assets/sim/frames/anthropic.txt")),
                ("deepseek", include_str!("../../assets/sim/frames/deepseek.txt")),
                ("llamacpp", include_str!("../../assets/sim/frames/llamacpp.txt")),
                ("mistral", include_str!("../../assets/sim/frames/mistral.txt")),
                ("openai", include_str!("../../assets/sim/frames/openai.txt")),
                ("openrouter", include_str!("../../assets/sim/frames/openrouter.txt")),
                ("qwen", include_str!("../../assets/sim/frames/qwen.txt")),
            ]
            .into_iter()
            .map(|(name, text)| (name, Frames::read(text)))
            .collect()
        });
        ALL.get(flavour)
    }

    /// A section with its slots filled; `None` where the flavour has no such section or it is
    /// empty.
    pub fn render(&self, section: &str, values: &Values) -> Option<String> {
        let section = self.sections.get(section)?;
        let mut out = String::with_capacity(256);
        for part in &section.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(slot) => out.push_str(values.text(slot)),
            }
        }
        (!out.is_empty()).then_some(out)
    }

    /// The HTTP status a section names; `None` where there is no such section.
    pub fn status(&self, section: &str) -> Option<u16> {
        self.sections.get(section).map(|section| section.status)
    }
}

fn parts(body: &'static str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some((text, tail)) = rest.split_once("{{") {
        let Some((slot, after)) = tail.split_once("}}") else { break };
        // `}}}` closes a slot at the end of a JSON object: the slot's braces are the first two.
        if slot.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !slot.is_empty() {
            parts.push(Part::Text(text));
            parts.push(Part::Slot(slot));
            rest = after;
        } else {
            let keep = text.len() + 1;
            parts.push(Part::Text(&rest[..keep]));
            rest = &rest[keep..];
        }
    }
    parts.push(Part::Text(rest));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAVOURS: [&str; 7] =
        ["anthropic", "deepseek", "llamacpp", "mistral", "openai", "openrouter", "qwen"];

    #[test]
    fn slots_are_filled_and_json_braces_are_left_alone() {
        let frames = Frames::read("\n@@ a 404\n{\"x\":{{x}},\"y\":{\"z\":{}}}\n");
        let mut values = Values::default();
        values.quote("x", "a\"b");
        assert_eq!(frames.render("a", &values).unwrap(), r#"{"x":"a\"b","y":{"z":{}}}"#);
        assert_eq!(frames.status("a"), Some(404));
        assert_eq!(frames.render("b", &values), None);
    }

    #[test]
    fn every_flavour_has_what_any_answer_needs() {
        for flavour in FLAVOURS {
            let frames = Frames::of(flavour).unwrap();
            for section in [
                "open",
                "text.delta",
                "finish",
                "done",
                "json",
                "models",
                "models.item",
                "error.stream",
                "error.rate_limit",
                "error.quota",
                "error.auth",
                "error.model",
                "error.context",
                "error.moderated",
                "error.invalid",
                "error.402",
                "error.500",
                "error.503",
            ] {
                let status = frames.status(section);
                assert!(status.is_some(), "{flavour} has no {section}");
                let wanted = section.starts_with("error.") && section != "error.stream";
                assert_eq!(status != Some(200), wanted, "{flavour} {section}");
            }
        }
    }
}
