//! Typed reading of the merged tree.
//!
//! Owns: fetching a field as a type, and saying what is wrong when that fails. Must not know which
//! fields there are (`schema`) or what they mean (`read`). Invariant: reading never stops at the
//! first mistake; whatever can be read is, and every mistake is kept with its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::{Money, Price, nearest, parse_span};

use super::error::ConfigError;
use super::schema::Section;
use super::source::{At, Sources, join_path};
use super::tree::{Node, Table, Value};

#[cfg(test)]
thread_local! {
    /// Which fields were looked for, for the test that compares them with the schema.
    pub(super) static READ: RefCell<BTreeSet<(&'static str, String)>> = RefCell::default();
}

static EMPTY: Table = Table { entries: BTreeMap::new() };

/// The names that fields may refer to, gathered before anything is read.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) providers: BTreeSet<String>,
    pub(super) models: BTreeSet<String>,
    pub(super) policies: BTreeSet<String>,
    pub(super) tags: BTreeSet<String>,
    /// Providers that some model in the registry names.
    pub(super) with_models: BTreeSet<String>,
    /// `false` when a layer could not be parsed: a name may then be missing only for that reason,
    /// and references are not checked.
    pub(super) complete: bool,
}

/// What all readers share.
pub(super) struct Ctx<'a> {
    pub(super) sources: &'a Sources,
    pub(super) names: Names,
    errors: RefCell<Vec<(At, ConfigError)>>,
    warnings: RefCell<Vec<(At, ConfigError)>>,
}

impl<'a> Ctx<'a> {
    pub(super) fn new(sources: &'a Sources, names: Names) -> Self {
        Self { sources, names, errors: RefCell::default(), warnings: RefCell::default() }
    }

    fn made(&self, at: At, field: &str, message: String, near: Option<String>) -> ConfigError {
        let place = self.sources.position(at);
        ConfigError {
            file: place.file,
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            message,
            suggestion: near,
        }
    }

    pub(super) fn error(&self, at: At, field: &str, message: impl Into<String>) {
        self.error_near(at, field, message, None);
    }

    pub(super) fn error_near(
        &self,
        at: At,
        field: &str,
        message: impl Into<String>,
        near: Option<String>,
    ) {
        let error = self.made(at, field, message.into(), near);
        self.errors.borrow_mut().push((at, error));
    }

    pub(super) fn warn(&self, at: At, field: &str, message: impl Into<String>) {
        let warning = self.made(at, field, message.into(), None);
        self.warnings.borrow_mut().push((at, warning));
    }

    /// Errors and warnings, in the order of the layers and of the lines in them.
    pub(super) fn finish(self) -> (Vec<ConfigError>, Vec<ConfigError>) {
        let in_order = |cell: RefCell<Vec<(At, ConfigError)>>| {
            let mut list = cell.into_inner();
            list.sort_by_key(|(at, _)| *at);
            let mut list: Vec<ConfigError> = list.into_iter().map(|(_, error)| error).collect();
            list.dedup();
            list
        };
        (in_order(self.errors), in_order(self.warnings))
    }
}

/// One table being read.
pub(super) struct Fields<'a> {
    pub(super) ctx: &'a Ctx<'a>,
    pub(super) table: &'a Table,
    pub(super) path: String,
    pub(super) at: At,
    section: &'static Section,
}

/// A decimal, from the text it was written as.
fn decimal<T: FromStr>(node: &Node) -> Option<Result<T, T::Err>> {
    match &node.value {
        Value::Whole(number) => Some(number.to_string().parse()),
        Value::Float(_, raw) => Some(raw.parse()),
        _ => None,
    }
}

/// Reads `"64MB"` (powers of 1000), `"64MiB"` (powers of 1024) or a number of bytes.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let scale: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(scale)
}

impl<'a> Fields<'a> {
    /// Opens a table and reports every key in it that the section does not know.
    pub(super) fn open(
        ctx: &'a Ctx<'a>,
        node: &'a Node,
        path: String,
        section: &'static Section,
    ) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            ctx.error(node.at, &path, format!("expected a table, found {}", node.value.what()));
            return None;
        };
        let fields = Self { ctx, table, path, at: node.at, section };
        fields.refuse_unknown();
        Some(fields)
    }

    /// Opens the top level.
    pub(super) fn root(ctx: &'a Ctx<'a>, table: &'a Table, section: &'static Section) -> Self {
        let at = At { layer: 0, offset: 0 };
        let fields = Self { ctx, table, path: String::new(), at, section };
        fields.refuse_unknown();
        fields
    }

    fn refuse_unknown(&self) {
        for (key, entry) in &self.table.entries {
            if self.section.fields.iter().all(|field| field.name != key) {
                let names = self.section.fields.iter().map(|field| field.name);
                let near = nearest(key, names.clone()).map(str::to_owned);
                let message = if near.is_some() {
                    "unknown field".to_owned()
                } else {
                    format!(
                        "unknown field; expected one of {}",
                        names.collect::<Vec<_>>().join(", ")
                    )
                };
                self.ctx.error_near(entry.key_at, &self.path_of(key), message, near);
            }
        }
    }

    /// The dotted path of a field.
    pub(super) fn path_of(&self, name: &str) -> String {
        join_path(&self.path, name)
    }

    /// What stands under a field.
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        debug_assert!(
            self.section.fields.iter().any(|field| field.name == name),
            "{name} is not in the schema of {}",
            self.section.path
        );
        #[cfg(test)]
        READ.with_borrow_mut(|read| read.insert((self.section.path, name.to_owned())));
        self.table.get(name)
    }

    /// The place of a field, or of its table where it is not given.
    pub(super) fn place(&self, name: &str) -> At {
        self.table.get(name).map_or(self.at, |node| node.at)
    }

    fn expects(&self, name: &str) -> &'static str {
        self.section.fields.iter().find(|f| f.name == name).map_or("a value", |f| f.expects)
    }

    /// Reports a mistake in a field.
    pub(super) fn wrong(&self, name: &str, message: impl Into<String>) {
        self.ctx.error(self.place(name), &self.path_of(name), message);
    }

    fn wrong_type(&self, name: &str, node: &Node) {
        let message = format!("expected {}, found {}", self.expects(name), node.value.what());
        self.ctx.error(node.at, &self.path_of(name), message);
    }

    /// Text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let node = self.node(name)?;
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(name, node);
        None
    }

    /// Text, copied.
    pub(super) fn string(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let node = self.node(name)?;
        if let Value::Flag(flag) = node.value {
            return Some(flag);
        }
        self.wrong_type(name, node);
        None
    }

    /// A whole number from zero.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        let node = self.node(name)?;
        match node.value {
            Value::Whole(number) => match u64::try_from(number) {
                Ok(number) => return Some(number),
                Err(_) => self.wrong(name, format!("expected {}, not below 0", self.expects(name))),
            },
            _ => self.wrong_type(name, node),
        }
        None
    }

    /// A whole number from one.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        let number = self.whole(name)?;
        if number == 0 {
            self.wrong(name, format!("expected {}, not 0", self.expects(name)));
            return None;
        }
        Some(number)
    }

    /// A number between two bounds.
    pub(super) fn number(&self, name: &str, least: f64, most: f64) -> Option<f64> {
        let node = self.node(name)?;
        let number = match node.value {
            Value::Whole(number) => number as f64,
            Value::Float(number, _) => number,
            _ => {
                self.wrong_type(name, node);
                return None;
            }
        };
        if !number.is_finite() || number < least || number > most {
            let message = if most.is_finite() {
                format!("expected a number from {least} to {most}, found {number}")
            } else {
                format!("expected a number from {least}, found {number}")
            };
            self.wrong(name, message);
            return None;
        }
        Some(number)
    }

    /// One of a few words; `-` and `_` are the same.
    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let plain = text.replace('-', "_");
        if let Some((_, value)) = words.iter().find(|(word, _)| word.replace('-', "_") == plain) {
            return Some(*value);
        }
        let near = nearest(text, words.iter().map(|(word, _)| *word)).map(str::to_owned);
        let message = format!("expected {}, found {text:?}", self.expects(name));
        self.ctx.error_near(self.place(name), &self.path_of(name), message, near);
        None
    }

    /// A span of time, longer than nothing.
    pub(super) fn span(&self, name: &str) -> Option<Duration> {
        let node = self.node(name)?;
        match &node.value {
            Value::Text(text) => match parse_span(text) {
                Ok(span) if span.is_zero() => self.wrong(name, "expected more than nothing"),
                Ok(span) => return Some(span),
                Err(why) => self.wrong(name, format!("{why}, found {text:?}")),
            },
            Value::Whole(_) | Value::Float(..) => {
                let message =
                    format!("expected a span with its unit, such as {}", self.expects(name));
                let number = match &node.value {
                    Value::Whole(number) => number.to_string(),
                    Value::Float(_, raw) => raw.clone(),
                    _ => String::new(),
                };
                let near = Some(format!("\"{number}s\""));
                self.ctx.error_near(node.at, &self.path_of(name), message, near);
            }
            _ => self.wrong_type(name, node),
        }
        None
    }

    /// A size in bytes.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        let node = self.node(name)?;
        let size = match &node.value {
            Value::Text(text) => parse_size(text),
            Value::Whole(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        if size.is_none() {
            self.wrong(name, format!("expected a size such as {}", self.expects(name)));
        }
        size
    }

    /// A price per million tokens, from zero, read exactly.
    pub(super) fn price(&self, name: &str) -> Option<Price> {
        self.exactly(name, &Price::FREE, "expected a price from 0")
    }

    /// An amount of money, from zero, read exactly.
    pub(super) fn money(&self, name: &str) -> Option<Money> {
        self.exactly(name, &Money::ZERO, "expected an amount from 0")
    }

    fn exactly<T>(&self, name: &str, least: &T, expected: &str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display> + PartialOrd,
    {
        let node = self.node(name)?;
        match decimal::<T>(node) {
            Some(Ok(value)) if value >= *least => return Some(value),
            Some(Ok(_)) => self.wrong(name, expected),
            Some(Err(why)) => self.wrong(name, why.to_string()),
            None => self.wrong_type(name, node),
        }
        None
    }

    /// Text or a list of texts, each with its place.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<(&'a str, At)>> {
        let node = self.node(name)?;
        match &node.value {
            Value::Text(text) => Some(vec![(text, node.at)]),
            Value::List(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    match &item.value {
                        Value::Text(text) => out.push((text.as_str(), item.at)),
                        other => {
                            let message = format!("expected text, found {}", other.what());
                            self.ctx.error(item.at, &self.path_of(name), message);
                        }
                    }
                }
                Some(out)
            }
            _ => {
                self.wrong_type(name, node);
                None
            }
        }
    }

    /// Texts without their places.
    pub(super) fn strings(&self, name: &str) -> Option<Vec<String>> {
        Some(self.texts(name)?.into_iter().map(|(text, _)| text.to_owned()).collect())
    }

    /// Dates as text, whether they were written with quotes or without.
    pub(super) fn dates(&self, name: &str) -> Vec<(&'a str, At)> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match &item.value {
                Value::Text(text) | Value::Date(text) => out.push((text.as_str(), item.at)),
                other => {
                    let message = format!("expected a date, found {}", other.what());
                    self.ctx.error(item.at, &self.path_of(name), message);
                }
            }
        }
        out
    }

    /// A table inside this one, if it is given and is one.
    pub(super) fn opened(&self, name: &str, section: &'static Section) -> Option<Fields<'a>> {
        let node = self.node(name)?;
        if !matches!(node.value, Value::Table(_)) {
            // What this very table looks like helps more than that it is one.
            self.wrong_type(name, node);
            return None;
        }
        Fields::open(self.ctx, node, self.path_of(name), section)
    }

    /// A table inside this one; an empty one where it is not given.
    pub(super) fn section(&self, name: &str, section: &'static Section) -> Fields<'a> {
        self.opened(name, section).unwrap_or_else(|| Fields {
            ctx: self.ctx,
            table: &EMPTY,
            path: self.path_of(name),
            at: self.place(name),
            section,
        })
    }

    /// Tables by name.
    pub(super) fn named(
        &self,
        name: &str,
        section: &'static Section,
    ) -> Vec<(&'a str, Fields<'a>)> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let path = self.path_of(name);
        let Value::Table(table) = &node.value else {
            self.wrong_type(name, node);
            return Vec::new();
        };
        table
            .entries
            .iter()
            .filter_map(|(key, entry)| {
                let at = join_path(&path, key);
                Some((key.as_str(), Fields::open(self.ctx, &entry.node, at, section)?))
            })
            .collect()
    }

    /// A list of tables.
    pub(super) fn list(&self, name: &str, section: &'static Section) -> Vec<Fields<'a>> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong_type(name, node);
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(n, item)| {
                Fields::open(self.ctx, item, format!("{}[{n}]", self.path_of(name)), section)
            })
            .collect()
    }

    /// Reports a name that does not exist, with the nearest one that does.
    pub(super) fn unknown_name<'n>(
        &self,
        name: &str,
        at: At,
        message: String,
        wanted: &str,
        known: impl Iterator<Item = &'n str>,
    ) {
        let near = nearest(wanted, known).map(str::to_owned);
        self.ctx.error_near(at, &self.path_of(name), message, near);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_kinds_of_thousands() {
        assert_eq!(parse_size("64MB"), Some(64_000_000));
        assert_eq!(parse_size("64 MiB"), Some(64 << 20));
        assert_eq!(parse_size("512"), Some(512));
        for text in ["", "MB", "-1MB", "1.5MB", "64 parsecs", "99999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }
}
