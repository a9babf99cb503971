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
        f.write_str(&self.what())
    }
}

impl ConfigError {
    /// What is wrong, without where.
    pub fn what(&self) -> String {
        match &self.suggestion {
            Some(suggestion) => format!("{}; did you mean `{suggestion}`?", self.message),
            None => self.message.clone(),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

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
