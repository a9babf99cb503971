//! `[providers.*]`.
//!
//! Owns: endpoints, key references, quirks. Must not know models. Invariant: a key itself is
//! refused wherever it could be written, and never repeated in a message.

use std::collections::BTreeMap;

use crate::config::provider::{
    BalanceApi, CapField, Dialect, EffortStyle, KeyNeed, KeyRef, Maintenance, Mention, Provider,
    Quirks, SeedField, StreamUsage, SystemRole,
};
use crate::config::reader::Fields;
use crate::config::schema::QUIRKS;
use crate::config::tree::Value;
use crate::domain::nearest;

use super::{base_of, is_http, limits, tier};

const NO_KEYS_HERE: &str = "keys are never written in files: use env:NAME";

/// Reads one provider; `None` when it has no usable address.
pub(in crate::config) fn provider(name: &str, fields: &Fields<'_>) -> Option<Provider> {
    // It has been laid under this table already; here only its type is checked.
    let _ = fields.text("preset");
    let words = [("openai", Dialect::OpenAi), ("anthropic", Dialect::Anthropic)];
    let dialect = fields.choice("dialect", &words).unwrap_or(Dialect::OpenAi);
    let keys = keys(name, fields);
    let local = fields.flag("local").unwrap_or(false);
    let needs_key = fields.flag("needs_key").unwrap_or(!keys.is_empty() && !local);
    let label = fields.string("label").unwrap_or_else(|| name.to_owned());
    let headers = headers(fields);
    let tags = fields.strings("tags").unwrap_or_default();
    let failure_domain = fields.string("failure_domain").unwrap_or_else(|| name.to_owned());
    let maintenance = maintenance(fields);
    let passthrough = fields.flag("passthrough").unwrap_or(false);
    let models_known = fields.ctx.names.with_models.contains(name);
    let discover = fields.flag("discover").unwrap_or(!models_known);
    let balances = [
        ("deepseek", BalanceApi::DeepSeek),
        ("openrouter", BalanceApi::OpenRouter),
        ("moonshot", BalanceApi::Moonshot),
        ("siliconflow", BalanceApi::SiliconFlow),
    ];
    let balance = fields.choice("balance", &balances);
    let defaults = match dialect {
        Dialect::OpenAi => Quirks::default(),
        Dialect::Anthropic => Quirks { temperature_max: 1.0, ..Quirks::default() },
    };
    let quirks = quirks(&fields.section("quirks", &QUIRKS), defaults);
    let service_tier = tier::of_provider(fields, &quirks, dialect);
    let limits = limits(fields);
    let simulated = fields.flag("simulated").unwrap_or(false);
    let mention = if fields.ctx.sources.kind(fields.at).is_users() {
        Mention::User
    } else {
        Mention::Shipped
    };
    let base_url = base_url(name, fields)?;
    Some(Provider {
        name: name.into(),
        label,
        dialect,
        base_url,
        keys,
        key_need: if needs_key { KeyNeed::Required } else { KeyNeed::Optional },
        headers,
        tags,
        failure_domain,
        maintenance,
        passthrough,
        local,
        discover,
        balance,
        service_tier,
        quirks,
        limits,
        mention,
        simulated,
    })
}

fn base_url(name: &str, fields: &Fields<'_>) -> Option<String> {
    if fields.node("base_url").is_none() {
        let others = fields.ctx.names.providers.iter().map(String::as_str);
        let near = nearest(name, others.filter(|other| *other != name)).map(str::to_owned);
        let message = "no base_url, and no preset has this name";
        fields.ctx.error_near(fields.at, &fields.path, message, near);
        return None;
    }
    let text = fields.text("base_url")?;
    if !is_http(text) {
        fields.wrong("base_url", "expected an address that begins with http:// or https://");
        return None;
    }
    Some(base_of(text))
}

fn keys(name: &str, fields: &Fields<'_>) -> Vec<KeyRef> {
    let mut out = Vec::new();
    for (text, at) in fields.texts("api_key").unwrap_or_default() {
        let path = fields.path_of("api_key");
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        let rest = rest.trim();
        if kind == "env" && !is_variable(rest) {
            // Someone may have put the key itself behind `env:`: it is not repeated.
            let message = "expected the name of an environment variable after env:";
            fields.ctx.error(at, &path, message);
            continue;
        }
        match (kind, rest) {
            ("env" | "cmd" | "keyring", "") => {
                fields.ctx.error(at, &path, format!("nothing after {kind}:"));
            }
            ("env", rest) => out.push(KeyRef::Env(rest.to_owned())),
            ("cmd", rest) => out.push(KeyRef::Command(rest.to_owned())),
            ("keyring", rest) => out.push(KeyRef::Keyring(rest.to_owned())),
            _ => {
                let bare = text.trim().trim_start_matches('$').trim_matches(['{', '}']);
                if is_variable(bare) && bare.contains('_') && bare.to_ascii_uppercase() == bare {
                    let near = Some(format!("env:{bare}"));
                    fields.ctx.error_near(at, &path, NO_KEYS_HERE, near);
                } else {
                    let plain = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
                    let message = format!(
                        "{NO_KEYS_HERE} (for example env:{}_API_KEY), cmd:COMMAND or keyring:ENTRY",
                        plain.to_ascii_uppercase()
                    );
                    fields.ctx.error(at, &path, message);
                }
            }
        }
    }
    out
}

fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn headers(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let Some(node) = fields.node("headers") else { return out };
    let Value::Table(table) = &node.value else {
        fields.wrong("headers", format!("expected a table of text, found {}", node.value.what()));
        return out;
    };
    for (name, entry) in &table.entries {
        let path = crate::config::source::join_path(&fields.path_of("headers"), name);
        let Value::Text(value) = &entry.node.value else {
            let message = format!("expected text, found {}", entry.node.value.what());
            fields.ctx.error(entry.node.at, &path, message);
            continue;
        };
        let lower = name.to_ascii_lowercase();
        let carries_key = matches!(
            lower.as_str(),
            "authorization" | "proxy-authorization" | "x-api-key" | "api-key" | "x-goog-api-key"
        ) || lower.ends_with("-api-key")
            || value.trim_start().starts_with("sk-")
            || value.to_ascii_lowercase().contains("bearer ");
        let printable = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if carries_key {
            let message = format!(
                "{NO_KEYS_HERE} under api_key, and quirks.auth_header where it \
                                   travels in a header of its own"
            );
            fields.ctx.error(entry.node.at, &path, message);
        } else if name.is_empty() || name.contains([' ', ':']) || !printable(name) {
            fields.ctx.error(entry.key_at, &path, "expected a header's name");
        } else if !printable(value) {
            fields.ctx.error(entry.node.at, &path, "expected printable ASCII");
        } else {
            out.insert(lower, value.clone());
        }
    }
    out
}

fn maintenance(fields: &Fields<'_>) -> Vec<Maintenance> {
    let mut out = Vec::new();
    for (text, at) in fields.texts("maintenance").unwrap_or_default() {
        match text.parse() {
            Ok(window) => out.push(Maintenance { window }),
            Err(why) => {
                let why: crate::config::ParseWindowError = why;
                fields.ctx.error(at, &fields.path_of("maintenance"), why.to_string());
            }
        }
    }
    out
}

/// Reads a `quirks` table over those it starts from.
pub(super) fn quirks(fields: &Fields<'_>, base: Quirks) -> Quirks {
    let cap = [
        ("max_tokens", CapField::MaxTokens),
        ("max_completion_tokens", CapField::MaxCompletionTokens),
    ];
    let seed = [("seed", SeedField::Seed), ("random_seed", SeedField::RandomSeed)];
    let usage = [("ask", StreamUsage::Ask), ("always", StreamUsage::Always)];
    let role = [("system", SystemRole::System), ("developer", SystemRole::Developer)];
    let effort = [
        ("unsupported", EffortStyle::Unsupported),
        ("reasoning_effort", EffortStyle::ReasoningEffort),
        ("thinking_type", EffortStyle::ThinkingType),
        ("enable_thinking", EffortStyle::EnableThinking),
        ("reasoning_object", EffortStyle::ReasoningObject),
        ("adaptive_thinking", EffortStyle::AdaptiveThinking),
        ("thinking_budget", EffortStyle::ThinkingBudget),
    ];
    let prefix_base_url = match fields.text("prefix_base_url") {
        Some(url) if is_http(url) => Some(base_of(url)),
        Some(_) => {
            let message = "expected an address that begins with http:// or https://";
            fields.wrong("prefix_base_url", message);
            None
        }
        None => base.prefix_base_url,
    };
    Quirks {
        cap_field: fields.choice("cap_field", &cap).unwrap_or(base.cap_field),
        seed_field: fields.choice("seed_field", &seed).unwrap_or(base.seed_field),
        stream_usage: fields.choice("stream_usage", &usage).unwrap_or(base.stream_usage),
        system_role: fields.choice("system_role", &role).unwrap_or(base.system_role),
        tool_required: fields.string("tool_required").unwrap_or(base.tool_required),
        effort: fields.choice("effort", &effort).unwrap_or(base.effort),
        temperature_max: fields
            .number("temperature_max", 0.0, 10.0)
            .unwrap_or(base.temperature_max),
        prefix_base_url,
        prefix_repeats: fields.flag("prefix_repeats").unwrap_or(base.prefix_repeats),
        end_marker: fields.flag("end_marker").unwrap_or(base.end_marker),
        auth_header: fields
            .string("auth_header")
            .map(|name| name.to_ascii_lowercase())
            .or(base.auth_header),
        service_tiers: tier::taken(fields).unwrap_or(base.service_tiers),
    }
}
