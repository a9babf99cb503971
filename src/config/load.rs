//! Layers of text to one checked configuration.
//!
//! Owns: the order of layers, names gathered before reading, the demonstration's own rules. Must
//! not know files, or what time it is. Invariant: `load` is pure, stops at no error, and returns
//! either a configuration without one or all of them.

use std::collections::BTreeMap;

use crate::domain::{ModelName, ProviderName};

use super::error::ConfigError;
use super::preset::{DEFAULTS, PRESETS};
use super::read::{currency, model, price, provider, settings};
use super::reader::{Ctx, Fields, Names};
use super::schema::{MODEL, PROVIDER, ROOT};
use super::settings::Config;
use super::source::{Layer, LayerKind, Sources};
use super::tree::{self, Clash, Node, SyntaxError, Table, Value, merge};
use super::{Model, Provider};

/// A configuration, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is not wrong but worth saying; shipped presets give none.
    pub warnings: Vec<ConfigError>,
    pub(super) tree: Table,
    pub(super) sources: Sources,
}

/// Reads layers over the shipped presets. Layers may come in any order: a later kind overrides an
/// earlier one, and of one kind a later layer an earlier one.
///
/// # Errors
/// Everything that is wrong in any layer, in the order of layers and lines.
pub fn load(layers: &[Layer]) -> Result<Loaded, Vec<ConfigError>> {
    build(PRESETS, layers, &|_, _, _| {})
}

/// What a demonstration takes from the user's file: nothing that is about providers and models, which
/// are others there.
const DEMO_KEEPS: [&str; 5] = ["console", "currency", "budget", "cache", "ledger"];

/// Reads the simulated fleet's text in place of presets and of what the user says about providers,
/// models and rules. The user's `[console]`, `[currency]`, `[budget]`, `[cache]`, `[ledger]` and flags
/// stay, but for what names a model or provider that is not of the fleet. What a demonstration does not
/// read may be wrong; what it reads, and what is no section at all, may not.
///
/// # Errors
/// Everything that is wrong in the fleet's text, in a flag, and in what is taken from the other layers.
pub fn load_demo(fleet: &str, layers: &[Layer]) -> Result<Loaded, Vec<ConfigError>> {
    const FLEET: &str = "the simulated fleet";
    let keep = |layer: &Layer, lower: &Table, upper: &mut Table| {
        let unread = |key: &str| match layer.kind {
            LayerKind::Flags => matches!(key, "providers" | "models"),
            LayerKind::Shipped | LayerKind::Synced | LayerKind::User | LayerKind::Environment => {
                // What nobody reads is a mistake, and kept to be told.
                ROOT.fields.iter().any(|field| field.name == key) && !DEMO_KEEPS.contains(&key)
            }
        };
        if layer.name == FLEET {
            return;
        }
        upper.entries.retain(|key, _| !unread(key));
        // A flag names a model of the fleet, or none by mistake.
        if layer.kind != LayerKind::Flags {
            keep_names(layer.kind, lower, upper);
        }
    };
    let mut all = vec![Layer::user(FLEET, fleet)];
    all.extend(layers.iter().filter(|layer| layer.kind.is_users()).cloned());
    let mut loaded = build(&[], &all, &keep)?;
    for provider in loaded.config.providers.values_mut() {
        provider.simulated = true;
    }
    Ok(loaded)
}

/// Leaves out what is said about a model or provider that is not there below.
fn keep_names(kind: LayerKind, lower: &Table, upper: &mut Table) {
    let known = |what: &str, name: &str| {
        let names = lower.table(what).into_iter().flat_map(|table| table.entries.keys());
        names.into_iter().any(|known| tree::names(kind, name, known))
    };
    let table = |section: &mut Table, name: &str, change: &dyn Fn(&mut Table)| {
        if let Some(entry) = section.entries.get_mut(name)
            && let Value::Table(table) = &mut entry.node.value
        {
            change(table);
        }
    };
    table(upper, "console", &|console| {
        console.entries.retain(|field, entry| match &entry.node.value {
            Value::Text(name) => field != "baseline" || known("models", name),
            _ => true,
        });
    });
    table(upper, "budget", &|budget| {
        for what in ["models", "providers"] {
            table(budget, what, &|limits| limits.entries.retain(|name, _| known(what, name)));
        }
    });
}

/// Parses, merges, reads. `keep` may take parts out of a layer before it is merged over those below.
fn build(
    presets: &[(&'static str, &'static str)],
    layers: &[Layer],
    keep: &dyn Fn(&Layer, &Table, &mut Table),
) -> Result<Loaded, Vec<ConfigError>> {
    let mut sources = Sources::default();
    let mut broken: Vec<SyntaxError> = Vec::new();
    let mut tree = Table::default();
    let mut clashes = Vec::new();
    for (name, text) in std::iter::once(&DEFAULTS).chain(presets) {
        let layer = sources.push_shipped(name, text);
        match tree::parse(text, layer) {
            Ok(shipped) => merge(&mut tree, shipped, LayerKind::Shipped, &mut clashes),
            Err(error) => broken.push(error),
        }
    }
    let wants_presets = layers.iter().any(|layer| layer.text.contains("preset"));
    let shipped = wants_presets.then(|| tree.table("providers").cloned()).flatten();
    let mut ordered: Vec<&Layer> = layers.iter().collect();
    ordered.sort_by_key(|layer| layer.kind);
    for layer in ordered {
        let number = sources.push(layer.clone());
        match tree::parse(&layer.text, number) {
            Ok(mut upper) => {
                keep(layer, &tree, &mut upper);
                merge(&mut tree, upper, layer.kind, &mut clashes);
            }
            Err(error) => broken.push(error),
        }
    }
    let unknown_presets =
        shipped.map(|shipped| underlay(&mut tree, &shipped, &mut clashes)).unwrap_or_default();
    price::drop_outdated(&mut tree, &sources);
    let names = names(&tree, broken.is_empty());
    let ctx = Ctx::new(&sources, names);
    for error in broken {
        ctx.error(error.at, "", format!("not TOML: {}", error.message));
    }
    for clash in clashes {
        ctx.error(clash.at, &clash.path, format!("expected a table, found {}", clash.found));
    }
    for (node, name, preset) in unknown_presets {
        let known = ctx.names.providers.iter().map(String::as_str).filter(|known| *known != name);
        let near = crate::domain::nearest(&preset, known).map(str::to_owned);
        let path = super::source::join_path("providers", &name);
        let message = format!("there is no preset {preset:?}");
        ctx.error_near(node.at, &format!("{path}.preset"), message, near);
    }
    let config = read(&ctx, &tree);
    let (errors, warnings) = ctx.finish();
    if errors.is_empty() { Ok(Loaded { config, warnings, tree, sources }) } else { Err(errors) }
}

/// Puts under every provider that names a `preset` the shipped provider of that name. Returns the
/// ones whose preset does not exist.
fn underlay(
    tree: &mut Table,
    shipped: &Table,
    clashes: &mut Vec<Clash>,
) -> Vec<(Node, String, String)> {
    let mut unknown = Vec::new();
    let Some(entry) = tree.entries.get_mut("providers") else { return unknown };
    let Value::Table(providers) = &mut entry.node.value else { return unknown };
    for (name, entry) in &mut providers.entries {
        let Value::Table(own) = &entry.node.value else { continue };
        let Some(node) = own.get("preset") else { continue };
        let Value::Text(preset) = &node.value else { continue };
        let Some(base) = shipped.table(preset) else {
            unknown.push((node.clone(), name.clone(), preset.clone()));
            continue;
        };
        let mut merged = base.clone();
        // Two endpoints with one label could not be told apart.
        merged.entries.remove("label");
        merge(&mut merged, own.clone(), LayerKind::User, clashes);
        entry.node.value = Value::Table(merged);
    }
    unknown
}

fn names(tree: &Table, complete: bool) -> Names {
    let keys = |name: &str| {
        tree.table(name).map(|table| table.entries.keys().cloned().collect()).unwrap_or_default()
    };
    let tables = |name: &str| {
        let entries = tree.table(name).into_iter().flat_map(|table| table.entries.values());
        entries.filter_map(|entry| match &entry.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
    };
    let mut tags = std::collections::BTreeSet::new();
    for provider in tables("providers") {
        match provider.get("tags").map(|node| &node.value) {
            Some(Value::Text(tag)) => _ = tags.insert(tag.clone()),
            Some(Value::List(items)) => tags.extend(items.iter().filter_map(|i| match &i.value {
                Value::Text(tag) => Some(tag.clone()),
                _ => None,
            })),
            _ => {}
        }
    }
    Names {
        providers: keys("providers"),
        models: keys("models"),
        policies: keys("policies"),
        tags,
        with_models: tables("models")
            .filter_map(|model| model.text("provider").map(str::to_owned))
            .collect(),
        complete,
    }
}

fn read(ctx: &Ctx<'_>, tree: &Table) -> Config {
    let root = Fields::root(ctx, tree, &ROOT);
    let providers: BTreeMap<ProviderName, Provider> = root
        .named("providers", &PROVIDER)
        .into_iter()
        .filter_map(|(name, fields)| Some((name.into(), provider::provider(name, &fields)?)))
        .collect();
    let models: BTreeMap<ModelName, Model> = root
        .named("models", &MODEL)
        .into_iter()
        .filter_map(|(name, fields)| Some((name.into(), model::model(name, &fields, &providers)?)))
        .collect();
    Config {
        policies: settings::policies(&root),
        routing: settings::routing(&root),
        limits: settings::limits(&root),
        feedback: settings::feedback(&root),
        hedge: settings::hedge(&root),
        cache: settings::cache(&root),
        budget: settings::budget(&root),
        poll_balances: settings::poll_balances(&root),
        currency: currency::currency(&root),
        console: settings::console(&root),
        capture: settings::capture(&root),
        ledger: settings::ledger(&root),
        providers,
        models,
    }
}

#[cfg(test)]
mod tests;
