//! The layers a configuration is made of, and where in them a value stands.
//!
//! Owns: layer kinds and their order, byte offset to line and column. Must not know what any field
//! means. Invariant: a position names something a person can open, or the variable or flag they set.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a layer is; later kinds override earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// Presets and defaults inside the program.
    Shipped,
    /// Prices taken from a feed.
    Synced,
    /// The user's file (or, in a demonstration, the simulated fleet's).
    User,
    /// `WHEELHOUSE__…` variables.
    Environment,
    /// Command-line flags.
    Flags,
}

impl LayerKind {
    /// A person said so, rather than we or a price feed.
    pub const fn is_users(self) -> bool {
        matches!(self, Self::User | Self::Environment | Self::Flags)
    }

    /// The word `config show` uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Synced => "synced",
            Self::User => "user",
            Self::Environment => "environment",
            Self::Flags => "flags",
        }
    }
}

/// One layer: TOML text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What it is.
    pub kind: LayerKind,
    /// A file name as the user would type it, or `environment`, or the flag.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Layer {
    /// The user's file.
    pub fn user(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: LayerKind::User, name: name.into(), text: text.into() }
    }

    /// A command-line flag that sets one field: `Layer::flag("--policy", "routing.policy", "fast")`.
    /// The value is TOML where it parses as such and a string otherwise.
    pub fn flag(flag: &str, path: &str, value: &str) -> Self {
        Self {
            kind: LayerKind::Flags,
            name: flag.to_owned(),
            text: format!("{path} = {}", as_toml(value)),
        }
    }
}

/// A value as TOML text: itself where it parses, a quoted string otherwise. Always one line.
fn as_toml(value: &str) -> String {
    let value = value.trim();
    if !value.contains(['\n', '\r', '#']) && value.parse::<toml_edit::Value>().is_ok() {
        value.to_owned()
    } else {
        toml_edit::Value::from(value.replace(['\r', '\n'], " ")).to_string()
    }
}

/// `key` as TOML writes it in a path: bare where it can be, quoted where it must.
pub(super) fn quoted_key(key: &str) -> String {
    let bare =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { format!("\"{}\"", key.escape_default()) }
}

/// `path.key`, quoting where TOML would.
pub(super) fn join_path(path: &str, key: &str) -> String {
    if path.is_empty() { quoted_key(key) } else { format!("{path}.{}", quoted_key(key)) }
}

/// The layer made of `WHEELHOUSE__ROUTING__POLICY=…` variables, if there are any. Two underscores
/// separate steps of the path; names are lower-cased, and where a name in the configuration has
/// characters a variable cannot have, `_` stands for them. A value is TOML where it parses as such
/// and a string otherwise.
pub fn environment_layer(vars: impl Iterator<Item = (String, String)>) -> Option<Layer> {
    let wanted: BTreeMap<String, String> = vars
        .filter(|(name, _)| name.strip_prefix("WHEELHOUSE__").is_some_and(|rest| !rest.is_empty()))
        .collect();
    let mut text = String::new();
    for (name, value) in &wanted {
        let path = name["WHEELHOUSE__".len()..]
            .split("__")
            .map(|step| quoted_key(&step.to_ascii_lowercase()))
            .collect::<Vec<_>>()
            .join(".");
        let _ = writeln!(text, "{path} = {} # {name}", as_toml(value));
    }
    (!text.is_empty()).then(|| Layer {
        kind: LayerKind::Environment,
        name: "environment".to_owned(),
        text,
    })
}

/// Where a value stands: a layer, and a byte offset in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Index into [`Sources`]; a greater one overrides a lesser.
    pub(super) layer: u16,
    /// Byte offset.
    pub(super) offset: u32,
}

/// A position for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) file: String,
    /// From 1; 0 where lines mean nothing (a variable, a flag).
    pub(super) line: usize,
    /// In characters, from 1; 0 where lines mean nothing.
    pub(super) column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            f.write_str(&self.file)
        } else {
            write!(f, "{}:{}", self.file, self.line)
        }
    }
}

/// A layer's text as the sources keep it; shipped text is not copied.
#[derive(Debug, Clone)]
struct Source {
    kind: LayerKind,
    name: std::borrow::Cow<'static, str>,
    text: std::borrow::Cow<'static, str>,
}

/// All layers, lowest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    layers: Vec<Source>,
}

impl Sources {
    /// Adds text that is part of the program.
    pub(super) fn push_shipped(&mut self, name: &'static str, text: &'static str) -> u16 {
        self.push_source(Source { kind: LayerKind::Shipped, name: name.into(), text: text.into() })
    }

    /// Adds a layer above those there.
    pub(super) fn push(&mut self, layer: Layer) -> u16 {
        self.push_source(Source {
            kind: layer.kind,
            name: layer.name.into(),
            text: layer.text.into(),
        })
    }

    fn push_source(&mut self, source: Source) -> u16 {
        self.layers.push(source);
        u16::try_from(self.layers.len() - 1).unwrap_or(u16::MAX)
    }

    /// What kind of layer it is.
    pub(super) fn kind(&self, at: At) -> LayerKind {
        self.layers.get(usize::from(at.layer)).map_or(LayerKind::Shipped, |layer| layer.kind)
    }

    /// Where that is, for people.
    pub(super) fn position(&self, at: At) -> Position {
        let Some(source) = self.layers.get(usize::from(at.layer)) else {
            return Position { file: String::new(), line: 0, column: 0 };
        };
        let text: &str = &source.text;
        let offset = text.floor_char_boundary((at.offset as usize).min(text.len()));
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        if matches!(source.kind, LayerKind::Environment | LayerKind::Flags) {
            let line = text[start..].lines().next().unwrap_or_default();
            let named = line.rsplit_once(" # ").map(|(_, name)| name.to_owned());
            let file = named.unwrap_or_else(|| source.name.to_string());
            return Position { file, line: 0, column: 0 };
        }
        Position {
            file: source.name.to_string(),
            line: text[..offset].matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn variables_become_one_line_each_in_order() {
        let vars = [
            pair("WHEELHOUSE__ROUTING__POLICY", "cheapest"),
            pair("WHEELHOUSE__BUDGET__DAY__LIMIT", "2.50"),
            pair("WHEELHOUSE_CONFIG", "elsewhere.toml"),
            pair("HOME", "x"),
        ];
        let layer = environment_layer(vars.into_iter()).unwrap();
        assert_eq!(
            layer.text,
            "budget.day.limit = 2.50 # WHEELHOUSE__BUDGET__DAY__LIMIT\n\
             routing.policy = \"cheapest\" # WHEELHOUSE__ROUTING__POLICY\n"
        );
    }

    #[test]
    fn without_variables_there_is_no_layer() {
        assert!(environment_layer([pair("PATH", "x")].into_iter()).is_none());
    }

    #[test]
    fn a_value_with_a_newline_or_a_hash_stays_one_line() {
        let layer =
            environment_layer([pair("WHEELHOUSE__CONSOLE__THEME", "a\nb#c")].into_iter()).unwrap();
        assert_eq!(layer.text.lines().count(), 1);
        let mut sources = Sources::default();
        let index = sources.push(layer);
        let position = sources.position(At { layer: index, offset: 0 });
        assert_eq!(position.to_string(), "WHEELHOUSE__CONSOLE__THEME");
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let mut sources = Sources::default();
        let index = sources.push(Layer::user("c.toml", "a = 1\nbé = é = 2"));
        let offset = u32::try_from("a = 1\nbé = ".len()).unwrap();
        let position = sources.position(At { layer: index, offset });
        assert_eq!((position.line, position.column), (2, 6));
    }
}
