//! Errors whose words nobody has read before, kept so that the table of hints can grow: once each,
//! with a count, in one small private file.
//!
//! Must not know: who reads it. Invariants: what is kept holds no key, no address and nothing of what
//! was asked; the file never grows beyond its bound; losing it loses nothing a request needs.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::domain::{ErrorReport, Part, Request, UnixMs};

/// Errors kept; the one unseen for longest goes.
const KEPT: usize = 200;

/// Characters kept of one.
const TEXT: usize = 300;

/// Shorter words say nothing.
const LEAST: usize = 8;

/// So many bytes in a row that stand in the request too are taken for its text.
const SHARED: usize = 16;

/// One kind of error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unread {
    provider: String,
    status: Option<u16>,
    code: String,
    text: String,
    count: u64,
    first: i64,
    last: i64,
}

/// Keeps them.
#[derive(Debug, Default)]
pub(super) struct Collector {
    path: Option<PathBuf>,
    writing: Mutex<()>,
}

impl Collector {
    /// Keeps them in this file; nowhere when there is none.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, writing: Mutex::default() }
    }

    /// Is this error to be kept?
    pub(super) fn wants(&self, error: &ErrorReport) -> bool {
        self.path.is_some() && error.unread
    }

    /// Keeps an error. Reads and writes a file: belongs on a blocking thread.
    pub(super) fn keep(&self, error: &ErrorReport, asked: &Request, now: UnixMs) {
        let Some(path) = &self.path else { return };
        let text = redact(&error.original, asked);
        if text.chars().filter(|c| c.is_alphabetic()).count() < LEAST {
            return;
        }
        let new = Unread {
            provider: error.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            status: error.status,
            code: redact(&error.code, asked),
            text,
            count: 1,
            first: now.0,
            last: now.0,
        };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = merge(path, new) {
            tracing::warn!(%error, path = %path.display(), "unknown errors cannot be kept");
        }
    }
}

fn merge(path: &Path, new: Unread) -> io::Result<()> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut all: Vec<Unread> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let same = |old: &&mut Unread| {
        old.provider == new.provider
            && old.status == new.status
            && old.code == new.code
            && old.text == new.text
    };
    if let Some(old) = all.iter_mut().find(same) {
        old.count += 1;
        old.last = new.last;
    } else {
        all.push(new);
    }
    while all.len() > KEPT {
        let oldest = all.iter().enumerate().min_by_key(|(_, one)| one.last).map(|(at, _)| at);
        all.remove(oldest.unwrap_or(0));
    }
    let mut out = String::new();
    for one in &all {
        out.push_str(&serde_json::to_string(one)?);
        out.push('\n');
    }
    write_private(path, &out)
}

/// In place of the old file, whole, readable by the user alone.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(&beside, path)
}

/// What stands in quotation marks.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[\"'`“‘「《]([^\"'`”’」》]{2,}?)[\"'`”’」》]").ok());

/// What may be kept of a provider's words.
fn redact(text: &str, asked: &Request) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        [
            (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", "<mail>"),
            (r"[a-z][a-z0-9+.-]*://\S+", "<address>"),
            (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "<address>"),
            (r"(?i)\b(?:bearer|sk|pk|rk|key|token|api[_-]?key)[-_ :=]+\S{6,}", "<key>"),
            (r"[A-Za-z0-9_+/=*-]*[0-9*][A-Za-z0-9_+/=*-]{15,}", "<id>"),
            (r"[A-Za-z0-9_+/=*-]{15,}[0-9*][A-Za-z0-9_+/=*-]*", "<id>"),
            (r"\d{4,}", "<number>"),
        ]
        .into_iter()
        .filter_map(|(pattern, word)| Some((Regex::new(pattern).ok()?, word)))
        .collect()
    });
    let asked = said(asked).to_lowercase();
    let quoted = |found: &regex::Captures<'_>| {
        let inner = found.get(1).map_or("", |inner| inner.as_str());
        let shared = asked.contains(&inner.to_lowercase());
        if shared { "<text>".to_owned() } else { found[0].to_owned() }
    };
    let mut text = text.to_owned();
    if let Some(quotes) = &*QUOTED {
        text = quotes.replace_all(&text, quoted).into_owned();
    }
    let mut text = without_request(&text, &asked);
    for (pattern, word) in &*PATTERNS {
        text = pattern.replace_all(&text, *word).into_owned();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_control()).take(TEXT).collect()
}

/// The text without what stands in the request too.
fn without_request(text: &str, asked: &str) -> String {
    let windows: HashSet<&[u8]> = asked.as_bytes().windows(SHARED).collect();
    // Lower case letter by letter, so that places in both texts are the same.
    let lower: String = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    let (letters, lowered): (Vec<char>, Vec<char>) =
        (text.chars().collect(), lower.chars().collect());
    let mut hidden = vec![false; letters.len()];
    for start in 0..lowered.len() {
        let (mut bytes, mut end) = (String::new(), start);
        while bytes.len() < SHARED && end < lowered.len() {
            bytes.push(lowered[end]);
            end += 1;
        }
        let Some(window) = bytes.as_bytes().get(..SHARED) else { break };
        if windows.contains(window) {
            hidden[start..end].fill(true);
        }
    }
    let words = asked.split(|c: char| !c.is_alphanumeric());
    for short in words.filter(|_| asked.len() < SHARED * 2) {
        // A short prompt has no long run of its own: its longer words are hidden one by one.
        let word: Vec<char> = short.chars().collect();
        if word.len() < 5 {
            continue;
        }
        for at in 0..lowered.len().saturating_sub(word.len() - 1) {
            if lowered[at..at + word.len()] == word[..] {
                hidden[at..at + word.len()].fill(true);
            }
        }
    }
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if !hidden[at] {
            out.push(*letter);
        } else if at == 0 || !hidden[at - 1] {
            out.push_str("<text>");
        }
    }
    out
}

/// Everything that was said in a request.
fn said(request: &Request) -> String {
    let mut all = request.system.clone().unwrap_or_default();
    for message in &request.messages {
        for part in &message.parts {
            let text = match part {
                Part::Text { text } | Part::Reasoning { text, .. } => text.clone(),
                Part::ToolCall { arguments, .. } => arguments.clone(),
                Part::ToolResult { content, .. } => content.clone(),
                // The address of an image is no text; inline data is no use to anybody.
                Part::Image { .. } => continue,
                Part::Other { value } => value.to_string(),
            };
            all.push('\n');
            all.push_str(&text);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::domain::{Origin, OutcomeClass, ReaderKind, RequestId};

    const NOW: UnixMs = UnixMs(1_795_392_000_000);

    fn asked(text: &str) -> Request {
        Request::new(RequestId(uuid::Uuid::nil()), Origin::Ask, ReaderKind::Replaceable, text)
    }

    fn error(original: &str) -> ErrorReport {
        let mut error = ErrorReport::new(OutcomeClass::Caller, "odd", "odd");
        error.original = original.to_owned();
        error.provider = Some("lab".into());
        error.status = Some(418);
        error.unread = true;
        error
    }

    #[test]
    fn keys_addresses_and_ids_are_not_kept() {
        let said = "Key sk-abc123DEF456ghi789 of bob@example.com refused at \
            https://api.example.com/v1?key=s3cr3t from 10.1.2.3 \
            (request 0198f2aa4b7c7d0e9f00112233445566, account 99887766)";
        let kept = redact(said, &asked("hello"));
        for secret in
            ["sk-abc", "bob@", "example.com", "s3cr3t", "10.1.2.3", "0198f2aa", "99887766"]
        {
            assert!(!kept.contains(secret), "{secret} in {kept}");
        }
        assert!(kept.contains("refused at"), "{kept}");
    }

    #[test]
    fn nothing_of_what_was_asked_is_kept() {
        let prompt = "My diagnosis is a rare disease of the liver and nobody may know";
        let said = format!("The tea pot will not brew: \"{prompt}\" is too odd for it");
        let kept = redact(&said, &asked(prompt));
        assert!(kept.contains("tea pot will not brew"), "{kept}");
        for word in ["diagnosis", "liver", "nobody may know"] {
            assert!(!kept.contains(word), "{kept}");
        }
        let kept = redact(
            "茶壶拒绝：我的诊断结果是肝病，没有人知道",
            &asked("我的诊断结果是肝病，没有人知道"),
        );
        assert!(!kept.contains("诊断") && kept.contains("茶壶"), "{kept}");
        let kept = redact("cannot brew Rumpelstiltskin", &asked("rumpelstiltskin?"));
        assert!(!kept.to_lowercase().contains("rumpel"), "{kept}");
        let long = "Tell me in detail and with care how often rumpelstiltskin spins straw";
        let kept = redact("'Rumpelstiltskin' is no value of 'tea_pot'", &asked(long));
        assert_eq!(kept, "<text> is no value of 'tea_pot'");
    }

    #[test]
    fn the_same_error_is_kept_once_and_counted_in_a_private_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data").join("unknown-errors.jsonl");
        let collector = Collector::new(Some(path.clone()));
        for number in ["4711", "4712", "4713"] {
            let error = error(&format!("the teapot {number} is odd today"));
            assert!(collector.wants(&error));
            collector.keep(&error, &asked("hello"), NOW);
        }
        collector.keep(&error("the kettle is odd today"), &asked("hello"), NOW);
        let text = fs::read_to_string(&path).unwrap();
        let kept: Vec<Unread> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(kept.len(), 2);
        assert_eq!((kept[0].count, &*kept[0].text), (3, "the teapot <number> is odd today"));
        assert_eq!((&*kept[0].provider, kept[0].status), ("lab", Some(418)));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn the_file_is_bounded_and_forgets_what_was_unseen_for_longest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unknown-errors.jsonl");
        let collector = Collector::new(Some(path.clone()));
        for n in 0..KEPT + 5 {
            let words = "odd ".repeat(n % 30 + 2) + &"tea ".repeat(n / 30 + 2);
            collector.keep(
                &error(&words),
                &asked("hello"),
                NOW + std::time::Duration::from_secs(n as u64),
            );
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), KEPT);
        assert!(text.len() < KEPT * (TEXT + 200));
        assert!(!text.contains("\"odd odd tea tea\""));
    }

    #[test]
    fn without_a_file_and_for_known_words_nothing_is_kept() {
        assert!(!Collector::default().wants(&error("the teapot is odd")));
        let known = ErrorReport { unread: false, ..error("the teapot is odd") };
        assert!(!Collector::new(Some("x".into())).wants(&known));
    }
}
