//! Data files to data: TOML text into any serde type, with the error in words.
//!
//! Owns: nothing but the conversion. Invariant: unknown keys are errors wherever the type says so.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, TableLike, Value as Toml};

/// Reads a TOML text.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    serde_json::from_value(table(document.as_table())).map_err(|error| error.to_string())
}

/// A table as JSON.
pub fn table(table: &dyn TableLike) -> Value {
    let pairs = table.iter().map(|(key, entry)| (key.to_owned(), item(entry)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn item(entry: &Item) -> Value {
    match entry {
        Item::None => Value::Null,
        Item::Value(found) => value(found),
        Item::Table(found) => table(found),
        Item::ArrayOfTables(found) => Value::Array(found.iter().map(|t| table(t)).collect()),
    }
}

fn value(found: &Toml) -> Value {
    match found {
        Toml::String(text) => Value::String(text.value().clone()),
        Toml::Integer(number) => Value::from(*number.value()),
        Toml::Float(number) => Value::from(*number.value()),
        Toml::Boolean(truth) => Value::Bool(*truth.value()),
        Toml::Datetime(moment) => Value::String(moment.value().to_string()),
        Toml::Array(list) => Value::Array(list.iter().map(value).collect()),
        Toml::InlineTable(found) => table(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_lists_and_numbers_arrive_as_they_are_written() {
        let read: Value = read("a = 1\n[b]\nc = [0.5, \"x\"]\n[[d]]\ne = true\n").unwrap();
        assert_eq!(read, serde_json::json!({"a":1,"b":{"c":[0.5,"x"]},"d":[{"e":true}]}));
    }

    #[test]
    fn a_broken_text_is_an_error_in_words() {
        assert!(super::read::<Value>("a = ").unwrap_err().contains("line 1"));
    }
}
