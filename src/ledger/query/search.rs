//! Finding what was said: words of three letters or more in any script by an index of three letters
//! in a row; one or two letters of scripts without spaces by an index of pairs; one or two other
//! letters, and short words beside long ones, by reading the newest messages that may hold them, as
//! far as [`LOOKED_AT`] and [`READ`].
//!
//! Invariant: every hit holds every word asked for; the newest come first.

use rusqlite::Connection;

use crate::domain::{MessageId, SessionId, UnixMs};

use super::super::{LedgerError, pairs};
use super::{Reader, id};

/// Messages that are read through where no index helps.
const LOOKED_AT: usize = 20_000;

/// Bytes of them that are read at most.
const READ: usize = 16 << 20;

/// Letters an index of three letters in a row needs.
const INDEXED: usize = 3;

/// Characters shown around a hit.
const AROUND: usize = 80;

/// A message, or a conversation's title, with the words that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The conversation.
    pub session: SessionId,
    /// Its title.
    pub title: String,
    /// The message; `None` where the title was hit.
    pub message: Option<MessageId>,
    /// `user`, `assistant`, …; `title` where that was hit.
    pub role: String,
    /// When it was said; for a title, when something was said last.
    pub at: UnixMs,
    /// The text around the hit, on one line.
    pub snippet: String,
    /// Where the hit is in the snippet: bytes from and to.
    pub found: (usize, usize),
}

/// What is asked of the indices, and what is left to compare.
struct Wanted {
    /// For the index of three letters.
    long: Vec<String>,
    /// For the index of pairs.
    pairs: Vec<String>,
    /// Compared letter by letter.
    short: Vec<String>,
    words: Vec<String>,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let words = text.split_whitespace().map(str::to_lowercase).collect();
        let mut wanted = Self { long: Vec::new(), pairs: Vec::new(), short: Vec::new(), words };
        for word in text.split_whitespace() {
            if word.chars().count() >= INDEXED {
                // As it was written: the index knows itself which letters are the same.
                wanted.long.push(format!("\"{}\"", word.replace('"', "\"\"")));
            } else if let Some(pair) = pairs::query(word) {
                wanted.pairs.push(pair);
            } else {
                wanted.short.push(word.to_lowercase());
            }
        }
        wanted
    }

    /// Words the index that is asked knows nothing of.
    fn compared(&self) -> Vec<&str> {
        let dense = self.words.iter().filter(|word| pairs::query(word).is_some());
        let dense = dense.filter(|_| !self.long.is_empty());
        self.short.iter().chain(dense).map(String::as_str).collect()
    }
}

impl Reader {
    /// Messages and titles that hold every word, newest first; of what was said at the same moment the
    /// title before the message.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<Hit>, LedgerError> {
        let wanted = Wanted::of(text);
        if wanted.words.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(|db| {
            let mut hits = titles(db, &wanted, limit)?;
            let rest = limit.saturating_sub(hits.len());
            hits.extend(messages(db, &wanted, rest)?);
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
            Ok(hits)
        })
    }
}

fn messages(db: &Connection, wanted: &Wanted, limit: usize) -> rusqlite::Result<Vec<Hit>> {
    let columns = "s.id, s.title, m.id, m.role, m.at, m.text";
    let joined = "JOIN messages m ON m.n = w.rowid JOIN sessions s ON s.n = m.session";
    let (sql, asked) = if !wanted.long.is_empty() {
        let sql = format!(
            "SELECT {columns} FROM message_words w {joined}
             WHERE message_words MATCH ?1 ORDER BY w.rowid DESC"
        );
        (sql, wanted.long.join(" AND "))
    } else if !wanted.pairs.is_empty() {
        let sql = format!(
            "SELECT {columns} FROM message_pairs w {joined}
             WHERE message_pairs MATCH ?1 ORDER BY w.rowid DESC"
        );
        (sql, wanted.pairs.join(" AND "))
    } else {
        let sql = format!(
            "SELECT {columns} FROM messages m JOIN sessions s ON s.n = m.session
             WHERE ?1 = '' ORDER BY m.n DESC"
        );
        (sql, String::new())
    };
    let compared = wanted.compared();
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([asked])?;
    let (mut looked_at, mut bytes) = (0, 0);
    let mut hits = Vec::new();
    while hits.len() < limit {
        let Some(row) = rows.next()? else { break };
        let text: String = row.get(5)?;
        if !compared.is_empty() {
            looked_at += 1;
            bytes += text.len();
            if looked_at > LOOKED_AT || bytes > READ {
                break;
            }
            let lower = text.to_lowercase();
            if !compared.iter().all(|word| lower.contains(*word)) {
                continue;
            }
        }
        let (snippet, found) = snippet(&text, &wanted.words);
        hits.push(Hit {
            session: SessionId(id(row.get(0)?)),
            title: row.get(1)?,
            message: Some(MessageId(id(row.get(2)?))),
            role: row.get(3)?,
            at: UnixMs(row.get(4)?),
            snippet,
            found,
        });
    }
    Ok(hits)
}

fn titles(db: &Connection, wanted: &Wanted, limit: usize) -> rusqlite::Result<Vec<Hit>> {
    if wanted.long.is_empty() {
        // Titles are the first words of messages, and short words are found there.
        return Ok(Vec::new());
    }
    let mut statement = db.prepare_cached(
        "SELECT s.id, s.title, s.updated FROM title_words w JOIN sessions s ON s.n = w.rowid
         WHERE title_words MATCH ?1 ORDER BY w.rowid DESC",
    )?;
    let mut rows = statement.query([wanted.long.join(" AND ")])?;
    let (mut hits, mut looked_at) = (Vec::new(), 0);
    // The first words of a conversation are in its messages too: room is left for those.
    while hits.len() < limit / 2 {
        let Some(row) = rows.next()? else { break };
        let title: String = row.get(1)?;
        looked_at += 1;
        if looked_at > LOOKED_AT {
            break;
        }
        let whole = title.to_lowercase();
        if !wanted.words.iter().all(|word| whole.contains(word.as_str())) {
            continue;
        }
        let (snippet, found) = snippet(&title, &wanted.words);
        hits.push(Hit {
            session: SessionId(id(row.get(0)?)),
            title,
            message: None,
            role: "title".to_owned(),
            at: UnixMs(row.get(2)?),
            snippet,
            found,
        });
    }
    Ok(hits)
}

/// The text around the place where most of the words stand together, on one line, and where the word
/// is in it that says most.
fn snippet(text: &str, words: &[String]) -> (String, (usize, usize)) {
    // Letter by letter, so that places in both texts are the same.
    let letters: Vec<char> = text.chars().collect();
    let lower: Vec<char> = letters.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let (at, long) = place(&lower, words);
    let from = at.saturating_sub(AROUND / 4);
    let to = (at + long + AROUND).min(letters.len());
    let mut out = String::new();
    if from > 0 {
        out.push('…');
    }
    let mut found = (out.len(), out.len());
    for (place, letter) in letters.iter().enumerate().take(to).skip(from) {
        if place == at {
            found.0 = out.len();
        }
        let blank = letter.is_whitespace() || letter.is_control();
        match (blank, out.ends_with(' ')) {
            (true, true) => {}
            (true, false) => out.push(' '),
            (false, _) => out.push(*letter),
        }
        if place + 1 == at + long {
            found.1 = out.len();
        }
    }
    if to < letters.len() {
        out.push('…');
    }
    found.1 = found.1.max(found.0);
    (out, found)
}

/// Places of one word that are looked at.
const PLACES: usize = 64;

/// Where one reads on from, and how many letters of it were looked for: all words in a row before any
/// one, a place near many words before one near few, a long word before a short one, the first.
fn place(lower: &[char], words: &[String]) -> (usize, usize) {
    let phrase = words.join(" ");
    let mut sought: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    let single = sought.len();
    if single > 1 {
        sought.push(phrase.chars().collect());
    }
    let places: Vec<Vec<usize>> = sought
        .iter()
        .map(|word| {
            let windows = lower.windows(word.len().max(1)).enumerate();
            windows.filter(|(_, window)| window == word).map(|(at, _)| at).take(PLACES).collect()
        })
        .collect();
    let near = |at: usize| {
        let seen = at.saturating_sub(AROUND / 4)..at + AROUND;
        let there = places[..single].iter().zip(&sought);
        let there = there.filter(|(places, _)| places.iter().any(|at| seen.contains(at)));
        there.map(|(_, word)| word.len()).sum::<usize>()
    };
    let all = places.iter().zip(&sought).flat_map(|(places, word)| {
        places.iter().map(|at| (word.len().max(near(*at)), word.len(), *at))
    });
    let best = all.max_by_key(|(near, long, at)| (*near, *long, std::cmp::Reverse(*at)));
    best.map_or((0, 0), |(_, long, at)| (at, long))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_one_line_around_the_first_hit() {
        let text = format!("{} the\n\tNeedle here {}", "before ".repeat(40), "after ".repeat(40));
        let (line, (from, to)) = snippet(&text, &["needle".to_owned()]);
        assert_eq!(&line[from..to], "Needle");
        assert!(line.starts_with('…') && line.ends_with('…') && !line.contains('\n'), "{line}");
        assert!(line.chars().count() < 120);
    }

    #[test]
    fn a_snippet_is_where_the_words_stand_together_not_where_a_short_one_comes_first() {
        let text =
            format!("Write a text. {}Then a borrow checker complains.", "Words. ".repeat(40));
        let words = ["a", "borrow", "checker"].map(str::to_owned);
        let (line, (from, to)) = snippet(&text, &words);
        assert_eq!(&line[from..to], "a borrow checker");
        let words = ["checker", "a"].map(str::to_owned);
        let (line, (from, to)) = snippet(&text, &words);
        assert_eq!((&line[from..to], line.contains("complains")), ("checker", true), "{line}");
    }

    #[test]
    fn a_snippet_of_wide_letters_keeps_whole_letters() {
        let text = "今天的天气非常好，我们去公园散步吧。".repeat(20);
        let (line, (from, to)) = snippet(&text, &["公园".to_owned()]);
        assert_eq!(&line[from..to], "公园");
    }

    #[test]
    fn words_go_where_they_can_be_found() {
        let wanted = Wanted::of("Borrow 天气 ok \"quoted\"");
        assert_eq!(wanted.long, ["\"Borrow\"", "\"\"\"quoted\"\"\""]);
        assert_eq!(wanted.pairs, ["\"天气\""]);
        assert_eq!(wanted.short, ["ok"]);
    }
}
