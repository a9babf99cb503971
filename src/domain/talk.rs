//! What was said before, as it goes to a model along with what is asked now: the same for every
//! program that goes on with a conversation.
//!
//! Must not know: where a conversation is kept or shown. Invariants: what was said in private goes
//! along only with what stays on this machine itself; what never reached anybody goes along with
//! nothing; questions and answers alternate.

use serde::{Deserialize, Serialize};

use super::{Message, Part, Role, nearest};

/// The tag of a message that stays on this machine.
pub const PRIVATE: &str = "private";

/// Is one of these tags the one of a message that stays on this machine? However it is written.
pub fn is_private(tags: &[String]) -> bool {
    tags.iter().any(|tag| tag.trim_start_matches('#').eq_ignore_ascii_case(PRIVATE))
}

/// Does a tag look like a slip in writing the one of a message that stays on this machine? It is not
/// that one, and what stands in the middle of the word only (`#vat`) is another.
pub fn is_nearly_private(tag: &str) -> bool {
    let tag = tag.trim_start_matches(['#', '＃']);
    let small = tag.to_ascii_lowercase();
    let inside =
        PRIVATE.contains(&small) && !PRIVATE.starts_with(&small) && small.len() * 2 < PRIVATE.len();
    small != PRIVATE && !inside && nearest(tag, std::iter::once(PRIVATE)).is_some()
}

/// Who may get to see a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// It stays on this machine, or where a rule of the user's has private messages go.
    Here,
    /// Whoever the router chooses.
    Anybody,
}

/// How far a question got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Somebody was asked it, or it was answered from a cache.
    #[default]
    Sent,
    /// It is on its way, and nothing has answered it yet.
    Running,
    /// It was refused before anybody was asked.
    Never,
}

/// A question and what came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Marks of the question.
    pub tags: Vec<String>,
    /// How far it got.
    pub heard: Heard,
    /// The question, then what came back, tools included.
    pub messages: Vec<Message>,
}

/// What of a conversation does not go along with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Questions that were private, each with its answers.
    pub private: usize,
    /// Questions another program is having answered.
    pub running: usize,
}

impl LeftOut {
    /// What is said of it, a line each.
    pub fn words(self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.private {
            0 => {}
            1 => lines.push(
                "1 private message and its answer are not sent along; #private in a message takes \
                 them along, on this machine"
                    .to_owned(),
            ),
            n => lines.push(format!(
                "{n} private messages and their answers are not sent along; #private in a message \
                 takes them along, on this machine"
            )),
        }
        if self.running > 0 {
            lines.push(
                "another program is answering in this chat; what it was asked is not sent along, \
                 and what is asked now stands beside it"
                    .to_owned(),
            );
        }
        lines
    }
}

/// What was said before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// What goes along, oldest first.
    pub messages: Vec<Message>,
    /// What does not.
    pub left_out: LeftOut,
}

impl History {
    /// What of these turns goes along with a request this audience gets to see.
    pub fn of(turns: impl IntoIterator<Item = Turn>, audience: Audience) -> Self {
        let mut history = Self::default();
        for turn in turns {
            let private = audience == Audience::Anybody && is_private(&turn.tags);
            match turn.heard {
                Heard::Never => {}
                Heard::Running => history.left_out.running += 1,
                Heard::Sent if private => history.left_out.private += 1,
                Heard::Sent => {
                    for message in turn.messages {
                        history.say(message);
                    }
                }
            }
        }
        history
    }

    /// Adds a message, without thinking. A question after one that nothing answered is joined with
    /// it.
    pub fn say(&mut self, mut next: Message) {
        next.parts.retain(|part| !matches!(part, Part::Reasoning { .. }));
        if next.parts.is_empty() {
            return;
        }
        match self.messages.last_mut() {
            Some(last) if last.role == Role::User && next.role == Role::User => {
                match (last.parts.as_slice(), next.parts.as_slice()) {
                    ([Part::Text { text: before }], [Part::Text { text: after }]) => {
                        *last = Message::user(format!("{before}\n\n{after}"));
                    }
                    _ => last.parts.extend(next.parts),
                }
            }
            _ => self.messages.push(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(tags: &[&str], heard: Heard, said: &[&str]) -> Turn {
        let say = |(n, text): (usize, &&str)| match n {
            0 => Message::user(*text),
            _ => Message::assistant(*text),
        };
        Turn {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            heard,
            messages: said.iter().enumerate().map(say).collect(),
        }
    }

    fn texts(history: &History) -> Vec<String> {
        history.messages.iter().map(Message::plain).collect()
    }

    #[test]
    fn a_private_turn_goes_along_only_with_what_is_private_itself() {
        let talk = || {
            [
                turn(&[], Heard::Sent, &["hello", "hi"]),
                turn(&["Private"], Heard::Sent, &["the code is 4711", "noted"]),
                turn(&["legal"], Heard::Sent, &["and now?", "now this"]),
            ]
        };
        let open = History::of(talk(), Audience::Anybody);
        assert_eq!(texts(&open), ["hello", "hi", "and now?", "now this"]);
        assert_eq!(open.left_out.private, 1);
        assert!(open.left_out.words()[0].starts_with("1 private message and its answer"));
        let here = History::of(talk(), Audience::Here);
        assert_eq!((here.messages.len(), here.left_out), (6, LeftOut::default()));
        assert!(here.left_out.words().is_empty());
    }

    #[test]
    fn a_slip_in_writing_private_is_told_from_other_words() {
        for tag in ["privat", "#privat", "Privte", "pri", "prvate", "privacy", "＃rivate"] {
            assert!(is_nearly_private(tag), "{tag}");
        }
        for tag in
            ["private", "#Private", "vat", "ate", "pr", "print", "legal", "primary", "privé", "私"]
        {
            assert!(!is_nearly_private(tag), "{tag}");
        }
    }

    #[test]
    fn what_nobody_was_asked_goes_along_with_nothing() {
        let talk = [
            turn(&[], Heard::Never, &["refused"]),
            turn(&[], Heard::Sent, &["failed"]),
            turn(&[], Heard::Running, &["on its way"]),
        ];
        let mut history = History::of(talk, Audience::Here);
        history.say(Message::user("now"));
        assert_eq!(texts(&history), ["failed\n\nnow"], "what was sent and failed is asked again");
        assert_eq!(history.left_out, LeftOut { private: 0, running: 1 });
        assert!(history.left_out.words()[0].contains("another program is answering"));
    }
}
