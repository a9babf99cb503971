//! Money: a line for each attempt whatever came of it, and the sums every question is answered from,
//! written together.
//!
//! Invariant: an attempt is counted once, and sums are those of the lines.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::domain::{
    AttemptReport, Cost, LocalDay, Money, OutcomeClass, Price, Rates, RequestId, SessionId, UnixMs,
    Usage,
};
use crate::route::Payer;

use super::super::order::{Aside, Begin, End, Keep};
use super::super::{Day, purse};
use super::{derived, key, number};

/// Milliseconds in an hour.
const HOUR: i64 = 3_600_000;

/// The most one request is said to have cost elsewhere, in pico-dollars: a price that is far off must
/// not carry the sums of its day past what the file can hold.
const MOST_COMPARED: i64 = 10_000_000_000_000_000;

/// What a line says.
pub(super) struct Line<'a> {
    pub(super) id: Uuid,
    pub(super) at: UnixMs,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) session: Option<SessionId>,
    pub(super) request: Option<RequestId>,
    pub(super) origin: &'static str,
    pub(super) kind: &'static str,
    pub(super) outcome: Option<OutcomeClass>,
    pub(super) usage: Usage,
    pub(super) cost: Cost,
    pub(super) prefix_saved: Money,
}

/// Keeps an attempt and its line; `false` when both were kept before.
pub(super) fn attempt(
    db: &Connection,
    begin: &Begin,
    request: i64,
    report: &AttemptReport,
    zone: &TimeZone,
) -> rusqlite::Result<bool> {
    if number(db, "SELECT n FROM attempts WHERE id = ?1", report.id.0)?.is_some() {
        return Ok(false);
    }
    let mut report = report.clone();
    // Its conversation may have been removed since.
    let words: bool = db
        .prepare_cached("SELECT keep = 'all' FROM requests WHERE n = ?1")?
        .query_row([request], |row| row.get(0))?;
    if !words && report.outcome.is_some() {
        // A provider may say again what it was asked.
        report.detail.clear();
    }
    let json = serde_json::to_string(&report)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    db.prepare_cached(
        "INSERT INTO attempts (id, request, number, model, provider, kind, outcome, ms, report)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        key(report.id.0),
        request,
        report.n,
        report.model.as_str(),
        report.provider.as_str(),
        report.kind.name(),
        report.outcome.map(OutcomeClass::name),
        report.ms as i64,
        json,
    ])?;
    line(
        db,
        &Line {
            id: report.id.0,
            at: begin.at + std::time::Duration::from_millis(report.started_ms),
            provider: report.provider.as_str(),
            model: report.model.as_str(),
            session: begin.request.session.filter(|_| begin.keep == Keep::All),
            request: Some(begin.request.id),
            origin: begin.request.origin.name(),
            kind: report.kind.name(),
            outcome: report.outcome,
            usage: report.usage,
            cost: report.cost,
            prefix_saved: prefix_saved(begin, &report),
        },
        zone,
    )
}

/// What the provider's own prompt cache took off the price.
fn prefix_saved(begin: &Begin, report: &AttemptReport) -> Money {
    let candidate = begin.input.candidates.iter().find(|one| one.model == report.model);
    let Some(rates) = candidate.and_then(|candidate| candidate.rates) else { return Money::ZERO };
    let less = rates.input.pico_per_token() - rates.cached_input.pico_per_token();
    Price::from_pico_per_token(less.max(0)).times(report.usage.cached_input)
}

/// Money spent without a request.
pub(super) fn aside(db: &Connection, aside: &Aside, zone: &TimeZone) -> rusqlite::Result<u64> {
    let kind = match aside.origin {
        crate::domain::Origin::Ping => "keep_warm",
        _ => "probe",
    };
    // The same call told twice is the same line.
    let name = format!("{}/{}/{}", aside.provider, aside.model, aside.at.0);
    let mut random = [0; 10];
    random.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..10]);
    let ms = u64::try_from(aside.at.0).unwrap_or(0);
    let new = line(
        db,
        &Line {
            id: uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid(),
            at: aside.at,
            provider: aside.provider.as_str(),
            model: aside.model.as_str(),
            session: None,
            request: None,
            origin: aside.origin.name(),
            kind,
            outcome: aside.outcome,
            usage: aside.usage,
            cost: aside.cost,
            prefix_saved: Money::ZERO,
        },
        zone,
    )?;
    Ok(u64::from(new))
}

/// An attempt whose end nobody saw: what it cost is not known, and at least this.
pub(super) fn unknown(
    db: &Connection,
    (request, session): (RequestId, Option<SessionId>),
    (n, (provider, model)): (u64, (&str, &str)),
    (origin, at): (&'static str, UnixMs),
    (usage, least): (Usage, Money),
    zone: &TimeZone,
) -> rusqlite::Result<()> {
    let new = Line {
        id: derived(request.0, u64::MAX - n),
        at,
        provider,
        model,
        session,
        request: Some(request),
        origin,
        kind: super::recover::INTERRUPTED,
        outcome: Some(OutcomeClass::Cancelled),
        usage: Usage { estimated: true, ..usage },
        cost: Cost { amount: least, exact: false },
        prefix_saved: Money::ZERO,
    };
    if !line(db, &new, zone)? {
        return Ok(());
    }
    // Also where nothing is known of it: then budgets are told that a part is not.
    let payer = Payer { session, provider: provider.into(), model: model.into() };
    purse::left(db, &payer, (LocalDay(Day::of(at, zone).0), at), new.cost)
}

const fn came(outcome: Option<OutcomeClass>) -> &'static str {
    match outcome {
        None => "ok",
        Some(OutcomeClass::Cancelled) => "stopped",
        Some(
            OutcomeClass::Caller
            | OutcomeClass::Context
            | OutcomeClass::Refusal
            | OutcomeClass::Account
            | OutcomeClass::Throttle
            | OutcomeClass::Provider
            | OutcomeClass::Network
            | OutcomeClass::Stall
            | OutcomeClass::Truncation,
        ) => "lost",
    }
}

fn line(db: &Connection, line: &Line<'_>, zone: &TimeZone) -> rusqlite::Result<bool> {
    let session = match line.session {
        Some(session) => number(db, "SELECT n FROM sessions WHERE id = ?1", session.0)?,
        None => None,
    };
    let day = Day::of(line.at, zone).0;
    let (usage, amount, exact) = (line.usage, line.cost.amount.pico(), line.cost.exact);
    let new = db
        .prepare_cached(
            "INSERT OR IGNORE INTO spend
             (id, at, day, provider, model, session, request, origin, kind, outcome, amount, exact,
              input, cached_input, cache_write, output, reasoning, estimated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?
        .execute(params![
            key(line.id),
            line.at.0,
            day,
            line.provider,
            line.model,
            session,
            line.request.map(|request| key(request.0)),
            line.origin,
            line.kind,
            line.outcome.map(OutcomeClass::name),
            amount,
            exact,
            usage.input as i64,
            usage.cached_input as i64,
            usage.cache_write as i64,
            usage.output as i64,
            usage.reasoning as i64,
            usage.estimated,
        ])?;
    if new == 0 {
        return Ok(false);
    }
    let inexact = i64::from(!exact);
    db.prepare_cached(
        "INSERT INTO daily VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT DO UPDATE SET attempts = attempts + 1, amount = amount + excluded.amount,
         inexact = inexact + excluded.inexact, input = input + excluded.input,
         cached_input = cached_input + excluded.cached_input,
         cache_write = cache_write + excluded.cache_write, output = output + excluded.output,
         reasoning = reasoning + excluded.reasoning,
         prefix_saved = prefix_saved + excluded.prefix_saved",
    )?
    .execute(params![
        day,
        line.provider,
        line.model,
        line.origin,
        line.kind,
        came(line.outcome),
        amount,
        inexact,
        usage.input as i64,
        usage.cached_input as i64,
        usage.cache_write as i64,
        usage.output as i64,
        usage.reasoning as i64,
        line.prefix_saved.pico(),
    ])?;
    db.prepare_cached(
        "INSERT INTO hourly VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET attempts = attempts + 1, amount = amount + excluded.amount,
         inexact = inexact + excluded.inexact, input = input + excluded.input,
         output = output + excluded.output",
    )?
    .execute(params![
        line.at.0.div_euclid(HOUR),
        line.provider,
        line.model,
        amount,
        inexact,
        usage.input as i64,
        usage.output as i64,
    ])?;
    if let Some(session) = session {
        db.prepare_cached(
            "INSERT INTO session_days VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET attempts = attempts + 1, amount = amount + excluded.amount,
             inexact = inexact + excluded.inexact, input = input + excluded.input,
             cached_input = cached_input + excluded.cached_input,
             output = output + excluded.output",
        )?
        .execute(params![
            day,
            session,
            amount,
            inexact,
            usage.input as i64,
            usage.cached_input as i64,
            usage.output as i64,
        ])?;
        db.prepare_cached(
            "UPDATE sessions SET cost = cost + ?2, exact = exact AND ?3 WHERE n = ?1",
        )?
        .execute(params![session, amount, exact])?;
    }
    Ok(true)
}

/// A request whose process ended before it did was asked all the same, and not answered.
pub(super) fn unanswered(
    db: &Connection,
    (origin, at): (&str, UnixMs),
    zone: &TimeZone,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO request_days VALUES (?1, ?2, 1, 0, 0, 0, 0, 0, 0)
         ON CONFLICT DO UPDATE SET requests = requests + 1",
    )?
    .execute(params![Day::of(at, zone).0, origin])?;
    Ok(())
}

/// What a request that is over says about routing: what it cost, and what it would have cost
/// elsewhere. One that only a certain model was to answer was not routed.
pub(super) fn routed(db: &Connection, end: &End, zone: &TimeZone) -> rusqlite::Result<()> {
    let (begin, outcome) = (&end.begin, &end.outcome);
    let day = Day::of(begin.at, zone).0;
    let answered = outcome.finish.answered();
    let cached = outcome.cached.is_some();
    let cache_saved = outcome.cache_saved().map_or(Money::ZERO, |saved| saved.amount);
    let routed = begin.decision.imposed.as_ref().is_none_or(|imposed| !imposed.exclusive);
    let compared = routed && answered && !cached && outcome.cost.exact;
    let spent = if compared { outcome.cost.amount.pico() } else { 0 };
    let would = if compared { elsewhere(end) } else { Vec::new() };
    let dearest = would.iter().map(|(_, would)| *would).max().unwrap_or(0);
    db.prepare_cached(
        "INSERT INTO request_days VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET requests = requests + 1, answered = answered + excluded.answered,
         cached = cached + excluded.cached, cache_saved = cache_saved + excluded.cache_saved,
         compared = compared + excluded.compared, spent = spent + excluded.spent,
         dearest = dearest + excluded.dearest",
    )?
    .execute(params![
        day,
        begin.request.origin.name(),
        i64::from(answered),
        i64::from(cached),
        cache_saved.pico(),
        i64::from(compared),
        spent,
        dearest,
    ])?;
    if !compared {
        return Ok(());
    }
    let mut add = db.prepare_cached(
        "INSERT INTO model_days VALUES (?1, ?2, 1, ?3, ?4)
         ON CONFLICT DO UPDATE SET compared = compared + 1, would = would + excluded.would,
         spent = spent + excluded.spent",
    )?;
    for (model, would) in would {
        add.execute(params![day, model, would, spent])?;
    }
    Ok(())
}

/// What the tokens of an answer would have cost at each model that could have given it, in
/// pico-dollars; at the one that gave it, what they did.
fn elsewhere(end: &End) -> Vec<(&str, i64)> {
    let (begin, outcome) = (&end.begin, &end.outcome);
    let rates: HashMap<&str, &Rates> = begin
        .input
        .candidates
        .iter()
        .filter_map(|one| Some((one.model.as_str(), one.rates.as_ref()?)))
        .collect();
    let would = |model: &str| match &outcome.model {
        Some(own) if own.as_str() == model => Some(outcome.cost.amount),
        Some(_) | None => Some(rates.get(model)?.cost_elsewhere(&outcome.usage)),
    };
    let able = begin.decision.ranked().map(|one| one.model.as_str());
    able.filter_map(|model| Some((model, would(model)?.pico().min(MOST_COMPARED)))).collect()
}
