//! `price` and `[[prices]]` of a model.
//!
//! Owns: figures, their date and source, schedules. Must not know who charges them. Invariant: a
//! price is whole (input and output) or unknown, and a figure a person set is never shown with the
//! date or source of one that was shipped, nor beaten by a shipped schedule.

use crate::config::model::{PriceList, ScheduledRates, Unsaid};
use crate::config::reader::Fields;
use crate::config::schema::{PRICE, SCHEDULE};
use crate::config::source::Sources;
use crate::config::tree::{Node, Table, Value};
use crate::config::window::{ParseWindowError, WeekWindow};
use crate::domain::{Price, Rates};

use super::{moment, tier};

const FIGURES: [&str; 5] = ["input", "cached_input", "cache_write", "cache_write_1h", "output"];
const DAY_MS: i64 = 86_400_000;

/// Takes out of the merged tree what was said about other figures than those in force: schedules
/// that were shipped for a price a person has replaced, and the date and source of figures that a
/// later layer replaced.
pub(in crate::config) fn drop_outdated(tree: &mut Table, sources: &Sources) {
    let models = tree.entries.get_mut("models").map(|entry| &mut entry.node.value);
    let Some(Value::Table(models)) = models else { return };
    for model in models.entries.values_mut() {
        let Value::Table(model) = &mut model.node.value else { continue };
        let price = model.entries.get_mut("price").map(|entry| &mut entry.node.value);
        let Some(Value::Table(price)) = price else { continue };
        let figures = FIGURES.iter().filter_map(|name| Some(sources.kind(price.get(name)?.at)));
        let Some(set_by) = figures.max() else { continue };
        price.entries.retain(|name, entry| {
            FIGURES.contains(&name.as_str()) || sources.kind(entry.node.at) >= set_by
        });
        let shipped = |node: &Node| !sources.kind(node.at).is_users();
        if set_by.is_users() && model.get("prices").is_some_and(shipped) {
            model.entries.remove("prices");
        }
    }
}

/// Reads a model's prices. What a local provider serves is free unless priced.
pub(super) fn prices(model: &Fields<'_>, local: bool) -> PriceList {
    let fields = model.section("price", &PRICE);
    let base = base(&fields);
    let schedules: Vec<ScheduledRates> =
        model.list("prices", &SCHEDULE).iter().flat_map(schedules).collect();
    let as_of = fields.dates("as_of").first().map(|(day, _)| (*day).to_owned());
    if as_of.as_ref().is_some_and(|day| day.parse::<jiff::civil::Date>().is_err()) {
        fields.wrong("as_of", "expected a day such as \"2026-11-15\"");
    }
    let source = fields.string("source");
    match base {
        Some((rates, unsaid)) => {
            let schedules: Vec<ScheduledRates> =
                schedules.into_iter().map(|s| follow_input(s, unsaid)).collect();
            warn_of_half_tiers(model, &schedules);
            PriceList { base: Some(rates), unsaid, schedules, as_of, source }
        }
        None if local && FIGURES.iter().all(|name| fields.node(name).is_none()) => PriceList {
            base: Some(Rates::default()),
            unsaid: Unsaid::default(),
            schedules,
            as_of: None,
            source: Some("local".to_owned()),
        },
        None => PriceList { base: None, unsaid: Unsaid::default(), schedules, as_of, source },
    }
}

/// The base rates. A cached or written token whose price is not known is counted as any other.
fn base(fields: &Fields<'_>) -> Option<(Rates, Unsaid)> {
    let input = fields.price("input");
    let cached_input = fields.price("cached_input");
    let cache_write = fields.price("cache_write");
    let output = fields.price("output");
    let given = |name: &str| fields.node(name).is_some();
    if FIGURES.iter().any(|name| given(name)) {
        for name in ["input", "output"] {
            if !given(name) {
                let message = "a price needs both input and output";
                fields.ctx.error(fields.at, &fields.path_of(name), message);
            }
        }
    }
    let (input, output) = (input?, output?);
    let rates = Rates {
        input,
        cached_input: cached_input.unwrap_or(input),
        cache_write: cache_write.unwrap_or(input),
        cache_write_1h: fields.price("cache_write_1h"),
        output,
    };
    let unsaid =
        Unsaid { cached_input: cached_input.is_none(), cache_write: cache_write.is_none() };
    Some((rates, unsaid))
}

/// A tier whose price is told in part has no price that is known.
fn warn_of_half_tiers(model: &Fields<'_>, schedules: &[ScheduledRates]) {
    let mut seen = Vec::new();
    for tier in schedules.iter().filter_map(|schedule| schedule.tier) {
        if seen.contains(&tier) {
            continue;
        }
        seen.push(tier);
        let own = || schedules.iter().filter(|schedule| schedule.tier == Some(tier));
        let whole = own().any(|s| s.input.is_some())
            && own().any(|s| s.cached_input.is_some())
            && own().any(|s| s.output.is_some());
        if !whole {
            let message = format!(
                "the price of tier {tier} needs input, cached_input and output; without them it is not known"
            );
            model.ctx.warn(model.place("prices"), &model.path_of("prices"), message);
        }
    }
}

/// Where the base has no cached price of its own, a schedule's input price stands for it too.
fn follow_input(mut schedule: ScheduledRates, unsaid: Unsaid) -> ScheduledRates {
    let stand_in = |own: Option<Price>, follows: bool| match own {
        None if follows => schedule.input,
        own => own,
    };
    schedule.cached_input = stand_in(schedule.cached_input, unsaid.cached_input);
    schedule.cache_write = stand_in(schedule.cache_write, unsaid.cache_write);
    schedule
}

/// One entry of `prices`: one schedule per window.
fn schedules(fields: &Fields<'_>) -> Vec<ScheduledRates> {
    let mut except_days = Vec::new();
    for (text, at) in fields.dates("except") {
        if let Some(day) = text.parse::<jiff::civil::Date>().ok().and_then(|_| moment(text)) {
            except_days.push(day.0.div_euclid(DAY_MS));
        } else {
            let message = format!("expected a day such as \"2026-10-01\", found {text:?}");
            fields.ctx.error(at, &fields.path_of("except"), message);
        }
    }
    let date = |name: &str| {
        let (text, at) = *fields.dates(name).first()?;
        let moment = moment(text);
        if moment.is_none() {
            let message = format!("expected a date such as \"2026-12-01\", found {text:?}");
            fields.ctx.error(at, &fields.path_of(name), message);
        }
        moment
    };
    let (from, until) = (date("from"), date("until"));
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        fields.wrong("until", "expected a moment after `from`");
    }
    let whole = ScheduledRates {
        window: None,
        except_days,
        from,
        until,
        over_input_tokens: fields.whole("over_input_tokens"),
        tier: tier::served(fields),
        input: fields.price("input"),
        cached_input: fields.price("cached_input"),
        cache_write: fields.price("cache_write"),
        cache_write_1h: fields.price("cache_write_1h"),
        output: fields.price("output"),
    };
    if FIGURES.iter().all(|name| fields.node(name).is_none()) {
        let message = "a schedule needs at least one of input, cached_input, cache_write, cache_write_1h, output";
        fields.ctx.error(fields.at, &fields.path, message);
    }
    let Some(texts) = fields.texts("window") else {
        if !whole.except_days.is_empty() {
            fields.wrong("except", "days are excepted from a window, and there is none");
        }
        return vec![whole];
    };
    let mut out = Vec::with_capacity(texts.len());
    for (text, at) in texts {
        let parsed: Result<WeekWindow, ParseWindowError> = text.parse();
        match parsed {
            Ok(window) => out.push(ScheduledRates { window: Some(window), ..whole.clone() }),
            Err(why) => fields.ctx.error(at, &fields.path_of("window"), why.to_string()),
        }
    }
    out
}
