//! A set of prompts with the same meaning in several languages.
//!
//! Owns: reading it. Must not know: who is asked. Invariant: a set that exists has at least one
//! prompt, and every mistake of a file names its prompt.

use toml_edit::{DocumentMut, Item, Table};

use crate::domain::{Origin, ReaderKind, Request, RequestId, Script};
use crate::route;

const SHIPPED: &str = include_str!("../../../assets/prompts/compare.toml");

/// The most prompts in a set: each is paid for with every model.
const MOST: usize = 500;

/// One prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked: the same in every language.
    pub name: String,
    /// In which language.
    pub lang: String,
    /// The text.
    pub text: String,
}

impl Prompt {
    /// The script most of its letters are in.
    pub fn script(&self) -> Script {
        let id = RequestId(uuid::Uuid::nil());
        let request = Request::new(id, Origin::Explain, ReaderKind::Replaceable, &self.text);
        let scripts = route::features(&request).scripts;
        let mut letters = scripts.iter().filter(|(script, _)| *script != Script::Common);
        letters.next().map_or(Script::Common, |(script, _)| *script)
    }
}

/// The shipped set.
///
/// # Errors
/// None: a test reads it.
pub fn shipped() -> Result<Vec<Prompt>, String> {
    read(SHIPPED)
}

/// Reads a set.
///
/// # Errors
/// What is wrong with it, by prompt.
pub fn read(text: &str) -> Result<Vec<Prompt>, String> {
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| format!("not TOML: {error}"))?;
    let strange = document.iter().find(|(key, _)| *key != "prompts");
    if let Some((key, _)) = strange {
        return Err(format!("{key}: expected [[prompts]] and nothing else"));
    }
    let tables = document.get("prompts").and_then(Item::as_array_of_tables);
    let tables = tables.ok_or("expected at least one [[prompts]] with name, lang and text")?;
    if tables.len() > MOST {
        return Err(format!("{} prompts; at most {MOST} are asked at once", tables.len()));
    }
    tables.iter().enumerate().map(|(n, table)| prompt(n + 1, table)).collect()
}

fn prompt(number: usize, table: &Table) -> Result<Prompt, String> {
    let word = |key: &str| match table.get(key).and_then(Item::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        Some(_) => Err(format!("prompt {number}: {key} is empty")),
        None => Err(format!("prompt {number}: expected a text for {key}")),
    };
    if let Some((key, _)) = table.iter().find(|(key, _)| !["name", "lang", "text"].contains(key)) {
        return Err(format!("prompt {number}: {key} is not a field; there are name, lang, text"));
    }
    Ok(Prompt { name: word("name")?, lang: word("lang")?, text: word("text")? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_shipped_set_asks_the_same_in_every_script() {
        let set = shipped().unwrap();
        let langs: BTreeSet<&str> = set.iter().map(|prompt| prompt.lang.as_str()).collect();
        let scripts: BTreeSet<Script> = set.iter().map(Prompt::script).collect();
        assert!(langs.len() >= 8 && scripts.len() == 8, "{langs:?} {scripts:?}");
    }

    #[test]
    fn a_wrong_file_says_which_prompt_and_what() {
        for (text, words) in [
            ("x = ", "not TOML"),
            ("x = 1", "x: expected [[prompts]]"),
            ("", "at least one"),
            ("[[prompts]]\nname = \"a\"\nlang = \"en\"\n", "prompt 1: expected a text for text"),
            ("[[prompts]]\nname = \"a\"\nlang = \" \"\ntext = \"b\"", "prompt 1: lang is empty"),
            ("[[prompts]]\nname=\"a\"\nlang=\"en\"\ntext=\"b\"\nz=1", "prompt 1: z is not a field"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
