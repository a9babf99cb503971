//! What the actor hears of the ledger, and tells people.
//!
//! Must not know: how it is kept. Invariant: what is not kept is said, and so is what was kept late.

use crate::domain::UnixMs;
use crate::ledger::Behind;

use super::super::NoticeLevel;
use super::super::record::Keeping;
use super::Actor;

impl Actor {
    pub(super) fn tell_keeping(&mut self, keeping: Keeping, now: UnixMs) {
        let (level, text) = match keeping {
            Keeping::NotYet(why) => {
                (NoticeLevel::Warn, format!("not kept yet, it is tried again: {why}"))
            }
            Keeping::Not(why) => (NoticeLevel::Warn, format!("not kept: {why}")),
            Keeping::TooMuch(behind) => {
                let what = match behind.lost {
                    0 => "of the oldest only the figures will be kept",
                    _ => "the oldest will not be kept",
                };
                (NoticeLevel::Error, format!("too much waits for the ledger: {what}"))
            }
            Keeping::Again(behind) => again(&behind),
        };
        self.notice(level, text, now);
    }
}

fn again(behind: &Behind) -> (NoticeLevel, String) {
    let mut parts = Vec::new();
    if behind.late > 0 {
        parts.push(format!("{} that waited written", behind.late));
    }
    if behind.wordless > 0 {
        parts.push(format!("{} without their words", behind.wordless));
    }
    if behind.lost > 0 {
        parts.push(format!("{} not kept", behind.lost));
    }
    let level = match (behind.wordless, behind.lost) {
        (0, 0) => NoticeLevel::Info,
        _ => NoticeLevel::Warn,
    };
    match parts.as_slice() {
        [] => (level, "kept again".to_owned()),
        _ => (level, format!("kept again: {}", parts.join(", "))),
    }
}
