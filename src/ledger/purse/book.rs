//! Shared budgets as SQL, each question and change within the transaction it is given.
//!
//! Must not know: threads, files, what time it is. Invariant: what is counted as spent plus what live
//! claims hold never passes a limit that came with a claim, and a settlement is counted once.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use uuid::Uuid;

use crate::domain::{AttemptId, Cost, LocalDay, Money, UnixMs};
use crate::route::{Bucket, Holder, Payer, SharedClaim, SharedVerdict, SpendLine, Totals};

use super::OLDER;
use super::owed::Sum;

/// Adds up what was spent before a moment, but for those that live.
pub(super) fn add_up(
    work: &Transaction<'_>,
    before: UnixMs,
    live: &[[u8; 16]],
) -> rusqlite::Result<()> {
    let mut names = " ".to_owned();
    for holder in live {
        names += Uuid::from_bytes(*holder).simple().to_string().to_uppercase().as_str();
        names.push(' ');
    }
    work.execute(
        "INSERT INTO bucket_spend (bucket, holder, amount, exact, at)
         SELECT bucket, ?2, sum(amount), min(exact), max(at) FROM bucket_spend
         WHERE at < ?1 AND holder <> ?2 AND instr(?3, ' ' || hex(holder) || ' ') = 0
         GROUP BY bucket
         ON CONFLICT (bucket, holder) DO UPDATE SET amount = amount + excluded.amount,
           exact = min(exact, excluded.exact), at = max(at, excluded.at)",
        params![before.0, OLDER, names],
    )?;
    work.execute(
        "DELETE FROM bucket_spend
         WHERE at < ?1 AND holder <> ?2 AND instr(?3, ' ' || hex(holder) || ' ') = 0",
        params![before.0, OLDER, names],
    )
    .map(|_| ())
}

/// Who holds anything.
pub(super) fn holders(work: &Transaction<'_>) -> rusqlite::Result<Vec<[u8; 16]>> {
    let mut holders = work.prepare_cached("SELECT DISTINCT holder FROM leases")?;
    holders.query_map([], |row| row.get(0))?.collect()
}

/// All that this holder claims lapses now, whatever was written with it: its process has ended.
pub(super) fn end(work: &Transaction<'_>, holder: [u8; 16], now: UnixMs) -> rusqlite::Result<()> {
    work.prepare_cached("UPDATE leases SET lapses = min(lapses, ?2) WHERE holder = ?1")?
        .execute(params![holder, now.0])
        .map(|_| ())
}

/// Claims whose process is taken for dead go. What an attempt of its cost is what the ledger's own line of
/// it says, where that was still written; else it is not known.
pub(super) fn lapse(work: &Transaction<'_>, now: UnixMs) -> rusqlite::Result<()> {
    let mut lapsed = work.prepare_cached(
        "SELECT l.attempt, l.bucket, l.holder, s.amount, s.exact
         FROM leases l LEFT JOIN spend s ON s.id = l.attempt WHERE l.lapses <= ?1",
    )?;
    let mut rows = lapsed.query([now.0])?;
    while let Some(row) = rows.next()? {
        let (attempt, bucket, holder): ([u8; 16], String, [u8; 16]) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let cost = match row.get::<_, Option<i64>>(3)? {
            Some(pico) => {
                work.prepare_cached("INSERT OR IGNORE INTO settled (attempt, at) VALUES (?1, ?2)")?
                    .execute(params![attempt, now.0])?;
                Cost { amount: Money::from_pico(pico), exact: row.get(4)? }
            }
            None => Cost { amount: Money::ZERO, exact: false },
        };
        add(work, &bucket, holder, cost, now)?;
    }
    drop(rows);
    work.prepare_cached("DELETE FROM leases WHERE lapses <= ?1")?.execute([now.0])?;
    Ok(())
}

/// Counts what a request had come to whose process died over it, as far as the ledger knows: its claim
/// lapses as nothing. Should that process have counted it in its last moment, it is counted twice.
pub(in crate::ledger) fn left(
    db: &Connection,
    payer: &Payer,
    (day, at): (LocalDay, UnixMs),
    cost: Cost,
) -> rusqlite::Result<()> {
    for scope in payer.scopes() {
        add(db, &Bucket::on(scope, day).to_string(), OLDER, cost, at)?;
    }
    Ok(())
}

fn add(
    work: &Connection,
    bucket: &str,
    holder: [u8; 16],
    cost: Cost,
    at: UnixMs,
) -> rusqlite::Result<()> {
    work.prepare_cached(
        "INSERT INTO bucket_spend (bucket, holder, amount, exact, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (bucket, holder) DO UPDATE SET amount = amount + excluded.amount,
           exact = min(exact, excluded.exact), at = max(at, excluded.at)",
    )?
    .execute(params![bucket, holder, cost.amount.pico(), cost.exact, at.0])
    .map(|_| ())
}

/// What is counted and held in a bucket: by all, and by all but one.
fn sums(
    work: &Transaction<'_>,
    bucket: &str,
    holder: Holder,
) -> rusqlite::Result<(Totals, Totals)> {
    let mut spent = work.prepare_cached(
        "SELECT coalesce(sum(amount), 0), coalesce(min(exact), 1) FROM bucket_spend
         WHERE bucket = ?1 AND (?2 IS NULL OR holder <> ?2)",
    )?;
    let mut held = work.prepare_cached(
        "SELECT coalesce(sum(amount), 0) FROM leases
         WHERE bucket = ?1 AND (?2 IS NULL OR holder <> ?2)",
    )?;
    let mut sum = |but: Option<&[u8; 16]>| -> rusqlite::Result<Totals> {
        let cost = spent.query_row(params![bucket, but], |row| {
            Ok(Cost { amount: Money::from_pico(row.get(0)?), exact: row.get(1)? })
        })?;
        let reserved = held.query_row(params![bucket, but], |row| row.get(0))?;
        Ok(Totals { spent: cost, reserved: Money::from_pico(reserved) })
    };
    Ok((sum(None)?, sum(Some(holder.0.as_bytes()))?))
}

pub(super) fn totals(
    work: &Transaction<'_>,
    holder: Holder,
    buckets: &[Bucket],
) -> rusqlite::Result<Vec<Totals>> {
    buckets.iter().map(|bucket| Ok(sums(work, &bucket.to_string(), holder)?.1)).collect()
}

pub(super) fn reserve(
    work: &Transaction<'_>,
    claim: &SharedClaim,
) -> rusqlite::Result<SharedVerdict> {
    let mut fits = true;
    let mut others = Vec::new();
    for (bucket, limit) in &claim.limits {
        let (all, rest) = sums(work, &bucket.to_string(), claim.holder)?;
        fits &= all.spent.amount + all.reserved + claim.amount <= *limit;
        others.push(rest);
    }
    if !fits {
        return Ok(SharedVerdict::Refused(others));
    }
    for (bucket, _) in &claim.limits {
        work.prepare_cached(
            "INSERT OR REPLACE INTO leases (attempt, bucket, holder, amount, lapses)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            claim.attempt.0.as_bytes(),
            bucket.to_string(),
            claim.holder.0.as_bytes(),
            claim.amount.pico(),
            claim.lapses.0
        ])?;
    }
    Ok(SharedVerdict::Held(others))
}

pub(super) fn release(work: &Transaction<'_>, attempt: AttemptId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM leases WHERE attempt = ?1";
    work.prepare_cached(sql)?.execute([attempt.0.as_bytes()]).map(|_| ())
}

pub(super) fn settle(work: &Transaction<'_>, line: &SpendLine) -> rusqlite::Result<()> {
    let attempt = line.attempt.0.as_bytes();
    release(work, line.attempt)?;
    let known = work
        .prepare_cached("SELECT 1 FROM settled WHERE attempt = ?1")?
        .query_row([attempt], |_| Ok(()))
        .optional()?;
    if known.is_some() {
        return Ok(());
    }
    work.prepare_cached("INSERT INTO settled (attempt, at) VALUES (?1, ?2)")?
        .execute(params![attempt, line.at.0])?;
    for bucket in &line.buckets {
        add(work, &bucket.to_string(), *line.holder.0.as_bytes(), line.cost, line.at)?;
    }
    Ok(())
}

/// Counts what many attempts came to that were added up while they waited.
pub(super) fn settle_sum(work: &Transaction<'_>, sum: &Sum) -> rusqlite::Result<()> {
    for attempt in &sum.attempts {
        release(work, *attempt)?;
        work.prepare_cached("INSERT OR IGNORE INTO settled (attempt, at) VALUES (?1, ?2)")?
            .execute(params![attempt.0.as_bytes(), sum.at.0])?;
    }
    for ((holder, bucket), cost) in &sum.buckets {
        add(work, &bucket.to_string(), *holder.0.as_bytes(), *cost, sum.at)?;
    }
    Ok(())
}
