//! `wheelhouse models sync`: what a price feed says otherwise, as a diff; and keeping it.
//!
//! Invariant: without `--write` nothing is kept, and what is kept was read back without an error
//! before it is written.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::{Changed, Diff, FeedRow, LayerKind, Loaded, OldFile, Recipe, merged};
use crate::domain::{Price, Rates};
use crate::wire::http::Http;
use crate::wire::{Feed as Told, FeedKind, HttpCall, read_feed};

use super::args::{Feed, SyncArgs};
use super::compose::{self, Setup};
use super::{Exit, Io, Stop};

/// The most that is read of a feed; the largest of today is a tenth of it.
const LARGEST: usize = 64 << 20;

/// How long a feed gets to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Of that, to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Names listed in a line before the rest is counted.
const LISTED: usize = 20;

/// Does what was asked.
pub fn run(args: &SyncArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    if setup.global.demo {
        return Err(Stop::usage("a demo takes nothing from feeds: leave --demo away"));
    }
    let kind = match args.from {
        Feed::Openrouter => FeedKind::OpenRouter,
        Feed::Modelsdev => FeedKind::ModelsDev,
        Feed::Litellm => FeedKind::LiteLlm,
        Feed::Tokenmix => FeedKind::TokenMix,
    };
    let from = args.source.clone().unwrap_or_else(|| kind.address().to_owned());
    let recipe = setup.recipe()?;
    let loaded = recipe.load().map_err(|errors| compose::wrong(&errors))?;
    let body = if from.contains("://") { fetched(&from, setup)? } else { from_file(&from)? };
    let told = read_feed(kind, &body)
        .map_err(|why| Stop::error(format!("{}: {why}", without_secrets(&from))))?;
    let source = source_of(&from, kind);
    let wanted = |row: &FeedRow| args.only.as_deref().is_none_or(|text| row.matches(text));
    let rows: Vec<FeedRow> = told.rows.iter().filter(|row| wanted(row)).cloned().collect();
    let mut diff = loaded.diff(&rows);
    if args.only.is_some() {
        // Of a part of a feed nothing can be missing.
        diff.gone.clear();
    }
    let added: Vec<&FeedRow> = diff.new.iter().filter(|row| is_added(args, row)).collect();
    let today = jiff::Timestamp::from_millisecond(compose::now().0)
        .map(|now| now.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    if args.json {
        writeln!(io.out, "{}", object(&diff, &told, &source))?;
    } else {
        tell(&diff, &told, &source, io)?;
    }
    if args.write {
        keep(&diff, &added, (&today, &source), (setup, &recipe), io)?;
    } else if !diff.changed.is_empty() || !diff.new.is_empty() {
        io.talk("nothing was kept: --write keeps the changes, --add TEXT new models too");
    }
    Ok(Exit::Done)
}

fn is_added(args: &SyncArgs, row: &FeedRow) -> bool {
    args.add.iter().any(|text| text == "all" || row.matches(text))
}

/// Where prices come from, in the words that are kept with them.
fn source_of(from: &str, kind: FeedKind) -> String {
    let place = match from.split_once("://").map(|(_, rest)| rest) {
        // Without a password that may be in it.
        Some(rest) => {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            host.rsplit('@').next().unwrap_or_default()
        }
        None => from.rsplit('/').next().unwrap_or(from),
    };
    format!("{} ({place})", kind.name())
}

/// An address without the user and password, and without the query, that may hold a key.
fn without_secrets(from: &str) -> String {
    let Some((scheme, rest)) = from.split_once("://") else { return from.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn from_file(path: &str) -> Result<Vec<u8>, Stop> {
    use std::io::Read as _;
    let told = |error: std::io::Error| Stop::error(format!("{path}: {error}"));
    let file = std::fs::File::open(path).map_err(told)?;
    let mut body = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut body).map_err(told)?;
    small_enough(path, body)
}

fn small_enough(from: &str, body: Vec<u8>) -> Result<Vec<u8>, Stop> {
    if body.len() > LARGEST {
        let most = LARGEST >> 20;
        return Err(Stop::error(format!("{from}: over {most} MB, which no price feed is")));
    }
    Ok(body)
}

fn fetched(url: &str, setup: &Setup) -> Result<Vec<u8>, Stop> {
    let shown = without_secrets(url);
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Stop::usage(format!("{shown}: expected http:// or https://, or a file")));
    }
    let runtime = compose::runtime()?;
    let ended = runtime.block_on(async {
        let http = Http::new(&setup.http_options())?;
        let call = HttpCall {
            method: "GET",
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            secret_headers: Vec::new(),
            body: Bytes::new(),
        };
        let answer = async {
            let mut response = http.send(&call, CONNECT).await?;
            let body = response.body(LARGEST + 1).await;
            Ok::<_, Stop>((response.status, body))
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Stop::error(format!("{shown}: nothing whole within {PATIENCE:?}"))),
        }
    });
    runtime.shutdown_background();
    match ended? {
        (200..300, body) => small_enough(&shown, body),
        (status, _) => Err(Stop::error(format!(
            "{shown} answered {status}; a file works too: wheelhouse models sync --from FEED FILE"
        ))),
    }
}

/// Keeps what changed: the synced layer is made, read back, and only then put in place.
fn keep(
    diff: &Diff,
    added: &[&FeedRow],
    stamp: (&str, &str),
    (setup, recipe): (&Setup, &Recipe),
    io: &mut Io<'_>,
) -> Result<(), Stop> {
    let path = setup.synced_file();
    let told = |error: std::io::Error| Stop::error(format!("{}: {error}", path.display()));
    let kept: Vec<&Changed> = diff
        .changed
        .iter()
        .filter(|changed| {
            changed.context.is_some() || changed.price.is_some() && changed.stays.is_none()
        })
        .collect();
    if kept.is_empty() && added.is_empty() {
        io.talk("there is nothing to keep");
        return Ok(());
    }
    let old = OldFile::read(&path).map_err(told)?;
    let text = merged(&old.text, &kept, added, stamp).map_err(|why| {
        Stop::error(format!("{}: {why}; delete the file to begin anew", path.display()))
    })?;
    let name = path.display().to_string();
    let made = recipe.reload(LayerKind::Synced, &name, Some(text.clone()));
    let trouble = |errors: Vec<crate::config::ConfigError>| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        Stop::error(format!("nothing was kept: it could not be read back\n{}", lines.join("\n")))
    };
    let (_, Loaded { warnings, .. }) = made.map_err(trouble)?;
    let ours: Vec<_> = warnings.into_iter().filter(|warning| warning.file == name).collect();
    if !ours.is_empty() {
        return Err(trouble(ours));
    }
    old.replace(&text).map_err(told)?;
    io.talk(&format!(
        "{} changed and {} new models are kept in {}",
        kept.len(),
        added.len(),
        setup.shown(&path)
    ));
    Ok(())
}

fn tell(diff: &Diff, told: &Told, source: &str, io: &mut Io<'_>) -> Result<(), Stop> {
    io.talk(&format!(
        "{source}: {} models of your providers, {} left out; of yours {} are the same",
        told.rows.len(),
        told.left_out,
        diff.same
    ));
    for changed in &diff.changed {
        let mut parts = Vec::new();
        if let Some((old, new)) = changed.price {
            parts.push(prices(old, new));
        }
        if let Some((old, new)) = changed.context {
            parts.push(format!("context {old} -> {new}{}", percent(old as f64, new as f64)));
        }
        let stays =
            changed.stays.as_ref().map(|why| format!("; yours stays: {why}")).unwrap_or_default();
        io.line(&format!("~ {:<20} {}{stays}", changed.name.as_str(), parts.join(", ")))?;
    }
    let names = |names: Vec<String>| {
        let more = names.len().saturating_sub(LISTED);
        let shown: Vec<String> = names.into_iter().take(LISTED).collect();
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        format!("{}{more}", shown.join(", "))
    };
    if !diff.new.is_empty() {
        let list = names(diff.new.iter().map(FeedRow::own_name).collect());
        io.line(&format!("+ {} new: {list}", diff.new.len()))?;
    }
    if !diff.gone.is_empty() {
        let list = names(diff.gone.iter().map(ToString::to_string).collect());
        io.line(&format!("- {} not in it: {list}", diff.gone.len()))?;
    }
    for (id, why) in told.refused.iter().take(LISTED) {
        io.talk(&format!("refused {id}: {why}"));
    }
    if told.refused.len() > LISTED {
        io.talk(&format!("and {} more refused", told.refused.len() - LISTED));
    }
    Ok(())
}

/// `in 2 -> 1.5 (-25%), out 10 -> 8 (-20%)`, in dollars per million tokens.
fn prices(old: Option<Rates>, new: Rates) -> String {
    let Some(old) = old else {
        return format!("price unknown -> in {} out {}", new.input, new.output);
    };
    let fields = [
        ("in", old.input, new.input),
        ("cached", old.cached_input, new.cached_input),
        ("write", old.cache_write, new.cache_write),
        ("out", old.output, new.output),
    ];
    let differ = fields.into_iter().filter(|(_, old, new)| old != new);
    let part = |(name, old, new): (&str, Price, Price)| {
        let by = percent(old.dollars_per_million(), new.dollars_per_million());
        format!("{name} {old} -> {new}{by}")
    };
    differ.map(part).collect::<Vec<_>>().join(", ")
}

fn percent(old: f64, new: f64) -> String {
    if old <= 0.0 { String::new() } else { format!(" ({:+.0}%)", (new / old - 1.0) * 100.0) }
}

fn object(diff: &Diff, told: &Told, source: &str) -> Value {
    let rates = |rates: &Rates| {
        json!({
            "input": rates.input.to_string(), "cached_input": rates.cached_input.to_string(),
            "cache_write": rates.cache_write.to_string(), "output": rates.output.to_string(),
        })
    };
    let changed = |changed: &Changed| {
        json!({
            "model": changed.name.as_str(), "provider": changed.row.provider, "id": changed.row.id,
            "price": changed.price.map(|(old, new)| {
                json!({"old": old.as_ref().map(rates), "new": rates(&new)})
            }),
            "context": changed.context.map(|(old, new)| json!({"old": old, "new": new})),
            "stays": changed.stays,
        })
    };
    let new = |row: &FeedRow| {
        json!({
            "model": row.own_name(), "provider": row.provider, "id": row.id,
            "input": row.input.map(|price| price.to_string()),
            "output": row.output.map(|price| price.to_string()), "context": row.context,
        })
    };
    let refused = |(id, why): &(String, String)| json!({"id": id, "why": why});
    json!({
        "schema": 1, "source": source, "same": diff.same, "left_out": told.left_out,
        "changed": diff.changed.iter().map(changed).collect::<Vec<_>>(),
        "new": diff.new.iter().map(new).collect::<Vec<_>>(),
        "gone": diff.gone.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "refused": told.refused.iter().map(refused).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_with_old_new_and_percent() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let rates = |input: &str, output: &str| Rates {
            input: price(input),
            cached_input: price("0.1"),
            cache_write: price("1"),
            cache_write_1h: None,
            output: price(output),
        };
        let told = prices(Some(rates("2", "10")), rates("1.5", "10"));
        assert_eq!(told, "in 2 -> 1.5 (-25%)");
        assert_eq!(prices(None, rates("2", "10")), "price unknown -> in 2 out 10");
        assert_eq!(
            prices(Some(rates("0", "10")), rates("1", "20")),
            "in 0 -> 1, out 10 -> 20 (+100%)"
        );
    }

    #[test]
    fn a_source_is_named_without_what_is_secret_in_it() {
        let named = source_of("https://me:pw@models.dev/api.json?key=1", FeedKind::ModelsDev);
        assert_eq!(named, "modelsdev (models.dev)");
        assert_eq!(source_of("some/where/prices.json", FeedKind::LiteLlm), "litellm (prices.json)");
        let shown = without_secrets("https://me:p@w@models.dev/a/api.json?key=1#x");
        assert_eq!(shown, "https://models.dev/a/api.json");
        assert_eq!(without_secrets("prices?.json"), "prices?.json");
    }
}
