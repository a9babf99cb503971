//! What was spent: today, by model in this run, and against the budgets in force.
//!
//! Invariant: "today" is said only of what is counted for the day, earlier runs included where they are
//! kept; the rows by model are this run's, and where that is less than the day's it is said. So is that
//! what was saved is this run's: of its replies, by the tokens they took. The Costs view says something
//! else, what was forecast for everything asked in its days.

use ratatui::layout::Rect;

use crate::console::app::{AppState, Glyphs};
use crate::console::theme::Token;
use crate::console::view::chrome;
use crate::console::view::paint::{Ink, below, row};
use crate::console::view::words;
use crate::domain::{BudgetLimit, BudgetScope, ModelName, Money};
use crate::engine::{ModelStatus, Snapshot, TierState};
use crate::route::BudgetLine;
use crate::text;

/// Models listed before the rest is left out.
const MOST: usize = 5;
const TABLE: u16 = 60;

fn dearest(snapshot: &Snapshot) -> Vec<&ModelStatus> {
    let mut models: Vec<&ModelStatus> =
        snapshot.models.values().filter(|model| model.spend.calls > 0).collect();
    models.sort_by_key(|model| (std::cmp::Reverse(model.spend.cost.amount), model.model.clone()));
    models.truncate(MOST);
    models
}

/// The day's budget, if one is set.
fn today(snapshot: &Snapshot) -> Option<(BudgetLine, BudgetLimit)> {
    let line = snapshot.budget.line(BudgetScope::Day, &snapshot.calendar);
    let budget = line.budget?;
    Some((line, budget))
}

/// What the rule over the section says: `today $0.42 of $2.00`, `today $0.42`, or what this run cost
/// where nothing else is known.
fn about(snapshot: &Snapshot, glyphs: Glyphs, width: u16) -> String {
    if let Some((line, budget)) = today(snapshot) {
        let spent = words::cost(line.spent, glyphs);
        // What somebody set stands as it was set.
        let limit = budget.limit.in_full();
        // The limit is the point of it; over a bar that says "budget" the day need not be said.
        let forms = [
            format!("today {spent} of {limit}"),
            format!("{spent} of {limit}"),
            format!("{spent}/{limit}"),
        ];
        let fits = |form: &&String| text::width(form) + ABOUT <= usize::from(width);
        return forms.iter().find(fits).unwrap_or(&forms[2]).clone();
    }
    let (spent, since) = chrome::spent(snapshot, glyphs);
    format!("{since} {spent}")
}

/// Cells of the rule that its right words do not have.
const ABOUT: usize = 13;

/// What this run had a part in, where earlier runs or other programs spent as well.
fn this_run(snapshot: &Snapshot, glyphs: Glyphs) -> Option<String> {
    let mine = snapshot.spend.cost.amount + snapshot.warm_cost.amount;
    let today = snapshot.today.filter(|today| today.amount > mine)?;
    (today.amount > Money::ZERO)
        .then(|| format!("this run {}", words::cost(snapshot.spend.cost, glyphs)))
}

/// The budgets but for the day's, and how far today's money goes at this pace.
fn budgets(state: &AppState, snapshot: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for line in snapshot.budget.lines(Some(state.session), &snapshot.calendar) {
        let Some(budget) = line.budget else { continue };
        let name = match &line.scope {
            BudgetScope::Day => continue,
            BudgetScope::Month => "month".to_owned(),
            BudgetScope::Session(_) => "this chat".to_owned(),
            BudgetScope::Provider(name) => words::brief(name.as_str(), 14),
            BudgetScope::Model(name) => words::brief(name.as_str(), 14),
        };
        let (spent, limit) = (words::cost(line.spent, state.looks.glyphs), budget.limit.in_full());
        out.push(format!("{name} {spent} of {limit}"));
    }
    if let Some((line, _)) = today(snapshot)
        && let Some(whole) = by_midnight(&line, state)
    {
        out.push(format!("at this pace {} by midnight", words::about(&words::money(whole))));
    }
    out
}

/// What the day comes to if it goes on as it went so far; nothing in its first hours, when that
/// means nothing.
fn by_midnight(line: &BudgetLine, state: &AppState) -> Option<Money> {
    let period = line.period?;
    let whole = period.begins.until(period.ends).as_secs();
    let gone = period.begins.until(state.now).as_secs();
    if line.spent.amount == Money::ZERO || gone < whole / 8 || gone > whole {
        return None;
    }
    let pico = i128::from(line.spent.amount.pico()) * i128::from(whole) / i128::from(gone);
    Some(Money::from_pico(i64::try_from(pico).ok()?))
}

/// How much of a budget is used, in cells.
fn bar(ink: &mut Ink<'_>, line: Rect, spent: Money, limit: Money) {
    let share = spent.dollars() / limit.dollars().max(f64::MIN_POSITIVE);
    let room = usize::from(line.width.saturating_sub(11 + 7));
    let full = ((share * room as f64).round() as usize).min(room);
    let token = match share {
        s if s >= 1.0 => Token::Bad,
        s if s >= 0.8 => Token::Warn,
        _ => Token::Accent,
    };
    ink.put(line, 1, "budget", Token::Fg);
    let (used, left) = (ink.glyphs.full.repeat(full), ink.glyphs.empty.repeat(room - full));
    ink.puts(line, 11, &[(&used, token), (&left, Token::Rule)]);
    ink.right(line, line.width.saturating_sub(1), &[(&words::percent(share), Token::Dim)]);
}

fn facts(state: &AppState, snapshot: &Snapshot) -> Vec<String> {
    let glyphs = state.looks.glyphs;
    let mut out: Vec<String> = this_run(snapshot, glyphs).into_iter().collect();
    out.extend(budgets(state, snapshot));
    if let Some(saved) = state.meters.saved.as_ref().filter(|saved| saved.amount.pico() > 0) {
        let versus = saved.versus.as_ref().map_or("dearest", ModelName::as_str);
        let versus = words::brief(versus, 14);
        out.push(format!("saved {} this run vs {versus}", words::money(saved.amount)));
    }
    out.extend(snapshot.balances.iter().map(|(provider, reading)| reading.words(provider)));
    if snapshot.spend.lost.amount.pico() > 0 {
        out.push(format!("lost {} in failed attempts", words::cost(snapshot.spend.lost, glyphs)));
    }
    if snapshot.warm_cost.amount.pico() > 0 {
        out.push(format!("keeping warm {}", words::cost(snapshot.warm_cost, glyphs)));
    }
    out.extend(cache(snapshot, glyphs));
    out
}

/// What the cache saved, and by what part of it; and where the shared one stands if that is news.
fn cache(snapshot: &Snapshot, glyphs: Glyphs) -> Vec<String> {
    let cache = &snapshot.cache;
    let mut out = Vec::new();
    if cache.hits > 0 {
        let asked = cache.hits + cache.misses;
        let saved = words::cost_in_full(cache.saved, glyphs);
        out.push(format!("cache {} of {asked}, saved {saved}", cache.hits));
        let parts = [
            (cache.memory.hits, "memory"),
            (cache.redis.hits, "Redis"),
            (cache.shared.hits, "shared"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(hits, _)| *hits > 0)
            .map(|(hits, name)| format!("{hits} {name}"))
            .collect();
        out.push(format!("  {}", parts.join(" · ")));
    }
    if let TierState::Down { since } = cache.tier {
        let span = u64::try_from(since.until(snapshot.at).as_millis()).unwrap_or(u64::MAX);
        out.push(format!("Redis cache gone for {}", words::countdown(span)));
    }
    out
}

pub(super) fn rows(state: &AppState, _width: u16) -> u16 {
    let Some(snapshot) = &state.snapshot else { return 2 };
    let bar = u16::from(today(snapshot).is_some());
    1 + dearest(snapshot).len().max(1) as u16 + bar + facts(state, snapshot).len() as u16
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let Some(snapshot) = &state.snapshot else {
        ink.rule(row(area, 0), &[("COST", Token::Strong)], &[("this run", Token::Dim)]);
        return;
    };
    let total = snapshot.spend.cost.amount.dollars();
    let about = about(snapshot, state.looks.glyphs, area.width);
    ink.rule(row(area, 0), &[("COST", Token::Strong)], &[(&about, Token::Dim)]);
    let models = dearest(snapshot);
    if models.is_empty() {
        ink.put(row(area, 1), 1, "nothing spent in this run", Token::Dim);
    }
    let table = area.width >= TABLE;
    let names = models.iter().map(|model| text::width(&words::brief(model.model.as_str(), 14)));
    let name = names.max().unwrap_or(0).max(8);
    let costs = models.iter().map(|model| words::cost(model.spend.cost, state.looks.glyphs));
    let cost = costs.map(|cost| text::width(&cost)).max().unwrap_or(0).max(9);
    let paid = name as u16 + 2 + cost as u16;
    for (n, model) in models.iter().enumerate() {
        let line = row(area, 1 + n as u16);
        let amount = model.spend.cost.amount;
        let share = if total > 0.0 { amount.dollars() / total } else { 0.0 };
        ink.put(line, 1, &words::brief(model.model.as_str(), name), Token::Fg);
        let cost = words::cost(model.spend.cost, state.looks.glyphs);
        ink.right(line, paid, &[(&cost, Token::Fg)]);
        let end = if table { 46 } else { area.width.saturating_sub(1) };
        let room = end.saturating_sub(paid + 2 + 5);
        let cells = (share * f64::from(room)).round() as usize;
        ink.put(line, paid + 2, &ink.glyphs.full.repeat(cells), Token::Accent);
        ink.right(line, end, &[(&words::percent(share), Token::Dim)]);
        if table {
            let usage = model.spend.usage;
            let tokens =
                format!("{} in {:>4} out", words::tokens(usage.input), words::tokens(usage.output));
            ink.right(line, area.width, &[(&tokens, Token::Dim)]);
        }
    }
    let mut rest = below(area, 1 + models.len().max(1) as u16);
    if let Some((line, budget)) = today(snapshot) {
        bar(ink, row(rest, 0), line.spent.amount, budget.limit);
        rest = below(rest, 1);
    }
    for (n, fact) in facts(state, snapshot).iter().enumerate() {
        ink.both(row(rest, n as u16), 1, &[(fact, Token::Dim)], &[]);
    }
}
