//! `price` and `[[prices]]` of a model.
//!
//! Owns: figures, their date and source, schedules. Must not know who charges them. Invariant: a
//! price is whole (input and output) or unknown, and a figure a person set is never shown with the
//! date or source of one that was shipped, nor beaten by a shipped schedule.

use crate::config::model::{PriceList, ScheduledRates};
use crate::config::reader::Fields;
use crate::config::schema::{PRICE, SCHEDULE};
use crate::config::source::LayerKind;
use crate::config::window::{ParseWindowError, WeekWindow};
use crate::domain::{Price, Rates};

use super::moment;

const FIGURES: [&str; 4] = ["input", "cached_input", "cache_write", "output"];
const DAY_MS: i64 = 86_400_000;

/// Reads a model's prices. What a local provider serves is free unless priced.
pub(super) fn prices(model: &Fields<'_>, local: bool) -> PriceList {
    let fields = model.section("price", &PRICE);
    let set_by = figures_set_by(&fields);
    let base = base(&fields);
    let by_user = set_by.is_some_and(LayerKind::is_users);
    let list = model.list("prices", &SCHEDULE);
    let read: Vec<ScheduledRates> = list.iter().flat_map(schedules).collect();
    let outdated = by_user
        && model.node("prices").is_some_and(|node| !model.ctx.sources.kind(node.at).is_users());
    let schedules = if outdated { Vec::new() } else { read };
    // A day or source below the figures' own layer is about other figures.
    let note = |name: &str| {
        let node = fields.node(name)?;
        let kind = model.ctx.sources.kind(node.at);
        set_by
            .is_none_or(|figures| kind >= figures)
            .then(|| fields.dates(name).first()?.0.to_owned().into())?
    };
    let as_of: Option<String> = note("as_of");
    let source: Option<String> = note("source");
    if let Some(day) = &as_of
        && day.parse::<jiff::civil::Date>().is_err()
    {
        fields.wrong("as_of", "expected a day such as \"2026-11-15\"");
    }
    match base {
        Some(rates) => PriceList {
            base: Some(rates.0),
            schedules: schedules.into_iter().map(|s| follow_input(s, rates.1)).collect(),
            as_of,
            source,
        },
        None if local && set_by.is_none() => PriceList {
            base: Some(Rates::default()),
            schedules,
            as_of: None,
            source: Some("local".to_owned()),
        },
        None => PriceList { base: None, schedules, as_of, source },
    }
}

/// The topmost kind of layer that set a figure.
fn figures_set_by(fields: &Fields<'_>) -> Option<LayerKind> {
    FIGURES.iter().filter_map(|name| Some(fields.ctx.sources.kind(fields.node(name)?.at))).max()
}

/// Which figures were not given and follow the input price.
#[derive(Clone, Copy)]
struct Follow {
    cached_input: bool,
    cache_write: bool,
}

/// The base rates. A cached or written token whose price is not known costs what any other does.
fn base(fields: &Fields<'_>) -> Option<(Rates, Follow)> {
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
        output,
    };
    let follow =
        Follow { cached_input: cached_input.is_none(), cache_write: cache_write.is_none() };
    Some((rates, follow))
}

/// Where the base has no cached price of its own, a schedule's input price stands for it too.
fn follow_input(mut schedule: ScheduledRates, follow: Follow) -> ScheduledRates {
    let stand_in = |own: Option<Price>, follows: bool| match own {
        None if follows => schedule.input,
        own => own,
    };
    schedule.cached_input = stand_in(schedule.cached_input, follow.cached_input);
    schedule.cache_write = stand_in(schedule.cache_write, follow.cache_write);
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
        input: fields.price("input"),
        cached_input: fields.price("cached_input"),
        cache_write: fields.price("cache_write"),
        output: fields.price("output"),
    };
    if FIGURES.iter().all(|name| fields.node(name).is_none()) {
        let message = "a schedule needs at least one of input, cached_input, cache_write, output";
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
