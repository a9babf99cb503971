//! Answers come back with how they came about, in the conversation they were given in and in copies.

use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::*;
use crate::ledger::sample::Turn;
use crate::ledger::{Ledger, Options};

const NOW: UnixMs = UnixMs(1_795_392_000_000);

fn session(n: u64) -> SessionId {
    SessionId(Uuid::from_u128(u128::from(n)))
}

struct Kept {
    _dir: tempfile::TempDir,
    ledger: Ledger,
}

impl Kept {
    fn new(turns: &[&Turn]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(Options::new(dir.path(), TimeZone::UTC, Uuid::now_v7())).unwrap();
        let kept = Self { _dir: dir, ledger };
        for turn in turns {
            kept.keep(turn);
        }
        kept
    }

    fn keep(&self, turn: &Turn) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.ledger.end(turn.end())).unwrap();
        self.ledger.flush(Duration::from_secs(10)).unwrap();
    }

    fn of(&self, n: u64) -> Vec<AnswerFigures> {
        let found = self.ledger.read(|reader| reader.answers_of(session(n))).unwrap();
        found.into_values().collect()
    }

    fn cost(&self, n: u64) -> i64 {
        let row = self.ledger.read(|reader| reader.session_row(session(n))).unwrap().unwrap();
        row.cost.amount.pico()
    }
}

#[test]
fn an_answer_comes_back_with_its_decision_and_every_attempt() {
    let first = Turn { failed: Some(500), ..Turn::new(1, NOW, session(1), "one", "first") };
    let parent = Some(first.answer_id());
    let second = Turn { parent, ..Turn::new(2, NOW, session(1), "two", "second") };
    let kept = Kept::new(&[&first, &second]);
    let [one, two] = &kept.of(1)[..] else { panic!("two answers") };
    assert_eq!(one.decision.as_deref(), Some(first.begin().decision.as_ref()));
    assert_eq!(one.attempts, first.attempts(&first.begin()));
    assert_eq!(two.attempts, second.attempts(&second.begin()));
    assert_eq!((one.copied, one.cost.amount.pico()), (false, 1_000_500));
}

#[test]
fn an_answer_comes_back_with_what_was_doubted_and_what_the_cache_did() {
    let turn = Turn::new(1, NOW, session(1), "one", "first");
    let verdict = Verdict {
        truncated: true,
        confidence: 0.8,
        evidence: vec![crate::domain::Evidence::NoEndMarker],
    };
    let mut end = turn.end();
    end.verdict = Some(verdict.clone());
    end.outcome.cache_note = Some("not cacheable: no temperature".to_owned());
    let kept = Kept::new(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(kept.ledger.end(end)).unwrap();
    kept.ledger.flush(Duration::from_secs(10)).unwrap();
    let route = kept.ledger.read(|reader| reader.route_of(turn.request())).unwrap().unwrap();
    for figures in kept.of(1).into_iter().chain([route.figures]) {
        assert_eq!(figures.verdict.as_ref(), Some(&verdict));
        assert_eq!(figures.cache_note.as_deref(), Some("not cacheable: no temperature"));
    }
}

#[test]
fn tokens_are_those_of_the_answer_where_another_was_quicker() {
    let turn = Turn { failed: Some(500), ..Turn::new(1, NOW, session(1), "one", "first") };
    let reports = |class| {
        let mut reports = turn.attempts(&turn.begin());
        reports[0].outcome = Some(class);
        of_answer(&reports).map(|usage| usage.output)
    };
    assert_eq!(reports(OutcomeClass::Cancelled), Some(120));
    assert_eq!(reports(OutcomeClass::Network), Some(240), "what broke off was gone on from");
    assert_eq!(of_answer(&[]), None);
    // Stopped by its reader there is no other, and what was counted is an estimate.
    let mut stopped = turn.attempts(&turn.begin());
    stopped.truncate(1);
    stopped[0].outcome = Some(OutcomeClass::Cancelled);
    stopped[0].usage.estimated = true;
    assert_eq!(of_answer(&stopped), Some(stopped[0].usage));
    // One that was stopped while it went on from what another had begun.
    let mut stopped = turn.attempts(&turn.begin());
    stopped[0].outcome = Some(OutcomeClass::Network);
    stopped[1].outcome = Some(OutcomeClass::Cancelled);
    assert_eq!(of_answer(&stopped).map(|usage| usage.output), Some(240), "both were shown");
}

#[test]
fn a_copy_cost_nothing_and_what_is_asked_in_it_is_its_own() {
    let first = Turn::new(1, NOW, session(1), "one", "first");
    let kept = Kept::new(&[&first]);
    kept.ledger.fork(session(1), None, session(7), NOW).unwrap();
    assert_eq!((kept.cost(1), kept.cost(7)), (1_000_000, 0));
    let copied = |n: u64| kept.of(n).iter().map(|one| one.copied).collect::<Vec<_>>();
    assert_eq!((copied(1), copied(7)), (vec![false], vec![true]));
    let parent = Some(first.answer_id());
    kept.keep(&Turn { parent, ..Turn::new(2, NOW, session(7), "two", "second") });
    assert_eq!((kept.cost(1), kept.cost(7)), (1_000_000, 1_000_000));
    assert_eq!(copied(7), [true, false]);
    kept.ledger.remove(session(1)).unwrap();
    assert_eq!(copied(7), [true, false], "it was not paid here, whatever became of the original");
}

#[test]
fn how_one_request_was_routed_is_found_by_its_id() {
    let turn = Turn::new(1, NOW, session(1), "which river is longest", "the Nile");
    let kept = Kept::new(&[&turn]);
    let route = kept.ledger.read(|reader| reader.route_of(turn.request())).unwrap().unwrap();
    assert_eq!((&route.input, &route.decision), (&*turn.begin().input, &*turn.begin().decision));
    assert_eq!((route.asked.as_str(), route.session), ("which river is longest", Some(session(1))));
    assert_eq!((route.figures.attempts.len(), route.finish.as_deref()), (1, Some("stop")));
    let unknown = RequestId(Uuid::nil());
    assert_eq!(kept.ledger.read(|reader| reader.route_of(unknown)).unwrap(), None);
}

#[test]
fn what_nothing_was_said_to_is_found_without_looking_through_the_file() {
    let kept = Kept::new(&[&Turn::new(1, NOW, session(1), "why?", "because")]);
    let plan = kept.ledger.read(|reader| {
        reader.ask(|db| {
            db.prepare(&format!("EXPLAIN QUERY PLAN {}", unanswered()))?
                .query_map([session(1).0.as_bytes()], |row| row.get::<_, String>(3))?
                .collect::<rusqlite::Result<Vec<_>>>()
        })
    });
    let plan = plan.unwrap();
    assert!(plan.len() >= 4 && plan.iter().all(|step| !step.contains("SCAN")), "{plan:#?}");
}
