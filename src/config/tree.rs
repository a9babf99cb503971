//! Layers of TOML as one tree whose every leaf remembers its place.
//!
//! Owns: parsing with positions, and merging. Must not know what any field means. Invariant: after
//! a merge, tables hold the keys of all layers and every other value is the topmost layer's, whole
//! (a list is replaced, never appended to).

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike};

use super::source::{At, LayerKind, join_path};

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// A TOML value. Numbers keep their text, so that money is read exactly.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Float(f64, String),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// Keys in a fixed order.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: BTreeMap<String, Entry>,
}

/// A key's place, and what stands under it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key_at: At,
    pub(super) node: Node,
}

/// Why a text is not TOML, and where.
pub(super) struct SyntaxError {
    pub(super) at: At,
    pub(super) message: String,
}

impl Value {
    /// What it is, in words, for "expected …, found …".
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Whole(_) => "a whole number",
            Self::Float(..) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Table {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.node)
    }

    /// The table under a key.
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// The text under a key.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads one layer.
pub(super) fn parse(text: &str, layer: u16) -> Result<Table, SyntaxError> {
    let at = |offset: usize| At { layer, offset: u32::try_from(offset).unwrap_or(u32::MAX) };
    match toml_edit::Document::parse(text) {
        Ok(document) => Ok(table(document.as_table(), text, &at)),
        Err(error) => {
            let offset = error.span().map_or(text.len(), |span| span.start);
            // The parser's reason may run over several lines; one is enough beside a position.
            let message = error.message().trim().replace('\n', ", ");
            Err(SyntaxError { at: at(offset), message })
        }
    }
}

fn table(from: &dyn TableLike, text: &str, at: &dyn Fn(usize) -> At) -> Table {
    let mut entries = BTreeMap::new();
    for (key, item) in from.iter() {
        let key_at = from.get_key_value(key).and_then(|(key, _)| key.span());
        let key_at = at(key_at.map_or(0, |span| span.start));
        if let Some(node) = node(item, key_at, text, at) {
            entries.insert(key.to_owned(), Entry { key_at, node });
        }
    }
    Table { entries }
}

fn node(item: &Item, key_at: At, text: &str, at: &dyn Fn(usize) -> At) -> Option<Node> {
    let place = item.span().map_or(key_at, |span| at(span.start));
    let value = match item {
        Item::None => return None,
        Item::Value(value) => return Some(self::value(value, key_at, text, at)),
        Item::Table(inner) => {
            return Some(Node { at: key_at, value: Value::Table(table(inner, text, at)) });
        }
        Item::ArrayOfTables(list) => Value::List(
            list.iter()
                .map(|inner| Node {
                    at: inner.span().map_or(key_at, |span| at(span.start)),
                    value: Value::Table(table(inner, text, at)),
                })
                .collect(),
        ),
    };
    Some(Node { at: place, value })
}

fn value(from: &toml_edit::Value, key_at: At, text: &str, at: &dyn Fn(usize) -> At) -> Node {
    use toml_edit::Value as Toml;
    let span = from.span();
    let place = span.as_ref().map_or(key_at, |span| at(span.start));
    let raw = || span.clone().and_then(|span| text.get(span)).unwrap_or_default().replace('_', "");
    let value = match from {
        Toml::String(text) => Value::Text(text.value().clone()),
        Toml::Integer(number) => Value::Whole(*number.value()),
        Toml::Float(number) => Value::Float(*number.value(), raw()),
        Toml::Boolean(flag) => Value::Flag(*flag.value()),
        Toml::Datetime(date) => Value::Date(date.value().to_string()),
        Toml::Array(list) => {
            Value::List(list.iter().map(|item| self::value(item, place, text, at)).collect())
        }
        Toml::InlineTable(inner) => Value::Table(table(inner, text, at)),
    };
    Node { at: place, value }
}

/// A value that stands where the layers below have a table. The table stays.
pub(super) struct Clash {
    pub(super) at: At,
    pub(super) path: String,
    pub(super) found: &'static str,
}

/// Lays `upper` over `lower`. In variables, `_` may stand for any character a variable's name
/// cannot have, so `gpt_4o` finds `gpt-4o`.
pub(super) fn merge(lower: &mut Table, upper: Table, kind: LayerKind, clashes: &mut Vec<Clash>) {
    merge_at("", lower, upper, kind, clashes);
}

fn merge_at(
    path: &str,
    lower: &mut Table,
    upper: Table,
    kind: LayerKind,
    clashes: &mut Vec<Clash>,
) {
    for (key, entry) in upper.entries {
        let key = match kind {
            LayerKind::Environment if !lower.entries.contains_key(&key) => {
                let plain = as_variable(&key);
                let known = lower.entries.keys().find(|known| as_variable(known) == plain);
                known.cloned().unwrap_or(key)
            }
            _ => key,
        };
        let Some(below) = lower.entries.get_mut(&key) else {
            lower.entries.insert(key, entry);
            continue;
        };
        let at = entry.node.at;
        match (&mut below.node.value, entry.node.value) {
            (Value::Table(lower), Value::Table(upper)) => {
                below.key_at = entry.key_at;
                below.node.at = at;
                merge_at(&join_path(path, &key), lower, upper, kind, clashes);
            }
            (Value::Table(_), other) => {
                clashes.push(Clash { at, path: join_path(path, &key), found: other.what() });
            }
            (_, value) => *below = Entry { key_at: entry.key_at, node: Node { at, value } },
        }
    }
}

/// Is this the name of what a layer below calls `known`?
pub(super) fn names(kind: LayerKind, name: &str, known: &str) -> bool {
    name == known || (kind == LayerKind::Environment && as_variable(name) == as_variable(known))
}

fn as_variable(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str, layer: u16) -> Table {
        parse(text, layer).unwrap_or_else(|error| panic!("{}", error.message))
    }

    #[test]
    fn tables_merge_by_key_and_everything_else_is_replaced() {
        let mut lower = tree("[a]\nx = 1\ny = [1, 2]\n[[b]]\nz = 1\n[[b]]\nz = 2", 0);
        merge(
            &mut lower,
            tree("a = { y = [3] }\n[[b]]\nz = 3", 1),
            LayerKind::User,
            &mut Vec::new(),
        );
        let a = lower.table("a").unwrap();
        assert!(matches!(a.get("x").unwrap(), Node { at: At { layer: 0, .. }, .. }));
        assert!(matches!(&a.get("y").unwrap().value, Value::List(items) if items.len() == 1));
        assert!(matches!(&lower.get("b").unwrap().value, Value::List(items) if items.len() == 1));
    }

    #[test]
    fn a_table_is_not_lost_to_a_value_in_its_place() {
        let mut lower = tree("[a.b]\nx = 1", 0);
        let mut clashes = Vec::new();
        merge(&mut lower, tree("a = { b = 3 }", 1), LayerKind::User, &mut clashes);
        assert_eq!((clashes[0].path.as_str(), clashes[0].found), ("a.b", "a whole number"));
        assert!(lower.table("a").unwrap().table("b").is_some());
    }

    #[test]
    fn a_variable_finds_the_name_it_cannot_spell() {
        let mut lower = tree("[models.\"gpt-4.1\"]\nid = \"a\"", 0);
        merge(
            &mut lower,
            tree("models.gpt_4_1.id = \"b\"", 1),
            LayerKind::Environment,
            &mut Vec::new(),
        );
        let models = lower.table("models").unwrap();
        assert_eq!(models.entries.len(), 1);
        assert_eq!(models.table("gpt-4.1").unwrap().text("id"), Some("b"));
    }

    #[test]
    fn a_syntax_error_knows_its_place() {
        let text = "a = 1\nb = = 2\n";
        let error = parse(text, 3).err().unwrap();
        assert_eq!(error.at.layer, 3);
        assert_eq!(&text[error.at.offset as usize..][..1], "=");
        assert!(!error.message.contains('\n'));
    }

    #[test]
    fn a_price_keeps_its_digits() {
        let tree = tree("p = 1_000.10", 0);
        assert!(matches!(&tree.get("p").unwrap().value, Value::Float(_, raw) if raw == "1000.10"));
    }
}
