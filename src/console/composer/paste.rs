//! Pastes: made harmless, and folded to a word when long.
//!
//! Owns: what the folds hold. Invariant: opening a fold gives back exactly what was pasted, once
//! made harmless.

use std::sync::Arc;

/// A paste of more lines than this is folded.
const FOLD_LINES: usize = 8;
/// A paste of more bytes than this is folded: wrapping the whole draft is work on every key.
const FOLD_BYTES: usize = 2 * 1024;
/// What a tab becomes.
const TAB: &str = "    ";

/// Makes a text fit for a draft: line breaks as `\n`, tabs as spaces, no control characters, no
/// characters that turn the direction of others around.
pub fn clean(text: &str) -> String {
    let plain = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', TAB);
    let mut safe = crate::text::sanitize(&plain).into_owned();
    safe.retain(|c| c == '\n' || !c.is_control());
    safe
}

/// A paste that was folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paste {
    /// What stands for it: `[pasted 212 lines]`.
    pub label: String,
    /// What was pasted.
    pub text: Arc<str>,
}

/// What the folds of a draft hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PasteStore {
    /// The folds, oldest first.
    pub pastes: Vec<Paste>,
}

impl PasteStore {
    /// Folds a long paste and says what stands for it; `None` for one short enough to be shown.
    pub fn fold(&mut self, text: &str, draft: &str) -> Option<String> {
        let lines = text.lines().count();
        if lines <= FOLD_LINES && text.len() <= FOLD_BYTES {
            return None;
        }
        let size = if lines > FOLD_LINES {
            format!("{lines} lines")
        } else {
            format!("{:.1} kB", text.len() as f64 / 1000.0)
        };
        let mut label = format!("[pasted {size}]");
        let mut n = 2;
        while draft.contains(&label) || self.pastes.iter().any(|paste| paste.label == label) {
            label = format!("[pasted {size} #{n}]");
            n += 1;
        }
        self.pastes.push(Paste { label: label.clone(), text: text.into() });
        Some(label)
    }

    /// The text with every fold opened.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        'text: while !rest.is_empty() {
            for paste in &self.pastes {
                if let Some(after) = rest.strip_prefix(paste.label.as_str()) {
                    out.push_str(&paste.text);
                    rest = after;
                    continue 'text;
                }
            }
            // A label begins with `[`, so everything up to the next one is plain.
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let plain = rest[first..].find('[').map_or(rest.len(), |at| first + at);
            out.push_str(&rest[..plain]);
            rest = &rest[plain..];
        }
        out
    }

    /// Where the fold that ends this text begins.
    pub fn label_ending(&self, text: &str) -> Option<usize> {
        self.pastes
            .iter()
            .find(|paste| text.ends_with(&paste.label))
            .map(|paste| text.len() - paste.label.len())
    }
}
