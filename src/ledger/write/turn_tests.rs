//! What was private, and what nobody was asked, is known of a message whoever reads it.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{Audience, Finish, Heard, Message, MessageId, SessionId, UnixMs};
use crate::ledger::sample::Turn;
use crate::ledger::{Begin, End, Ledger, Options, SessionDetail, SessionOrder};

const NOW: UnixMs = UnixMs(1_795_392_000_000);
const CHAT: SessionId = SessionId(Uuid::from_u128(1));
const LIMIT: Duration = Duration::from_secs(20);

struct Kept {
    dir: tempfile::TempDir,
    ledger: Ledger,
}

impl Kept {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(Options::new(dir.path(), TimeZone::UTC, Uuid::now_v7())).unwrap();
        Self { dir, ledger }
    }

    fn end(&self, end: End) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.ledger.end(end)).unwrap();
        self.ledger.flush(LIMIT).unwrap();
    }

    fn begin(&self, turn: &Turn) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.ledger.begin(turn.begin())).unwrap();
        self.ledger.flush(LIMIT).unwrap();
    }

    fn chat(&self, id: SessionId) -> SessionDetail {
        self.ledger.read(|reader| reader.session(id)).unwrap().unwrap()
    }

    fn heard(&self) -> Vec<(String, Heard)> {
        let of = |kept: &crate::ledger::KeptMessage| (kept.message.plain(), kept.heard);
        self.chat(CHAT).messages.iter().map(of).collect()
    }

    fn latest(&self) -> Option<SessionId> {
        self.ledger.read(|reader| reader.latest_session(None)).unwrap()
    }
}

fn turn(n: u64, asked: &str, answer: &str, parent: Option<MessageId>) -> Turn {
    Turn { parent, ..Turn::new(n, UnixMs(NOW.0 + n as i64 * 1000), CHAT, asked, answer) }
}

fn changed(turn: &Turn, change: impl FnOnce(&mut Begin)) -> End {
    let mut begin = turn.begin().as_ref().clone();
    change(&mut begin);
    End { begin: Arc::new(begin), ..turn.end() }
}

fn private(turn: &Turn) -> End {
    changed(turn, |begin| begin.request.tags = vec!["private".to_owned()])
}

/// As it ends where a budget does not allow it.
fn refused(turn: &Turn) -> End {
    let mut end = turn.end();
    end.text.clear();
    end.attempts.clear();
    end.outcome.finish = Finish::Error;
    end
}

#[test]
fn a_private_message_is_known_as_one_in_its_chat_and_in_copies() {
    let kept = Kept::new();
    let first = turn(1, "the code is 4711", "noted", None);
    kept.end(private(&first));
    kept.end(turn(2, "hello", "hi", Some(first.answer_id())).end());
    let copy = SessionId(Uuid::from_u128(7));
    kept.ledger.fork(CHAT, None, copy, NOW).unwrap();
    for chat in [CHAT, copy] {
        let tags: Vec<usize> = kept.chat(chat).messages.iter().map(|m| m.tags.len()).collect();
        assert_eq!(tags, [1, 0, 0, 0]);
    }
}

#[test]
fn a_history_that_comes_along_with_a_private_message_is_private_too() {
    let kept = Kept::new();
    kept.end(changed(&turn(1, "and then?", "the end", None), |begin| {
        begin.request.place = None;
        begin.request.tags = vec!["private".to_owned()];
        let said = [Message::user("a secret"), Message::assistant("psst")];
        begin.request.messages.splice(0..0, said);
    }));
    let question = kept.chat(CHAT).messages.remove(0);
    assert_eq!((question.message.plain().as_str(), question.tags.len()), ("a secret", 1));
}

#[test]
fn a_question_is_kept_without_those_before_it_and_those_left_out_do_not_hide_them() {
    let kept = Kept::new();
    let lost = turn(1, "first", "", None);
    let mut end = lost.end();
    end.outcome.finish = Finish::Error;
    kept.end(end);
    let secret = turn(2, "a secret", "", Some(lost.message()));
    let mut end = private(&secret);
    end.outcome.finish = Finish::Error;
    kept.end(end);
    kept.end(turn(3, "first\n\nsecond", "yes", Some(secret.message())).end());
    let said: Vec<String> = kept.heard().into_iter().map(|(text, _)| text).collect();
    assert_eq!(said, ["first", "a secret", "second", "yes"]);
}

#[test]
fn a_private_answer_between_does_not_hide_what_nothing_answered() {
    let kept = Kept::new();
    let lost = turn(1, "first", "", None);
    let mut end = lost.end();
    end.outcome.finish = Finish::Error;
    kept.end(end);
    let secret = turn(2, "a secret", "noted", Some(lost.message()));
    kept.end(private(&secret));
    kept.end(turn(3, "first\n\nsecond", "yes", Some(secret.answer_id())).end());
    let said: Vec<String> = kept.heard().into_iter().map(|(text, _)| text).collect();
    assert_eq!(said, ["first", "a secret", "noted", "second", "yes"]);
}

#[test]
fn instructions_given_in_private_are_for_here_until_others_are_given() {
    let kept = Kept::new();
    let told = |n, system: Option<&str>, tags: &[&str]| {
        kept.end(changed(&turn(n, "hi", "hello", None), |begin| {
            begin.request.system = system.map(str::to_owned);
            begin.request.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        }));
        kept.chat(CHAT).system_for
    };
    assert_eq!(told(1, Some("be brief"), &[]), Audience::Anybody);
    assert_eq!(told(2, Some("be brief"), &["private"]), Audience::Anybody, "they were known");
    assert_eq!(told(3, Some("the code is 4711"), &["private"]), Audience::Here);
    assert_eq!(told(4, None, &[]), Audience::Here);
    assert_eq!(told(5, Some("be long"), &[]), Audience::Anybody);
}

#[test]
fn a_question_nobody_was_asked_is_marked_until_somebody_is() {
    let kept = Kept::new();
    let first = turn(1, "first", "yes", None);
    kept.end(first.end());
    let second = turn(2, "refused", "", Some(first.answer_id()));
    kept.end(refused(&second));
    assert_eq!(kept.heard()[2], ("refused".to_owned(), Heard::Never));
    assert!(kept.chat(CHAT).ends().len() == 1, "it makes no way of its own");
    let again = Turn { message: Some(second.message()), ..turn(3, "refused", "now", None) };
    kept.begin(&again);
    assert_eq!(kept.heard()[2].1, Heard::Running);
    kept.end(again.end());
    assert_eq!(kept.heard()[2].1, Heard::Sent);
    // Refused once more, it was asked all the same.
    kept.end(refused(&Turn { message: Some(second.message()), ..turn(4, "refused", "", None) }));
    assert_eq!(kept.heard()[2].1, Heard::Sent);
}

#[test]
fn what_was_asked_and_failed_or_came_from_the_cache_was_heard() {
    let kept = Kept::new();
    let mut failed = turn(1, "failed", "", None).end();
    failed.text.clear();
    failed.outcome.finish = Finish::Error;
    kept.end(failed);
    let mut cached = turn(2, "cached", "kept", None).end();
    cached.attempts.clear();
    cached.outcome.cached = Some("redis".to_owned());
    kept.end(cached);
    assert!(kept.heard().iter().all(|(_, heard)| *heard == Heard::Sent), "{:?}", kept.heard());
}

#[test]
fn what_a_process_that_ended_was_asked_is_not_on_its_way_any_more() {
    let kept = Kept::new();
    let first = turn(1, "first", "", None);
    kept.begin(&first);
    assert_eq!(kept.heard()[0].1, Heard::Running);
    // As a kill leaves it: nobody holds the lock, and nobody has looked since.
    let runs = kept.dir.path().join("runs");
    for run in std::fs::read_dir(runs).unwrap() {
        std::fs::remove_file(run.unwrap().path()).unwrap();
    }
    assert_eq!(kept.heard()[0].1, Heard::Sent);
}

#[test]
fn a_chat_in_which_nobody_was_ever_asked_is_none_in_a_list_and_not_the_last_one() {
    let kept = Kept::new();
    let listed = || {
        let rows = kept.ledger.read(|reader| {
            let newest = reader.sessions(SessionOrder::Newest, 9, 0)?;
            assert_eq!(newest, reader.sessions_since(UnixMs(0), SessionOrder::Newest, 9)?);
            Ok(newest)
        });
        rows.unwrap().iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let other = SessionId(Uuid::from_u128(2));
    let first = Turn { session: other, ..turn(5, "refused", "", None) };
    kept.begin(&first);
    assert_eq!(listed(), [other], "perhaps somebody is");
    kept.end(refused(&first));
    assert_eq!((kept.latest(), listed()), (None, Vec::new()));
    assert_eq!(kept.chat(other).messages.len(), 1, "it can be read all the same");
    kept.end(turn(1, "hello", "hi", None).end());
    assert_eq!(kept.latest(), Some(CHAT), "it is older");
}
