//! What the console asks of the ledger, answered.
//!
//! Invariants: only called where waiting for the disk is allowed; every error is a sentence a person
//! can act on; nothing is written over a file that is there.

mod chats;
mod costs_file;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::config::Config;
use crate::console::app::{
    Alternative, CostGroup, CostPoint, CostReport, CostRow, CostWindow, DearRequest, Excerpt,
    ExportAs, Recall, Recalled, RoutingDid, SessionLine,
};
use crate::domain::{Cost, MessageId, ModelName, Origin, SessionId, UnixMs, counted};
use crate::ledger::{Day, Days, Ledger, LedgerError, Reader, SessionOrder, Total, export};

use super::args::UsageBy;
use super::compose::Setup;
use super::report::{self, LOOKED_THROUGH};
use super::{kept, replay, sessions};

/// Chats in a list.
const LISTED: usize = 200;
/// Dear requests.
const DEAREST: usize = 6;
/// Models everything is compared with.
const COMPARED: usize = 3;
/// Days of the longest chart.
const CHART_DAYS: i32 = 90;
const HOUR_MS: i64 = 3_600_000;

/// Answers. Waits for the disk.
///
/// # Errors
/// Why not, for people.
pub fn answer(
    setup: &Setup,
    config: &Config,
    asked: Recall,
    now: UnixMs,
) -> Result<Recalled, String> {
    let Some(ledger) = setup.ledger() else { return Err("nothing is kept in this run".to_owned()) };
    let zone = kept::zone(setup);
    answered(setup, &ledger, &zone, config, asked, now).map_err(|error| error.to_string())
}

fn answered(
    setup: &Setup,
    ledger: &Ledger,
    zone: &TimeZone,
    config: &Config,
    asked: Recall,
    now: UnixMs,
) -> Result<Recalled, LedgerError> {
    if !ledger.path().exists() {
        return nothing(&asked);
    }
    match asked {
        Recall::Costs { window, group } => ledger
            .read(|reader| reader.at_once(|reader| costs(reader, zone, (window, group), now)))
            .map(|report| Recalled::Costs(Box::new(report))),
        Recall::ExportCosts(table) => {
            costs_file::written(setup, ledger, config, &table, now).map(Recalled::Done)
        }
        Recall::Sessions { query } => {
            ledger.read(|reader| found(reader, query.trim())).map(Recalled::Sessions)
        }
        Recall::Open(id) | Recall::OpenAt(id, _) => {
            let spot = match asked {
                Recall::OpenAt(_, spot) => Some(spot),
                _ => None,
            };
            let session = ledger.read(|reader| chats::open(reader, id, spot))?;
            for one in ledger.read(|reader| reader.interrupted(LISTED))? {
                if one.session == id {
                    // It is looked at now; where that cannot be written it is offered once more.
                    let _once_more = ledger.dismiss(one.request);
                }
            }
            Ok(Recalled::Session(Box::new(session)))
        }
        Recall::Branches { id, shown } => {
            ledger.read(|reader| chats::branches(reader, id, shown)).map(Recalled::Branches)
        }
        Recall::Why(request) => ledger
            .read(|reader| chats::why(reader, request))
            .map(|entry| Recalled::Why(Box::new(entry))),
        Recall::Rename { id, title } => {
            ledger.rename(id, &title)?;
            Ok(Recalled::Done(format!("this chat is called {title}")))
        }
        Recall::Fork { from, to, title, shown } => {
            // The way on the screen, with the answers it went on from.
            let whole = ledger.read(|reader| whole(reader, from))?;
            let end = shown.and_then(|message| whole.end_of(message));
            let copied = ledger.fork(from, end, to, now)?;
            ledger.rename(to, &title)?;
            let all = whole.messages.len() as u64;
            Ok(Recalled::Done(if copied == all {
                format!("copied: {}", counted(all, "message"))
            } else {
                format!("copied: the way shown, {copied} of {all} messages")
            }))
        }
        Recall::Delete(id) => {
            let rows = ledger.remove(id)?;
            let words = if rows == 0 { "nothing was kept of it" } else { "removed for good" };
            Ok(Recalled::Done(words.to_owned()))
        }
        Recall::Export { id, form, shown } => {
            let path = written(ledger, zone, (id, shown), form)?;
            Ok(Recalled::Done(format!("written to {}", setup.shown(&whole_path(path)))))
        }
        Recall::Replay { policy, since } => ledger.read(|reader| {
            let mut lines = Vec::new();
            let told = replay::told(&policy, config, |take| {
                reader.decisions(since, UnixMs(i64::MAX), |kept| {
                    take(&kept);
                    ControlFlow::Continue(())
                })
            })?;
            lines.extend(told);
            Ok(Recalled::Report(lines.join("\n")))
        }),
    }
}

/// Before anything was kept: looking makes no file.
fn nothing(asked: &Recall) -> Result<Recalled, LedgerError> {
    match asked {
        Recall::Costs { .. } => Ok(Recalled::Costs(Box::default())),
        Recall::Sessions { .. } => Ok(Recalled::Sessions(Vec::new())),
        Recall::Open(_)
        | Recall::OpenAt(..)
        | Recall::Branches { .. }
        | Recall::Why(_)
        | Recall::Rename { .. }
        | Recall::Fork { .. }
        | Recall::Delete(_)
        | Recall::Export { .. }
        | Recall::ExportCosts(_)
        | Recall::Replay { .. } => Err(LedgerError::Unknown("nothing is kept yet".to_owned())),
    }
}

// ---- costs ---------------------------------------------------------------------------------

fn costs(
    reader: &Reader,
    zone: &TimeZone,
    (window, group): (CostWindow, CostGroup),
    now: UnixMs,
) -> Result<CostReport, LedgerError> {
    let today = Day::of(now, zone);
    let (days, by) = (days_of(window, today), by_of(group));
    let rows = reader.totals(days, by.by(), LOOKED_THROUGH)?;
    let whole = reader.total(days)?;
    let first = i32::from(today.date().day()) - 1;
    let routing = reader.routing(days, None)?;
    Ok(CostReport {
        today: reader.total(Days::last(1, today))?.cost,
        month: reader.total(Days::last(first + 1, today))?.cost,
        cut: rows.len() >= LOOKED_THROUGH,
        rows: rows.iter().map(row).collect(),
        lost: row(&reader.lost(days)?),
        stopped: row(&reader.stopped(days)?),
        total: CostRow { name: "total".to_owned(), ..row(&whole) },
        series: series(reader, zone, window, days, now)?,
        dearest: reader
            .dearest(days, DEAREST)?
            .into_iter()
            .map(|dear| DearRequest {
                request: dear.id,
                session: dear.session,
                at: dear.at,
                cost: dear.cost,
                model: dear.model.unwrap_or_else(|| ModelName::from("nobody")),
                prompt: prompt(dear.origin, dear.asked.as_deref()),
                input: dear.usage.input,
                output: dear.usage.output,
                estimated: dear.usage.estimated,
            })
            .collect(),
        routing: RoutingDid {
            requests: routing.requests,
            answered: routing.answered,
            compared: routing.compared,
            spent: routing.spent,
            alternatives: reader
                .elsewhere(days, COMPARED)?
                .into_iter()
                .map(|other| Alternative {
                    model: other.model,
                    would: other.would,
                    did: other.spent,
                    requests: other.compared,
                })
                .collect(),
            cached: routing.cached,
            cache_saved: routing.cache_saved,
            prefix_saved: routing.prefix_saved,
        },
    })
}

/// What was asked in one line; where that is not kept, what it was for.
fn prompt(origin: Option<Origin>, asked: Option<&str>) -> String {
    match (asked, origin) {
        (Some(asked), _) => asked.split_whitespace().collect::<Vec<_>>().join(" "),
        (None, None) => "text not kept".to_owned(),
        (None, Some(origin @ (Origin::Chat | Origin::Ask | Origin::Gateway))) => {
            format!("{}, text not kept", origin.words())
        }
        (
            None,
            Some(origin @ (Origin::Ping | Origin::Probe | Origin::Compare | Origin::Explain)),
        ) => origin.words().to_owned(),
    }
}

/// The days of a window.
fn days_of(window: CostWindow, today: Day) -> Days {
    match window {
        CostWindow::Today => Days::last(1, today),
        CostWindow::Week => Days::last(7, today),
        CostWindow::Month => Days::last(30, today),
        CostWindow::All => Days::ALL,
    }
}

/// What `usage` calls a grouping.
const fn by_of(group: CostGroup) -> UsageBy {
    match group {
        CostGroup::Model => UsageBy::Model,
        CostGroup::Provider => UsageBy::Provider,
        CostGroup::Chat => UsageBy::Session,
        CostGroup::Origin => UsageBy::Origin,
    }
}

fn row(total: &Total) -> CostRow {
    CostRow {
        name: report::name(total),
        session: total.session,
        calls: total.attempts,
        input: total.usage.input,
        output: total.usage.output,
        cached_input: total.usage.cached_input,
        cost: total.cost,
    }
}

/// Hours of today or days of a longer time, those without calls among them.
fn series(
    reader: &Reader,
    zone: &TimeZone,
    window: CostWindow,
    days: Days,
    now: UnixMs,
) -> Result<Vec<CostPoint>, LedgerError> {
    let today = Day::of(now, zone);
    if window == CostWindow::Today {
        let hour_now = now.0.div_euclid(HOUR_MS);
        let first = (0..24)
            .map(|back| hour_now - back)
            .take_while(|hour| Day::of(UnixMs(hour * HOUR_MS), zone) == today)
            .last()
            .unwrap_or(hour_now);
        let spent: BTreeMap<i64, Cost> = reader
            .hours(UnixMs(first * HOUR_MS), now, None)?
            .into_iter()
            .map(|point| (point.at, point.cost))
            .collect();
        let label = |hour: i64| {
            let at = jiff::Timestamp::from_millisecond(hour * HOUR_MS).unwrap_or_default();
            format!("{:02}", at.to_zoned(zone.clone()).hour())
        };
        return Ok((first..=hour_now)
            .map(|hour| CostPoint {
                label: label(hour),
                cost: spent.get(&hour).copied().unwrap_or(Cost::ZERO),
            })
            .collect());
    }
    let spent: BTreeMap<i32, Cost> = reader
        .days(days, None)?
        .into_iter()
        .filter_map(|point| Some((i32::try_from(point.at).ok()?, point.cost)))
        .collect();
    let length = match window {
        CostWindow::Week => 7,
        CostWindow::Month => 30,
        CostWindow::Today | CostWindow::All => {
            spent.keys().next().map_or(1, |first| (today.0 - first + 1).clamp(1, CHART_DAYS))
        }
    };
    Ok((0..length)
        .rev()
        .map(|back| {
            let day = today.minus(back);
            let cost = spent.get(&day.0).copied().unwrap_or(Cost::ZERO);
            CostPoint { label: format!("{:02}", day.date().day()), cost }
        })
        .collect())
}

// ---- chats ---------------------------------------------------------------------------------

fn found(reader: &Reader, query: &str) -> Result<Vec<SessionLine>, LedgerError> {
    let cut: Vec<SessionId> =
        reader.interrupted(LISTED)?.into_iter().map(|one| one.session).collect();
    let line = |row: crate::ledger::SessionRow, hit: Option<Excerpt>| SessionLine {
        interrupted: cut.contains(&row.id),
        id: row.id,
        title: row.title,
        updated: row.updated,
        messages: row.messages,
        cost: row.cost,
        forked_from: row.forked_from,
        hit,
    };
    if query.is_empty() {
        let rows = reader.sessions(SessionOrder::Newest, LISTED, 0)?;
        return Ok(rows.into_iter().map(|row| line(row, None)).collect());
    }
    let mut lines: Vec<SessionLine> = Vec::new();
    for hit in reader.search(query, LISTED)? {
        let excerpt = |message| Excerpt { text: hit.snippet, found: hit.found, message };
        let words = hit.message.map(excerpt);
        if let Some(known) = lines.iter_mut().find(|known| known.id == hit.session) {
            // A title is the first words of a message: the place they were said at says more.
            known.hit = known.hit.take().or(words);
            continue;
        }
        if let Some(row) = reader.session_row(hit.session)? {
            lines.push(line(row, words));
        }
    }
    Ok(lines)
}

fn whole(reader: &Reader, id: SessionId) -> Result<crate::ledger::SessionDetail, LedgerError> {
    let missing = || LedgerError::Unknown("nothing was kept of this chat".to_owned());
    reader.session(id)?.ok_or_else(missing)
}

// ---- files ---------------------------------------------------------------------------------

/// Writes a chat out into the directory the program was started in; gives the new file.
fn written(
    ledger: &Ledger,
    zone: &TimeZone,
    (id, shown): (SessionId, Option<MessageId>),
    form: ExportAs,
) -> Result<PathBuf, LedgerError> {
    let detail = ledger.read(|reader| whole(reader, id))?;
    // The way the chat went that is on the screen.
    let end = shown.and_then(|message| detail.end_of(message));
    let (text, kind) = match form {
        ExportAs::Markdown => (export::markdown(&detail, end, zone), "md"),
        ExportAs::Json => {
            let figures = ledger.read(|reader| reader.answers_of(id))?;
            (format!("{}\n", export::printed(&export::json(&detail, &figures))), "json")
        }
        ExportAs::Html => (export::html(&detail, end, zone), "html"),
    };
    let name = file_name(&detail.row.title);
    let free = (1..100)
        .map(|n| if n == 1 { format!("{name}.{kind}") } else { format!("{name}-{n}.{kind}") })
        .map(PathBuf::from)
        .find(|path| !path.exists());
    let path = free.unwrap_or_else(|| PathBuf::from(format!("{name}-{}.{kind}", id.0)));
    sessions::write_new(&path, &text)
        .map_err(|stop| LedgerError::Unknown(stop.story().1.unwrap_or_default()))?;
    Ok(path)
}

/// The path from the root: the directory the program was started in is not on the screen.
fn whole_path(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Letters and digits of a title, the rest as dashes.
fn file_name(title: &str) -> String {
    let plain: String =
        title.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(60).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "chat".to_owned() } else { words.join("-").to_lowercase() }
}

#[cfg(test)]
mod tests;
