//! The ways a conversation went: an earlier message that is edited, or gone on from twice, makes
//! another, and the one before it stays.
//!
//! Must not know: how they are shown. Invariant: answers given to the same question are one way, as
//! long as nothing was asked after more than one of them; a question nobody was asked makes none.

use std::collections::{HashMap, HashSet};

use crate::domain::{Heard, MessageId, Role};

use super::SessionDetail;

impl SessionDetail {
    /// The newest message that was said after this one on any way, or it itself where nothing was.
    /// Beside an answer nothing was said after stand the others to its question: the newest of those.
    pub fn end_of(&self, message: MessageId) -> Option<MessageId> {
        let from = self.messages.iter().find(|kept| kept.id == message)?;
        let end = self.newest_under(from.id);
        match (end == from.id, from.message.role, from.parent) {
            (true, Role::Assistant, Some(question)) => Some(self.newest_under(question)),
            _ => Some(end),
        }
    }

    fn newest_under(&self, message: MessageId) -> MessageId {
        let mut under = HashSet::from([message]);
        let mut newest = message;
        for kept in &self.messages {
            if kept.parent.is_some_and(|parent| under.contains(&parent)) {
                under.insert(kept.id);
                newest = kept.id;
            }
        }
        newest
    }

    /// The newest message of every way, the newest way first.
    pub fn ends(&self) -> Vec<MessageId> {
        // The question each message belongs to, and the newest message that belongs to each.
        let mut question_of: HashMap<MessageId, MessageId> = HashMap::new();
        let mut newest: HashMap<MessageId, (usize, MessageId)> = HashMap::new();
        let mut gone_on: HashSet<MessageId> = HashSet::new();
        for (n, kept) in self.messages.iter().enumerate() {
            let before = kept.parent.and_then(|parent| question_of.get(&parent)).copied();
            let question = if kept.message.role == Role::User {
                if kept.heard == Heard::Never {
                    // What hangs under it hangs where it does.
                    question_of.extend(before.map(|before| (kept.id, before)));
                    continue;
                }
                gone_on.extend(before);
                kept.id
            } else {
                let Some(question) = before else { continue };
                question
            };
            question_of.insert(kept.id, question);
            newest.insert(question, (n, kept.id));
        }
        newest.retain(|question, _| !gone_on.contains(question));
        let mut ends: Vec<(usize, MessageId)> = newest.into_values().collect();
        ends.sort_unstable_by_key(|(n, _)| std::cmp::Reverse(*n));
        ends.into_iter().map(|(_, end)| end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Audience, Cost, Message, SessionId, UnixMs};
    use crate::ledger::{KeptMessage, SessionRow};

    fn id(n: u128) -> MessageId {
        MessageId(uuid::Uuid::from_u128(n))
    }

    /// A conversation of messages `(id, parent)`; questions are odd, answers even.
    fn detail(messages: &[(u128, u128)]) -> SessionDetail {
        let kept = |&(n, parent): &(u128, u128)| KeptMessage {
            id: id(n),
            parent: (parent > 0).then(|| id(parent)),
            message: if n % 2 == 1 { Message::user("q") } else { Message::assistant("a") },
            at: UnixMs(0),
            request: None,
            model: None,
            provider: None,
            finish: None,
            seams: Vec::new(),
            tags: Vec::new(),
            heard: Heard::Sent,
        };
        SessionDetail {
            row: SessionRow {
                id: SessionId(uuid::Uuid::from_u128(1)),
                title: String::new(),
                created: UnixMs(0),
                updated: UnixMs(0),
                origin: "chat".to_owned(),
                messages: messages.len() as u64,
                cost: Cost::ZERO,
                forked_from: None,
            },
            system: None,
            system_for: Audience::Anybody,
            messages: messages.iter().map(kept).collect(),
        }
    }

    #[test]
    fn an_edited_question_makes_a_way_and_an_answer_given_again_makes_none() {
        // 1-2-3-4, then 3 asked again, then 1 edited to 5, and gone on.
        let talk = detail(&[(1, 0), (2, 1), (3, 2), (4, 3), (6, 3), (5, 0), (8, 5), (7, 8)]);
        assert_eq!(talk.ends(), [id(7), id(6)]);
        assert_eq!(talk.end_of(id(1)), Some(id(6)));
        assert_eq!(talk.end_of(id(4)), Some(id(6)), "it stands beside the newer answer");
        assert_eq!(talk.end_of(id(8)), Some(id(7)));
        assert_eq!(talk.end_of(id(99)), None);
        assert!(detail(&[]).ends().is_empty());
    }

    #[test]
    fn a_question_nobody_was_asked_makes_no_way() {
        let mut talk = detail(&[(1, 0), (2, 1), (3, 2), (5, 2), (6, 5)]);
        talk.messages[2].heard = Heard::Never;
        assert_eq!(talk.ends(), [id(6)]);
        assert_eq!(talk.end_of(id(3)), Some(id(3)), "it can be read all the same");
    }

    #[test]
    fn what_hangs_under_a_question_nobody_was_asked_goes_on_from_before_it() {
        let mut talk = detail(&[(1, 0), (2, 1), (3, 2), (5, 3), (6, 5)]);
        talk.messages[2].heard = Heard::Never;
        assert_eq!(talk.ends(), [id(6)]);
    }

    #[test]
    fn two_answers_that_were_both_gone_on_from_are_two_ways() {
        let talk = detail(&[(1, 0), (2, 1), (3, 2), (4, 1), (5, 4), (6, 3)]);
        assert_eq!(talk.ends(), [id(6), id(5)], "the one that was talked in last comes first");
        assert_eq!(talk.end_of(id(2)), Some(id(6)));
        assert_eq!(talk.end_of(id(4)), Some(id(5)));
    }
}
