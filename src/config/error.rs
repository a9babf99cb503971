//! What is wrong with a configuration, said so that it can be mended.
//!
//! Owns: the error value, its one-line form, and the search for the nearest valid name. Must not
//! know any field. Invariant: an error never repeats a value that could be a key.

use std::fmt;

/// One thing wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The file, or the variable or flag.
    pub file: String,
    /// From 1; 0 where there are no lines.
    pub line: usize,
    /// In characters, from 1; 0 where there are no lines.
    pub column: usize,
    /// The dotted path of the field; empty for a syntax error.
    pub field: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for ConfigError {
    /// `config.toml:12:5: providers.lab.base_ur: unknown field; did you mean `base_url`?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The nearest of `names` to `text`, if one is near enough to be worth asking about: a third of its
/// letters wrong at most, or the same but for case and `-` against `_`, or one that contains it.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(text);
    let limit = (wanted.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut holder: Option<&str> = None;
    for name in names {
        let candidate = plain(name);
        if wanted.len() >= 3 && candidate.contains(&wanted) {
            holder = holder.or(Some(name));
        }
        if candidate.chars().count().abs_diff(wanted.chars().count()) > limit {
            continue;
        }
        let distance = distance(&wanted, &candidate);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name).or(holder)
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Edits between two texts; swapping neighbours counts as one.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["base_url", "dialect", "passthrough", "max_output"];
        let near = |text| nearest(text, names.into_iter());
        assert_eq!(near("base_ur"), Some("base_url"));
        assert_eq!(near("bsae_url"), Some("base_url"));
        assert_eq!(near("Base-URL"), Some("base_url"));
        assert_eq!(near("output"), Some("max_output"));
        assert_eq!(near("weather"), None);
    }

    #[test]
    fn an_error_is_one_line_a_terminal_can_jump_to() {
        let error = ConfigError {
            file: "config.toml".to_owned(),
            line: 12,
            column: 5,
            field: "providers.lab.base_ur".to_owned(),
            message: "unknown field".to_owned(),
            suggestion: Some("base_url".to_owned()),
        };
        assert_eq!(
            error.to_string(),
            "config.toml:12:5: providers.lab.base_ur: unknown field; did you mean `base_url`?"
        );
    }
}
