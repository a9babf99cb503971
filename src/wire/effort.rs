//! How the wish to think (or not to) is written, in each of the styles endpoints use. Both dialects
//! share it. Invariant: a style that cannot say something leaves it unsaid.

use serde_json::json;

use super::body::Body;
use crate::config::EffortStyle;
use crate::domain::Effort;

/// Thinking tokens granted per effort where a number is wanted. Raising one makes answers dearer and
/// slower; the provider's own floor is 1,024.
const fn budget(effort: Effort) -> u32 {
    match effort {
        Effort::None => 0,
        Effort::Low => 1_024,
        Effort::Medium => 4_096,
        Effort::High => 16_384,
    }
}

/// The least thinking budget an endpoint takes.
const LEAST_BUDGET: u32 = 1_024;

const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// Writes the effort into the body. `max_tokens` caps thinking budgets: thinking counts toward it.
pub(super) fn write(body: &mut Body, style: EffortStyle, effort: Effort, max_tokens: u32) {
    let off = effort == Effort::None;
    match style {
        EffortStyle::Unsupported => {}
        EffortStyle::ReasoningEffort => body.set("reasoning_effort", word(effort)),
        EffortStyle::ThinkingType => {
            let kind = if off { "disabled" } else { "enabled" };
            body.set("thinking", json!({ "type": kind }));
            // This style knows low, high (its default) and max.
            match effort {
                Effort::None => {}
                Effort::Low => body.set("reasoning_effort", "low"),
                Effort::Medium => body.set("reasoning_effort", "high"),
                Effort::High => body.set("reasoning_effort", "max"),
            }
        }
        EffortStyle::EnableThinking => {
            body.set("enable_thinking", !off);
            if !off {
                body.set("thinking_budget", budget(effort).min(max_tokens.max(2) / 2));
            }
        }
        EffortStyle::ReasoningObject => {
            let value =
                if off { json!({ "enabled": false }) } else { json!({ "effort": word(effort) }) };
            body.set("reasoning", value);
        }
        EffortStyle::AdaptiveThinking => {
            if off {
                body.set("thinking", json!({ "type": "disabled" }));
            } else {
                body.set("thinking", json!({ "type": "adaptive" }));
                body.set("output_config", json!({ "effort": word(effort) }));
            }
        }
        EffortStyle::ThinkingBudget => {
            let tokens = budget(effort).min(max_tokens / 2);
            if !off && tokens >= LEAST_BUDGET {
                body.set("thinking", json!({ "type": "enabled", "budget_tokens": tokens }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: EffortStyle, effort: Effort, max_tokens: u32) -> String {
        let mut body = Body::default();
        write(&mut body, style, effort, max_tokens);
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn every_style_says_low_and_off_in_its_own_words() {
        use EffortStyle as S;
        for (style, low, off) in [
            (S::Unsupported, "{}", "{}"),
            (S::ReasoningEffort, r#"{"reasoning_effort":"low"}"#, r#"{"reasoning_effort":"none"}"#),
            (
                S::ThinkingType,
                r#"{"thinking":{"type":"enabled"},"reasoning_effort":"low"}"#,
                r#"{"thinking":{"type":"disabled"}}"#,
            ),
            (
                S::EnableThinking,
                r#"{"enable_thinking":true,"thinking_budget":1024}"#,
                r#"{"enable_thinking":false}"#,
            ),
            (
                S::ReasoningObject,
                r#"{"reasoning":{"effort":"low"}}"#,
                r#"{"reasoning":{"enabled":false}}"#,
            ),
            (
                S::AdaptiveThinking,
                r#"{"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}}"#,
                r#"{"thinking":{"type":"disabled"}}"#,
            ),
            (S::ThinkingBudget, r#"{"thinking":{"budget_tokens":1024,"type":"enabled"}}"#, "{}"),
        ] {
            assert_eq!(written(style, Effort::Low, 8_192), low, "{style:?}");
            assert_eq!(written(style, Effort::None, 8_192), off, "{style:?}");
        }
    }

    #[test]
    fn a_thinking_budget_leaves_room_for_the_answer() {
        assert_eq!(written(EffortStyle::ThinkingBudget, Effort::High, 1_500), "{}");
        let body = written(EffortStyle::ThinkingBudget, Effort::High, 8_192);
        assert!(body.contains("4096"), "{body}");
    }
}
