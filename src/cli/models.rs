//! `wheelhouse models list`: the registry as a table, with the prices in force at this moment.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::config::{Config, KeepWarm, KeyNeed, Mention, Model, QualitySource, secret::KeyLookup};
use crate::domain::{Capabilities, Price, Rates, ServiceTier, TaskKind, UnixMs};
use crate::engine;

use super::args::ModelsListArgs;
use super::compose::{self, Setup};
use super::table::{Align, Table};
use super::{Exit, Io, Stop};

/// The prompt size list prices are shown for; larger prompts can cost more per token.
const PRICED_AT_TOKENS: u64 = 1000;

/// Prints the list.
pub fn run(args: &ModelsListArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let _log = setup.log()?;
    let runtime = compose::runtime()?;
    let read = runtime.block_on(async {
        let running = setup.start().await?;
        let snapshot = running.settled().await;
        Ok::<_, Stop>((Arc::clone(&snapshot.config), running))
    });
    let (config, running) = read?;
    let now = engine::now();
    let rows: Vec<Row<'_>> = config
        .models
        .values()
        .filter_map(|model| Row::new(model, &config, setup, now))
        .filter(|row| row.matches(args.filter.as_deref().unwrap_or_default()))
        .collect();
    let hidden = rows.iter().filter(|row| !row.usable()).count();
    let shown = rows.iter().filter(|row| args.all || row.usable());
    if args.json {
        let list: Vec<Value> = shown.map(Row::json).collect();
        writeln!(io.out, "{}", Value::Array(list))?;
    } else {
        let none = hidden == rows.len() && !args.all;
        if !none {
            for line in table(shown) {
                io.line(&line)?;
            }
        }
        if none && hidden > 0 {
            io.talk(&format!(
                "no model can be used now: no key is set, no local server was found. \
                 --all lists the {hidden} that are shipped, doctor the keys it looks for"
            ));
        } else if hidden > 0 && !args.all {
            io.talk(&format!(
                "{hidden} more are shipped but cannot be used now: no key, not running, or retired. \
                 --all lists them"
            ));
        }
    }
    for words in engine::warm_words(&config, now) {
        io.talk(&words);
    }
    drop(running);
    runtime.shutdown_background();
    Ok(Exit::Done)
}

/// Whether a model's provider can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// Found under this name.
    Found(String),
    /// None is needed.
    NotNeeded,
    /// Missing; these names were looked for.
    Missing(Vec<String>),
    /// Could not be had.
    Failed(String),
}

impl Key {
    fn of(lookup: KeyLookup, need: KeyNeed) -> Self {
        match (lookup, need) {
            (KeyLookup::Found { from, .. }, _) => Self::Found(from),
            (KeyLookup::Failed { why }, _) => Self::Failed(why),
            (KeyLookup::Missing { .. }, KeyNeed::Optional) => Self::NotNeeded,
            (KeyLookup::Missing { names }, KeyNeed::Required) => Self::Missing(names),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Found(from) => from.clone(),
            Self::NotNeeded => "not needed".to_owned(),
            Self::Missing(names) => {
                format!("set {}", names.first().map_or("api_key", String::as_str))
            }
            Self::Failed(why) => why.clone(),
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self::Found(_) => "set",
            Self::NotNeeded => "not needed",
            Self::Missing(_) => "missing",
            Self::Failed(_) => "failed",
        }
    }
}

struct Row<'a> {
    model: &'a Model,
    key: Key,
    rates: Option<Rates>,
    now: UnixMs,
    /// A shipped local server's models count only once the server answered.
    waiting: bool,
}

impl<'a> Row<'a> {
    fn new(model: &'a Model, config: &Config, setup: &Setup, now: UnixMs) -> Option<Self> {
        let provider = config.providers.get(&model.provider)?;
        let key = Key::of(compose::key(provider, &setup.env), provider.key_need);
        let rates = model.rates(now, PRICED_AT_TOKENS);
        let waiting = provider.local
            && provider.mention == Mention::Shipped
            && model.mention == Mention::Shipped;
        Some(Self { model, key, rates, now, waiting })
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        [self.model.name.as_str(), self.model.provider.as_str(), &self.model.id]
            .iter()
            .any(|name| name.to_lowercase().contains(&text))
    }

    fn usable(&self) -> bool {
        matches!(self.key, Key::Found(_) | Key::NotNeeded)
            && !self.waiting
            && self.model.retired.is_none()
    }

    fn source(&self) -> String {
        let prices = &self.model.prices;
        let source = match (&prices.as_of, &prices.source) {
            (Some(day), Some(source)) => format!("{day} {source}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => String::new(),
        };
        match self.model.service_tier {
            None | Some(ServiceTier::Standard) => source,
            Some(tier) => format!("{source} (tier {tier})").trim_start().to_owned(),
        }
    }

    fn json(&self) -> Value {
        let model = self.model;
        let price = |pick: fn(&Rates) -> Price| self.rates.as_ref().map(|r| pick(r).to_string());
        let quality: serde_json::Map<String, Value> = TaskKind::ALL
            .into_iter()
            .map(|kind| (kind.name().to_owned(), json!(model.quality.get(kind))))
            .collect();
        json!({
            "name": model.name.as_str(),
            "provider": model.provider.as_str(),
            "id": model.id,
            "price": {
                "input": price(|r| r.input),
                "cached_input": price(|r| r.cached_input),
                "cache_write": price(|r| r.cache_write),
                "output": price(|r| r.output),
            },
            "service_tier": model.service_tier.map(ServiceTier::name),
            "as_of": model.prices.as_of,
            "source": model.prices.source,
            "context": model.context,
            "max_output": model.max_output,
            "quality": quality,
            "quality_guess": model.quality_source == QualitySource::Guess,
            "capabilities": model.capabilities,
            "key": self.key.state(),
            "usable": self.usable(),
            "retired": model.retired,
            "keep_warm": keep_warm(model.keep_warm),
            "keep_warm_usd_per_day": (model.keep_warm == KeepWarm::Infer)
                .then(|| engine::warm_cost_per_day(model, self.now).map(|cost| cost.to_string()))
                .flatten(),
        })
    }
}

const fn keep_warm(how: KeepWarm) -> &'static str {
    match how {
        KeepWarm::Off => "off",
        KeepWarm::Free => "free",
        KeepWarm::Infer => "infer",
    }
}

fn table<'a>(rows: impl Iterator<Item = &'a Row<'a>>) -> Vec<String> {
    let mut table = Table::new(&[
        ("model", Align::Left),
        ("provider", Align::Left),
        ("$ in", Align::Right),
        ("cached", Align::Right),
        ("out /Mtok", Align::Right),
        ("context", Align::Right),
        ("code", Align::Right),
        ("prose", Align::Right),
        ("reason", Align::Right),
        ("can", Align::Left),
        ("key", Align::Left),
        ("price as of", Align::Left),
    ]);
    for row in rows {
        let model = row.model;
        let price = |pick: fn(&Rates) -> Price| {
            row.rates.as_ref().map_or_else(|| "?".to_owned(), |rates| pick(rates).to_string())
        };
        let guess = if model.quality_source == QualitySource::Guess { "~" } else { "" };
        let quality = |kind| format!("{guess}{:.2}", model.quality.get(kind));
        let mut source = row.source();
        if let Some(retired) = &model.retired {
            source = format!("{source} (retired {retired})");
        }
        table.row([
            model.name.to_string(),
            model.provider.to_string(),
            price(|r| r.input),
            price(|r| r.cached_input),
            price(|r| r.output),
            tokens(model.context),
            quality(TaskKind::Code),
            quality(TaskKind::Prose),
            quality(TaskKind::Reasoning),
            capabilities(model.capabilities),
            row.key.words(),
            source,
        ]);
    }
    table.lines()
}

/// `128k`, `1M`; an unknown window is a question mark.
fn tokens(count: u64) -> String {
    match count {
        0 => "?".to_owned(),
        count if count >= 1_000_000 && (count % 1_000_000) < 100_000 => {
            format!("{}M", count / 1_000_000)
        }
        count if count >= 1000 => format!("{}k", count / 1000),
        count => count.to_string(),
    }
}

fn capabilities(can: Capabilities) -> String {
    let all = [
        (can.tools, "tools"),
        (can.vision, "vision"),
        (can.json, "json"),
        (can.reasoning, "thinks"),
    ];
    all.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_short() {
        assert_eq!(tokens(131_072), "131k");
        assert_eq!(tokens(1_048_576), "1M");
        assert_eq!(tokens(512), "512");
        assert_eq!(tokens(0), "?");
    }

    #[test]
    fn a_missing_key_is_told_by_the_name_to_set() {
        let missing = KeyLookup::Missing { names: vec!["LAB_KEY".into()] };
        assert_eq!(Key::of(missing, KeyNeed::Required).words(), "set LAB_KEY");
        let missing = KeyLookup::Missing { names: vec!["LAB_KEY".into()] };
        assert_eq!(Key::of(missing, KeyNeed::Optional), Key::NotNeeded);
    }
}
