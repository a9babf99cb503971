//! Questions to the ledger: a connection that only reads, and what all questions share.
//!
//! Must not know: the writer. Invariant: no question's cost grows with the number of rows kept; each
//! walks an index from its end, or adds up sums per day.

mod answers;
mod branches;
mod by_session;
mod decisions;
mod search;
mod sessions;
mod sums;
mod views;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use crate::domain::Script;
use crate::route::{Against, LearnedTokens};

use super::file::{self, Access};
use super::order::KeptTokens;
use super::{LedgerError, schema};

pub use answers::{AnswerFigures, KeptRoute, Unanswered};
pub use decisions::{KeptDecision, KeptRequest};
pub use search::Hit;
pub use sessions::{Interrupted, KeptMessage, SessionDetail, SessionOrder, SessionRow};
pub use sums::{By, Days, Point, Routing, Total};
pub use views::{Dear, Elsewhere};

/// Learned factors that are read, the newest first: those of some thousand models.
const MOST_FACTORS: i64 = 20_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Conversations.
    pub sessions: u64,
    /// Requests that are over, those counted whose records were removed by age.
    pub requests: u64,
}

/// A connection that only reads.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens a ledger that is there and of today's version.
    ///
    /// # Errors
    /// [`LedgerError::Nothing`] where there is none yet; an older one is brought up to date by
    /// [`super::Ledger::open`].
    pub fn open(path: &Path, busy: Duration) -> Result<Self, LedgerError> {
        let db = file::open(path, Access::Read, busy)?;
        let version = schema::check(&db, path, schema::STEPS)?;
        if version == 0 {
            return Err(LedgerError::Nothing { path: path.to_path_buf() });
        }
        Ok(Self { db, path: path.to_path_buf() })
    }

    /// Runs a question, its errors in words.
    fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        question(&self.db).map_err(|error| LedgerError::sqlite(&self.path, &error))
    }

    /// Asks several questions of the ledger as it stands at one moment, whatever is written meanwhile:
    /// their answers agree.
    pub fn at_once<T>(
        &self,
        ask: impl FnOnce(&Self) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        // Within another one it is that one's moment.
        let begun = self.db.is_autocommit().then(|| self.db.unchecked_transaction()).transpose();
        let moment = begun.map_err(|error| LedgerError::sqlite(&self.path, &error))?;
        let answer = ask(self);
        drop(moment);
        answer
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        self.ask(|db| {
            let sessions = "SELECT count(*) FROM sessions";
            let requests = "SELECT coalesce(sum(requests), 0) FROM request_days";
            let one = |sql: &str| db.query_row(sql, [], |row| row.get(0)).map(count);
            Ok(Counts { sessions: one(sessions)?, requests: one(requests)? })
        })
    }

    /// What was learned of models' tokens. Of a script this program does not know nothing is said.
    pub fn token_factors(&self) -> Result<Vec<KeptTokens>, LedgerError> {
        self.ask(|db| {
            let mut found = db.prepare(
                "SELECT model, against, script, vocabulary, log, taught FROM token_factors
                 ORDER BY at DESC LIMIT ?1",
            )?;
            let mut rows = found.query([MOST_FACTORS])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let (against, script): (String, String) = (row.get(1)?, row.get(2)?);
                let (Some(against), Some(script)) =
                    (Against::named(&against), Script::named(&script))
                else {
                    continue;
                };
                let model: String = row.get(0)?;
                let (log, taught): (f64, f64) = (row.get(4)?, row.get(5)?);
                let learned = LearnedTokens {
                    model: model.as_str().into(),
                    against,
                    script,
                    log: log as f32,
                    taught: taught as f32,
                };
                out.push(KeptTokens { vocabulary: row.get(3)?, learned });
            }
            Ok(out)
        })
    }

    /// Everything the database itself can say about damage; empty when there is none. Reads the whole
    /// file.
    pub fn damage(&self) -> Result<Vec<String>, LedgerError> {
        self.ask(|db| {
            let mut check = db.prepare("PRAGMA integrity_check")?;
            let lines = check.query_map([], |row| row.get::<_, String>(0))?;
            let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
            lines.retain(|line| line != "ok");
            Ok(lines)
        })
    }
}

/// An id as it comes out of the file.
fn id(bytes: [u8; 16]) -> Uuid {
    Uuid::from_bytes(bytes)
}

/// Never below zero: counts and tokens.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
