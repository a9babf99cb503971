//! `[models.*]`.
//!
//! Owns: registry entries: what is given, and what is taken from the family where it is not. Must
//! not know the wire. Invariant: every model that is read has a provider, a window and a quality.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::family::{self, Family};
use crate::config::model::{KeepWarm, Latency, Model, QualitySource};
use crate::config::provider::{Mention, Provider};
use crate::config::reader::Fields;
use crate::config::schema::{CAPABILITIES, LATENCY, QUALITY, QUIRKS};
use crate::config::tree::{Node, Value};
use crate::domain::{
    Capabilities, Continuation, ProviderName, TaskKind, TaskTable, Tokenizer, UnknownVocabulary,
    Vocabulary,
};

use super::provider::quirks;
use super::{languages, limits, price, tier};

/// The window assumed where nobody says: what almost every server has at least.
pub(in crate::config) const UNKNOWN_CONTEXT: u64 = 8_192;
/// The greatest answer assumed where nobody says.
pub(in crate::config) const UNKNOWN_MAX_OUTPUT: u64 = 4_096;

/// Reads one model; `None` when its provider does not exist.
pub(in crate::config) fn model(
    name: &str,
    fields: &Fields<'_>,
    providers: &BTreeMap<ProviderName, Provider>,
) -> Option<Model> {
    let ctx = fields.ctx;
    let by_user = ctx.sources.kind(fields.at).is_users();
    let provider_name = provider_name(fields);
    let provider = provider_name.and_then(|name| providers.get(name));
    let local = provider.is_some_and(|provider| provider.local);
    let id = fields.string("id").unwrap_or_else(|| name.to_owned());
    let family = family(fields, &id, local);
    let given_context = fields.count("context");
    let context = given_context.unwrap_or(UNKNOWN_CONTEXT);
    let max_output = max_output(fields, given_context, context);
    let prices = price::prices(fields, local);
    if by_user && fields.node("context").is_none() {
        let message = format!("no context given: {UNKNOWN_CONTEXT} tokens are assumed");
        ctx.warn(fields.at, &fields.path, message);
    }
    if by_user && prices.base.is_none() {
        ctx.warn(fields.at, &fields.path, "no price: it is used only when named");
    }
    let by_id = family::shipped().tokenizer(&id);
    let (quality, quality_set) = quality(fields, family.quality);
    let all_set = quality_set.len() == TaskKind::ALL.len();
    let base_quirks = provider.map(|provider| provider.quirks.clone()).unwrap_or_default();
    let quirks = quirks(&fields.section("quirks", &QUIRKS), base_quirks);
    let warm = [("free", KeepWarm::Free), ("infer", KeepWarm::Infer), ("off", KeepWarm::Off)];
    let filled = |name| fields.string(name).filter(|text| !text.trim().is_empty());
    let model = Model {
        name: name.into(),
        provider: provider_name.unwrap_or_default().into(),
        id,
        context,
        max_output,
        prices,
        quality,
        quality_set,
        quality_source: if all_set { QualitySource::User } else { QualitySource::Guess },
        latency: latency(fields, family.latency),
        capabilities: capabilities(fields, local),
        languages: languages(fields, "languages").unwrap_or_else(|| family.languages.clone()),
        tokenizer: tokenizer(fields).or(by_id),
        thinks_silently: fields.flag("thinks_silently").unwrap_or(false),
        params: params(fields),
        service_tier: tier::of_model(fields, &quirks, provider),
        quirks,
        keep_warm: fields.choice("keep_warm", &warm).unwrap_or_default(),
        limits: limits(fields),
        retired: filled("retired"),
        note: filled("note"),
        mention: if by_user { Mention::User } else { Mention::Shipped },
    };
    provider.is_some().then_some(model)
}

/// The greatest answer. One set below a window that was set later shrinks with it; one that was
/// never possible is a mistake.
fn max_output(fields: &Fields<'_>, given_context: Option<u64>, context: u64) -> u64 {
    let given = fields.count("max_output").unwrap_or(UNKNOWN_MAX_OUTPUT);
    let layer = |name| fields.place(name).layer;
    let same_hand = layer("max_output") >= layer("context");
    if fields.node("max_output").is_some() && given_context.is_some_and(|c| given > c) && same_hand
    {
        fields.wrong("max_output", format!("more than the context of {context} tokens"));
    }
    given.min(context)
}

fn provider_name<'a>(fields: &Fields<'a>) -> Option<&'a str> {
    let ctx = fields.ctx;
    if fields.node("provider").is_none() {
        let names = ctx.names.models.iter().map(String::as_str);
        let own = fields.path.strip_prefix("models.").unwrap_or_default();
        let near = crate::domain::nearest(own, names.filter(|name| *name != own));
        let message = "no provider, and no shipped model has this name";
        ctx.error_near(fields.at, &fields.path, message, near.map(str::to_owned));
        return None;
    }
    let name = fields.text("provider")?;
    if !ctx.names.providers.contains(name) && ctx.names.complete {
        let known = ctx.names.providers.iter().map(String::as_str);
        let message = format!("there is no provider {name:?}");
        fields.unknown_name("provider", fields.place("provider"), message, name, known);
    }
    Some(name)
}

fn family(fields: &Fields<'_>, id: &str, local: bool) -> &'static Family {
    let families = family::shipped();
    if let Some(name) = fields.text("family") {
        if let Some(family) = families.named(name) {
            return family;
        }
        let message = format!("there is no family {name:?}");
        fields.unknown_name("family", fields.place("family"), message, name, families.names());
    }
    families.guess(id, local)
}

fn tokenizer(fields: &Fields<'_>) -> Option<Tokenizer> {
    let name = fields.text("tokenizer")?;
    let read = name.parse();
    if let Err(error @ UnknownVocabulary) = read {
        let known = Vocabulary::ALL.map(Vocabulary::name).into_iter();
        let message = format!("there is no vocabulary {name:?}: {error}");
        fields.unknown_name("tokenizer", fields.place("tokenizer"), message, name, known);
    }
    read.ok()
}

/// Figures over the family's, and which of them a person set.
fn quality(fields: &Fields<'_>, prior: TaskTable) -> (TaskTable, Vec<TaskKind>) {
    let figures = fields.section("quality", &QUALITY);
    let by_user = |name: &str| {
        figures.node(name).is_some_and(|node| fields.ctx.sources.kind(node.at).is_users())
    };
    let mut table = prior;
    let mut set = Vec::new();
    let default = figures.number("default", 0.0, 1.0);
    for kind in TaskKind::ALL {
        let own = figures.number(kind.name(), 0.0, 1.0);
        let from = if own.is_some() { kind.name() } else { "default" };
        if let Some(figure) = own.or(default) {
            table.set(kind, figure as f32);
            if by_user(from) {
                set.push(kind);
            }
        }
    }
    (table, set)
}

fn latency(fields: &Fields<'_>, prior: Latency) -> Latency {
    let given = fields.section("latency", &LATENCY);
    let speed = given.number("tokens_per_s", 0.0, 1e6);
    if speed == Some(0.0) {
        given.wrong("tokens_per_s", "expected more than 0");
    }
    Latency {
        ttft_ms: given.whole("ttft_ms").unwrap_or(prior.ttft_ms),
        cold_extra_ms: given.whole("cold_extra_ms").unwrap_or(prior.cold_extra_ms),
        tokens_per_s: speed.filter(|speed| *speed > 0.0).unwrap_or(prior.tokens_per_s),
    }
}

/// Local servers take a seed; of others it has to be said.
pub(in crate::config) fn default_capabilities(local: bool) -> Capabilities {
    Capabilities { seed: local, ..Capabilities::default() }
}

fn capabilities(fields: &Fields<'_>, local: bool) -> Capabilities {
    let given = fields.section("capabilities", &CAPABILITIES);
    let base = default_capabilities(local);
    let words = [
        ("prefix", Continuation::Prefix),
        ("prefill", Continuation::Prefill),
        ("partial", Continuation::Partial),
        ("instruct", Continuation::Instruct),
        ("none", Continuation::None),
    ];
    Capabilities {
        tools: given.flag("tools").unwrap_or(base.tools),
        vision: given.flag("vision").unwrap_or(base.vision),
        json: given.flag("json").unwrap_or(base.json),
        structured: given.flag("structured").unwrap_or(base.structured),
        reasoning: given.flag("reasoning").unwrap_or(base.reasoning),
        temperature: given.flag("temperature").unwrap_or(base.temperature),
        seed: given.flag("seed").unwrap_or(base.seed),
        continuation: given.choice("continuation", &words).unwrap_or(base.continuation),
    }
}

fn params(fields: &Fields<'_>) -> serde_json::Map<String, Json> {
    match fields.node("params").map(|node| (node, json(node))) {
        Some((_, Json::Object(map))) => map,
        Some((node, _)) => {
            fields.wrong("params", format!("expected a table, found {}", node.value.what()));
            serde_json::Map::new()
        }
        None => serde_json::Map::new(),
    }
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) | Value::Date(text) => Json::from(text.as_str()),
        Value::Whole(number) => Json::from(*number),
        Value::Float(number, _) => Json::from(*number),
        Value::Flag(flag) => Json::from(*flag),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Table(table) => Json::Object(
            table.entries.iter().map(|(key, entry)| (key.clone(), json(&entry.node))).collect(),
        ),
    }
}
