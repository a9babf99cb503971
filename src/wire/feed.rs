//! Price feeds: bytes to rows.
//!
//! Owns: the four forms feeds come in. Must not know: which models are configured, files, sockets.
//! Invariants: a price is read as it is written, never through a float; one row that cannot be right
//! is refused by itself with the reason; an unknown price is none, never zero.
//!
//! The forms are those of openrouter.ai/api/v1/models (texts, dollars per token), models.dev/api.json
//! (numbers, dollars per million), LiteLLM's model_prices_and_context_window.json (numbers, dollars
//! per token) and api.tokenmix.ai/api/models (numbers, dollars per million; 0 is free).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::FeedRow;
use crate::domain::{Money, ParseMoneyError, Price};

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// OpenRouter's.
    OpenRouter,
    /// models.dev's.
    ModelsDev,
    /// LiteLLM's.
    LiteLlm,
    /// TokenMix's.
    TokenMix,
}

impl FeedKind {
    /// Its name in commands and data.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenRouter => "openrouter",
            Self::ModelsDev => "modelsdev",
            Self::LiteLlm => "litellm",
            Self::TokenMix => "tokenmix",
        }
    }

    /// Where it is read by default.
    pub fn address(self) -> &'static str {
        table().find(|(feed, theirs, _)| *feed == self.name() && *theirs == "*").map_or("", |r| r.2)
    }

    /// Our name of one of its providers.
    fn ours(self, theirs: &str) -> Option<&'static str> {
        let mut rows = table().filter(|(feed, ..)| *feed == self.name());
        rows.find(|(_, name, _)| *name == theirs && theirs != "*").map(|(.., ours)| ours)
    }
}

fn table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let rows = include_str!("../../assets/feeds.tsv").lines().filter(|row| !row.starts_with('#'));
    rows.skip(1).filter_map(|row| {
        let mut cells = row.split('\t');
        Some((cells.next()?, cells.next()?, cells.next()?))
    })
}

/// What a feed says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feed {
    /// Rows that can be right, of providers we know.
    pub rows: Vec<FeedRow>,
    /// Ids of rows that cannot be, and why.
    pub refused: Vec<(String, String)>,
    /// Rows of other providers, and of models that answer no chat.
    pub left_out: usize,
}

/// Dearer than any model ever was, by a hundred times.
const ABSURD: Price = Price::from_pico_per_token(100_000_000_000);

/// No window is larger.
const WIDEST: u64 = 1_000_000_000;

/// Longest id believed.
const LONGEST_ID: usize = 200;

/// Reads a feed.
///
/// # Errors
/// When the whole is not what it should be.
pub fn read_feed(kind: FeedKind, body: &[u8]) -> Result<Feed, String> {
    let mut feed = Feed::default();
    let wrong =
        |error: serde_json::Error| format!("not a feed of {}: {}", kind.name(), brief(&error));
    match kind {
        FeedKind::OpenRouter => {
            let list: List = serde_json::from_slice(body).map_err(wrong)?;
            for model in list.data {
                feed.add(kind, "openrouter", "", &model, open_router);
            }
        }
        FeedKind::TokenMix => {
            let answer: Envelope = serde_json::from_slice(body).map_err(wrong)?;
            for model in answer.data.list {
                feed.add(kind, "tokenmix", "", &model, token_mix);
            }
        }
        FeedKind::ModelsDev => {
            let providers: BTreeMap<String, Box<RawValue>> =
                serde_json::from_slice(body).map_err(wrong)?;
            for (name, provider) in providers {
                let Ok(provider) = serde_json::from_str::<ModelsDev>(provider.get()) else {
                    feed.left_out += 1;
                    continue;
                };
                for (id, model) in provider.models {
                    feed.add(kind, &name, &id, &model, models_dev);
                }
            }
        }
        FeedKind::LiteLlm => {
            let models: BTreeMap<String, Box<RawValue>> =
                serde_json::from_slice(body).map_err(wrong)?;
            for (key, model) in models.into_iter().filter(|(key, _)| key != "sample_spec") {
                let theirs = serde_json::from_str::<LiteLlmProvider>(model.get());
                let theirs = theirs.map(|read| read.litellm_provider).unwrap_or_default();
                let id = key.strip_prefix(&format!("{theirs}/")).unwrap_or(&key).to_owned();
                feed.add(kind, &theirs, &id, &model, lite_llm);
            }
        }
    }
    if feed.rows.is_empty() && feed.refused.is_empty() {
        return Err(format!("there is no model in it that {} would list", kind.name()));
    }
    Ok(feed)
}

#[derive(Deserialize)]
struct List {
    data: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Envelope {
    data: EnvelopeData,
}

#[derive(Deserialize)]
struct EnvelopeData {
    list: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ModelsDev {
    models: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct LiteLlmProvider {
    litellm_provider: String,
}

/// One model as it is read: the id where it stands in the row itself, and the figures; `None` where
/// it answers no chat.
type Read = Result<Option<FeedRow>, String>;

impl Feed {
    fn add(
        &mut self,
        kind: FeedKind,
        theirs: &str,
        id: &str,
        raw: &RawValue,
        read: fn(&str, &RawValue) -> Read,
    ) {
        let Some(ours) = kind.ours(theirs) else {
            self.left_out += 1;
            return;
        };
        match read(id, raw) {
            Ok(None) => self.left_out += 1,
            Ok(Some(row)) if !sound(&row.id) => {
                let shown: String = row.id.chars().filter(|c| !c.is_control()).take(60).collect();
                self.refused.push((shown, "that is no model's id".to_owned()));
            }
            Ok(Some(row)) => self.rows.push(FeedRow { provider: ours.to_owned(), ..row }),
            Err(why) => {
                // Where the id stands in the row, it is found again for the message.
                let told = serde_json::from_str::<Id>(raw.get()).unwrap_or_default();
                let name = [id.to_owned(), told.id, told.model_id];
                let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
                self.refused
                    .push((name.chars().filter(|c| !c.is_control()).take(80).collect(), why));
            }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Id {
    id: String,
    model_id: String,
}

fn sound(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(|c| c.is_ascii_graphic())
}

type Raw = Option<Box<RawValue>>;

#[derive(Deserialize)]
struct OpenRouterModel {
    id: String,
    #[serde(default)]
    context_length: Raw,
    #[serde(default)]
    pricing: OpenRouterPrices,
    #[serde(default)]
    top_provider: Option<OpenRouterTop>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenRouterPrices {
    prompt: Raw,
    completion: Raw,
    input_cache_read: Raw,
    input_cache_write: Raw,
}

#[derive(Deserialize)]
struct OpenRouterTop {
    #[serde(default)]
    max_completion_tokens: Raw,
}

fn open_router(_: &str, raw: &RawValue) -> Read {
    let model: OpenRouterModel = serde_json::from_str(raw.get()).map_err(odd)?;
    let prices = &model.pricing;
    // Routers of its own say -1: it depends.
    let depends = |raw: &Raw| raw.as_ref().is_some_and(|raw| figure(raw).as_deref() == Some("-1"));
    let mut row = FeedRow { id: model.id, ..FeedRow::default() };
    row.context = tokens(&model.context_length, "context_length")?;
    let top = model.top_provider.and_then(|top| top.max_completion_tokens);
    row.max_output = tokens(&top, "max_completion_tokens")?;
    if depends(&prices.prompt) || depends(&prices.completion) {
        return Ok(Some(row));
    }
    let free = if row.id.ends_with(":free") { Zero::Free } else { Zero::Unknown };
    let all = [
        per_token(&prices.prompt, "prompt")?,
        per_token(&prices.completion, "completion")?,
        per_token(&prices.input_cache_read, "input_cache_read")?,
        per_token(&prices.input_cache_write, "input_cache_write")?,
    ];
    whole(row, all, free).map(Some)
}

#[derive(Deserialize)]
struct ModelsDevModel {
    #[serde(default)]
    cost: ModelsDevCost,
    #[serde(default)]
    limit: ModelsDevLimit,
    #[serde(default)]
    modalities: Option<Modalities>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelsDevCost {
    input: Raw,
    output: Raw,
    cache_read: Raw,
    cache_write: Raw,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelsDevLimit {
    context: Raw,
    output: Raw,
}

#[derive(Deserialize)]
struct Modalities {
    #[serde(default)]
    output: Vec<String>,
}

fn models_dev(id: &str, raw: &RawValue) -> Read {
    let model: ModelsDevModel = serde_json::from_str(raw.get()).map_err(odd)?;
    if model.modalities.is_some_and(|kinds| !kinds.output.iter().any(|kind| kind == "text")) {
        return Ok(None);
    }
    let mut row = FeedRow { id: id.to_owned(), ..FeedRow::default() };
    row.context = tokens(&model.limit.context, "limit.context")?;
    row.max_output = tokens(&model.limit.output, "limit.output")?;
    let cost = &model.cost;
    let all = [
        per_million(&cost.input, "cost.input")?,
        per_million(&cost.output, "cost.output")?,
        per_million(&cost.cache_read, "cost.cache_read")?,
        per_million(&cost.cache_write, "cost.cache_write")?,
    ];
    whole(row, all, Zero::Unknown).map(Some)
}

#[derive(Deserialize)]
struct LiteLlmModel {
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    max_input_tokens: Raw,
    #[serde(default)]
    max_output_tokens: Raw,
    #[serde(default)]
    input_cost_per_token: Raw,
    #[serde(default)]
    output_cost_per_token: Raw,
    #[serde(default)]
    cache_read_input_token_cost: Raw,
    #[serde(default)]
    cache_creation_input_token_cost: Raw,
}

fn lite_llm(id: &str, raw: &RawValue) -> Read {
    let model: LiteLlmModel = serde_json::from_str(raw.get()).map_err(odd)?;
    if model.mode.as_deref() != Some("chat") {
        return Ok(None);
    }
    let mut row = FeedRow { id: id.to_owned(), ..FeedRow::default() };
    row.context = tokens(&model.max_input_tokens, "max_input_tokens")?;
    row.max_output = tokens(&model.max_output_tokens, "max_output_tokens")?;
    let all = [
        per_token(&model.input_cost_per_token, "input_cost_per_token")?,
        per_token(&model.output_cost_per_token, "output_cost_per_token")?,
        per_token(&model.cache_read_input_token_cost, "cache_read_input_token_cost")?,
        per_token(&model.cache_creation_input_token_cost, "cache_creation_input_token_cost")?,
    ];
    whole(row, all, Zero::Unknown).map(Some)
}

#[derive(Deserialize)]
struct TokenMixModel {
    model_id: String,
    #[serde(default)]
    short_id: Option<String>,
    #[serde(default)]
    model_type: Option<String>,
    #[serde(default)]
    input_price: Raw,
    #[serde(default)]
    output_price: Raw,
    #[serde(default)]
    context_length: Raw,
}

fn token_mix(_: &str, raw: &RawValue) -> Read {
    let model: TokenMixModel = serde_json::from_str(raw.get()).map_err(odd)?;
    let chats = |kind: &str| ["chat", "text", "llm", "language"].iter().any(|k| kind.contains(k));
    if model.model_type.is_some_and(|kind| !chats(&kind.to_ascii_lowercase())) {
        return Ok(None);
    }
    let mut row = FeedRow { id: model.model_id, also: model.short_id, ..FeedRow::default() };
    row.context = tokens(&model.context_length, "context_length")?;
    let all = [
        per_million(&model.input_price, "input_price")?,
        per_million(&model.output_price, "output_price")?,
        None,
        None,
    ];
    whole(row, all, Zero::Free).map(Some)
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn odd(error: serde_json::Error) -> String {
    format!("not the form of this feed: {}", brief(&error))
}

/// An error's words, which may repeat what they are about, at a length that can be shown.
fn brief(error: &serde_json::Error) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// What a price of 0 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zero {
    /// It costs nothing.
    Free,
    /// Nobody filled it in.
    Unknown,
}

/// A row with its prices, if they are whole.
fn whole(
    mut row: FeedRow,
    [input, output, cached_input, cache_write]: [Option<Price>; 4],
    zero: Zero,
) -> Result<FeedRow, String> {
    match (input, output) {
        (None, None) => return Ok(row),
        (Some(_), None) | (None, Some(_)) => return Err("half a price: input or output".to_owned()),
        (Some(Price::FREE), Some(Price::FREE)) if zero == Zero::Unknown => {
            return Err("its price is 0, which this feed also says of unknown ones".to_owned());
        }
        (Some(_), Some(_)) => {}
    }
    (row.input, row.output) = (input, output);
    // 0 for these means that there is none.
    let told = |price: Option<Price>| price.filter(|price| *price != Price::FREE);
    (row.cached_input, row.cache_write) = (told(cached_input), told(cache_write));
    Ok(row)
}

/// A number as it is written: plain, or as a text.
fn figure(raw: &RawValue) -> Option<String> {
    let text = raw.get().trim();
    if let Some(quoted) = text.strip_prefix('"') {
        return Some(quoted.strip_suffix('"')?.trim().to_owned());
    }
    (text != "null").then(|| text.to_owned())
}

fn per_token(raw: &Raw, field: &str) -> Result<Option<Price>, String> {
    price(raw, field, |text| match text.parse::<Money>() {
        Ok(money) => Ok(Price::from_pico_per_token(money.pico())),
        // Finer than a millionth of a dollar per million: the rest of a float's arithmetic.
        Err(ParseMoneyError::TooFine) => rounded(text, 1e12),
        Err(error) => Err(error.to_string()),
    })
}

fn per_million(raw: &Raw, field: &str) -> Result<Option<Price>, String> {
    price(raw, field, |text| match text.parse::<Price>() {
        Ok(price) => Ok(price),
        Err(ParseMoneyError::TooFine) => rounded(text, 1e6),
        Err(error) => Err(error.to_string()),
    })
}

fn rounded(text: &str, scale: f64) -> Result<Price, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let scaled = (value * scale).round();
    if scaled == 0.0 && value != 0.0 {
        return Err("less than can be counted".to_owned());
    }
    Ok(Price::from_pico_per_token(scaled as i64))
}

fn price(
    raw: &Raw,
    field: &str,
    read: impl Fn(&str) -> Result<Price, String>,
) -> Result<Option<Price>, String> {
    let Some(text) = raw.as_ref().and_then(|raw| figure(raw)) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    let price = read(&text).map_err(|why| format!("{field} is {shown}: {why}"))?;
    if price < Price::FREE {
        return Err(format!("{field} is {shown}: less than nothing"));
    }
    if price > ABSURD {
        return Err(format!(
            "{field} is {shown}: over {ABSURD} dollars a million, which nobody takes"
        ));
    }
    Ok(Some(price))
}

fn tokens(raw: &Raw, field: &str) -> Result<Option<u64>, String> {
    let Some(text) = raw.as_ref().and_then(|raw| figure(raw)) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    let value = match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(value), _) => value,
        (_, Ok(value)) if value.is_finite() && value >= 0.0 && value.fract() == 0.0 => value as u64,
        _ => return Err(format!("{field} is {shown}: not a number of tokens")),
    };
    if value > WIDEST {
        return Err(format!("{field} is {shown}: no window is so wide"));
    }
    Ok((value > 0).then_some(value))
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
