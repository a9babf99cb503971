//! Going on with a kept conversation: what goes along, where the question hangs, and who else is there.

use std::time::Duration;

use super::*;
use crate::cli::args::Global;
use crate::domain::{Message, ReaderKind, RequestId};
use crate::ledger::sample::Turn as Kept;

const CHAT: SessionId = SessionId(Uuid::from_u128(1));

struct Data {
    _dir: tempfile::TempDir,
    setup: Setup,
    ledger: Ledger,
}

impl Data {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Some(dir.path().join("data"));
        let setup = Setup::new(&Global { data, ..Global::default() });
        let ledger = setup.keep().unwrap();
        Self { _dir: dir, setup, ledger }
    }

    fn keep(&self, turn: &Kept, how: How) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            self.ledger.begin(turn.begin()).await.unwrap();
            if how == How::Answered {
                self.ledger.end(turn.end()).await.unwrap();
            }
        });
        self.ledger.flush(Duration::from_secs(10)).unwrap();
    }

    fn goes_on(&self) -> (Request, WentOn) {
        let id = RequestId(Uuid::now_v7());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, "and now?");
        let went_on = go_on(&mut request, &Continue::Last, &self.setup).unwrap();
        (request, went_on)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Answered,
    Running,
}

fn turn(n: u64, asked: &str, parent: Option<MessageId>) -> Kept {
    Kept { parent, ..Kept::new(n, crate::engine::now(), CHAT, asked, "an answer") }
}

fn said(request: &Request) -> Vec<String> {
    request.messages.iter().map(Message::plain).collect()
}

#[test]
fn a_question_another_program_has_answered_right_now_is_not_sent_along_and_that_is_said() {
    let data = Data::new();
    let first = turn(1, "first", None);
    data.keep(&first, How::Answered);
    data.keep(&turn(2, "an essay", Some(first.answer_id())), How::Running);
    let (request, went_on) = data.goes_on();
    assert_eq!(said(&request), ["first", "an answer", "and now?"]);
    assert_eq!(request.place.unwrap().parent, Some(first.answer_id()));
    assert!(went_on.said[0].contains("another program is answering in this chat"));
    assert_eq!(met(&request, &went_on, &data.setup), None, "that was said");
}

#[test]
fn two_that_go_on_from_the_same_answer_at_once_are_told_of_each_other() {
    let data = Data::new();
    let first = turn(1, "first", None);
    data.keep(&first, How::Answered);
    let (request, went_on) = data.goes_on();
    assert!(went_on.said.is_empty());
    assert_eq!(met(&request, &went_on, &data.setup), None);
    data.keep(&turn(2, "meanwhile", Some(first.answer_id())), How::Running);
    let words = met(&request, &went_on, &data.setup).unwrap();
    assert!(words.contains("another program asked in this chat at the same time"), "{words}");
}
