//! Changing one value of a configuration text and nothing else.
//!
//! Owns: `set` and `unset` on text. Must not know files, or what any field means. Invariant: every
//! comment, blank line and the order of what was there stay; only the value named is another.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// The text is not TOML to begin with.
    NotToml(String),
    /// The path is not one: `routing..policy`.
    NotAPath(String),
    /// Something on the way is not a table.
    NotATable(String),
    /// There is nothing by this name to take out.
    NotThere(String),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotToml(why) => write!(f, "the file is not TOML as it is: {why}"),
            Self::NotAPath(path) => {
                write!(f, "{path:?} is not a field: write routing.policy, models.\"a/b\".id")
            }
            Self::NotATable(path) => write!(f, "{path} is a value, there is nothing below it"),
            Self::NotThere(path) => write!(f, "{path} is not set in this file"),
        }
    }
}

impl std::error::Error for EditError {}

/// The text with `path` set to `value`, which is TOML where it parses as such and a string
/// otherwise. A table that is not there is added at the end.
///
/// # Errors
/// See [`EditError`].
pub fn set(text: &str, path: &str, value: &str) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let keys = path_of(path)?;
    let Some((last, way)) = keys.split_last() else {
        return Err(EditError::NotAPath(path.to_owned()));
    };
    let mut head = document.clone();
    head.set_trailing("");
    let table = walk(document.as_table_mut(), way, Missing::Make)?;
    put(table, last, value_of(value));
    let tail = document.trailing().as_str().unwrap_or_default().to_owned();
    if !way.is_empty() && !tail.trim().is_empty() {
        document.set_trailing("");
        let (head, added) = (head.to_string(), document.to_string());
        // Comments at the end stay before a table that is added behind them.
        if let Some(new) = added.strip_prefix(&head).filter(|new| !new.trim().is_empty()) {
            return Ok(format!("{head}{}\n\n{}", tail.trim_end(), new.trim_start()));
        }
        document.set_trailing(tail);
    }
    Ok(document.to_string())
}

/// The text without `path`: a value goes with its own line and what is said behind it there, a table
/// with all that is in it.
///
/// # Errors
/// See [`EditError`].
pub fn unset(text: &str, path: &str) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let keys = path_of(path)?;
    let Some((last, way)) = keys.split_last() else {
        return Err(EditError::NotAPath(path.to_owned()));
    };
    let missing = || EditError::NotThere(path.to_owned());
    let table = walk(document.as_table_mut(), way, Missing::Fail(path))?;
    table.remove(last.get()).ok_or_else(missing)?;
    Ok(match lines_of(text, way, last) {
        // What is said above a line may be of more than it.
        Some(lines) => format!("{}{}", &text[..lines.start], &text[lines.end..]),
        None => document.to_string(),
    })
}

/// The lines a value stands on, where it has lines of its own.
fn lines_of(text: &str, way: &[Key], last: &Key) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let mut at = document.as_table();
    for key in way {
        at = at.get(key.get())?.as_table()?;
    }
    let (key, item) = at.get_key_value(last.get())?;
    let (from, to) = (key.span()?.start, item.as_value()?.span()?.end);
    let start = text.get(..from)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(to..)?.find('\n').map_or(text.len(), |at| to + at + 1);
    Some(start..end)
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        EditError::NotToml(error.message().lines().next().unwrap_or_default().to_owned())
    })
}

fn path_of(path: &str) -> Result<Vec<Key>, EditError> {
    Key::parse(path).map_err(|_| EditError::NotAPath(path.to_owned()))
}

/// A value as TOML: itself where it parses, a string otherwise.
fn value_of(text: &str) -> Value {
    let text = text.trim();
    let mut value = text.parse().unwrap_or_else(|_| Value::from(text));
    value.decor_mut().clear();
    value
}

/// What to do about a table that is not there.
#[derive(Clone, Copy)]
enum Missing<'a> {
    Make,
    Fail(&'a str),
}

fn walk<'a>(
    root: &'a mut Table,
    way: &[Key],
    missing: Missing<'_>,
) -> Result<&'a mut dyn TableLike, EditError> {
    let mut at: &mut dyn TableLike = root;
    let mut so_far = String::new();
    for (depth, key) in way.iter().enumerate() {
        if depth > 0 {
            so_far.push('.');
        }
        so_far.push_str(&key.to_string());
        if at.get(key.get()).is_none_or(Item::is_none) {
            if let Missing::Fail(path) = missing {
                return Err(EditError::NotThere(path.to_owned()));
            }
            // Tables on the way to one that holds values have no header of their own.
            let mut table = Table::new();
            table.set_implicit(depth + 1 < way.len());
            at.insert(key.get(), Item::Table(table));
            if let Some(item) = at.get_mut(key.get())
                && let Item::Value(value) = item
            {
                // Inside an inline table only another one can stand.
                *value = Value::InlineTable(InlineTable::new());
            }
        }
        let item = at.get_mut(key.get()).filter(|item| item.is_table_like());
        at = item
            .and_then(Item::as_table_like_mut)
            .ok_or_else(|| EditError::NotATable(so_far.clone()))?;
    }
    Ok(at)
}

fn put(table: &mut dyn TableLike, key: &Key, mut value: Value) {
    if let Some(item) = table.get_mut(key.get()) {
        // The decor is what stands around the value: the comment behind it among them.
        if let Some(old) = item.as_value() {
            *value.decor_mut() = old.decor().clone();
        }
        *item = Item::Value(value);
        return;
    }
    // The blank before a closing brace moves behind the new value.
    if let Some((_, Item::Value(last))) = table.iter_mut().last()
        && last.decor().suffix().and_then(|suffix| suffix.as_str()).is_some_and(blank)
    {
        last.decor_mut().set_suffix("");
    }
    table.insert(key.get(), Item::Value(value));
}

fn blank(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# mine
[routing]  # how
policy = \"balanced\"   # steady, for now
on_refusal = \"report\"

# looks
[console]
theme = \"dark\"
keys = { \"chat.send\" = [\"enter\"] }  # one
";

    #[test]
    fn only_the_value_is_another_and_its_comment_stays() {
        let text = set(TEXT, "routing.policy", "fastest").unwrap();
        let expected = TEXT.replace("\"balanced\"", "\"fastest\"");
        assert_eq!(text, expected);
    }

    #[test]
    fn what_was_not_there_is_added_to_its_table_or_in_a_new_one() {
        let text = set(TEXT, "console.ascii", "true").unwrap();
        assert!(text.contains("# one\nascii = true\n"), "{text}");
        let text = set(&text, "budget.day.limit", "2.50").unwrap();
        assert!(text.ends_with("[budget.day]\nlimit = 2.50\n"), "{text}");
        assert!(text.starts_with(TEXT.trim_end()), "{text}");
    }

    #[test]
    fn a_value_inside_an_inline_table_is_reached_too() {
        let text = set(TEXT, "console.keys.\"chat.send\"", "[\"alt-enter\"]").unwrap();
        assert!(text.contains("[\"alt-enter\"] }  # one"), "{text}");
        let text = set("[budget]\nday = { limit = 1 }\n", "budget.day.at_limit", "stop").unwrap();
        assert_eq!(text, "[budget]\nday = { limit = 1, at_limit = \"stop\" }\n");
    }

    #[test]
    fn a_value_is_toml_where_it_can_be_and_a_string_otherwise() {
        assert_eq!(set("", "a", "1.5").unwrap(), "a = 1.5\n");
        assert_eq!(set("", "a", "[1, 2]").unwrap(), "a = [1, 2]\n");
        assert_eq!(set("", "a", "env:KEY").unwrap(), "a = \"env:KEY\"\n");
        assert_eq!(set("", "a", "x\ny = 2").unwrap(), "a = \"\"\"\nx\ny = 2\"\"\"\n");
    }

    #[test]
    fn comments_at_the_end_stay_before_what_is_added() {
        let text = set("# only\n#[x]\n", "console.theme", "dark").unwrap();
        assert_eq!(text, "# only\n#[x]\n\n[console]\ntheme = \"dark\"\n");
        let text = set("a = 1\n# last\n", "b.c.d", "2").unwrap();
        assert_eq!(text, "a = 1\n# last\n\n[b.c]\nd = 2\n");
        let text = set("# last\n", "a", "2").unwrap();
        assert!(text.contains("# last\n") && text.contains("a = 2"), "{text}");
    }

    #[test]
    fn a_setting_is_taken_out_with_what_surrounds_it_left_alone() {
        let text = unset(TEXT, "routing.on_refusal").unwrap();
        assert_eq!(text, TEXT.replace("on_refusal = \"report\"\n", ""));
        let missing = unset(TEXT, "routing.nothing");
        assert_eq!(missing, Err(EditError::NotThere("routing.nothing".to_owned())));
        assert!(matches!(unset(TEXT, "no.such"), Err(EditError::NotThere(_))));
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        assert!(matches!(set("a = ", "b", "1"), Err(EditError::NotToml(_))));
        assert!(matches!(set("", "a..b", "1"), Err(EditError::NotAPath(_))));
        let error = set("a = 1", "a.b", "2").unwrap_err();
        assert_eq!(error, EditError::NotATable("a".to_owned()));
    }

    #[test]
    fn what_is_taken_out_takes_no_comment_of_others_with_it() {
        let text = "\
# the whole file

[routing] # how
# steady
policy = \"balanced\" # for now

# a paragraph about refusals
on_refusal = \"report\" # too
# the end of it
[console]
theme = \"dark\"
keys = { \"chat.send\" = [
  \"enter\", # one
] }
# last
";
        let gone = |path: &str, line: &str| {
            assert_eq!(unset(text, path).unwrap(), text.replace(line, ""), "{path}");
        };
        gone("routing.policy", "policy = \"balanced\" # for now\n");
        gone("routing.on_refusal", "on_refusal = \"report\" # too\n");
        gone("console.theme", "theme = \"dark\"\n");
        gone("console.keys", "keys = { \"chat.send\" = [\n  \"enter\", # one\n] }\n");
        let dotted = "# top\na.b = 1 # x\n# mid\na.c = 2";
        assert_eq!(unset(dotted, "a.c").unwrap(), "# top\na.b = 1 # x\n# mid\n");
        assert_eq!(unset(dotted, "a.b").unwrap(), "# top\n# mid\na.c = 2");
        let inline = "[budget]\nday = { limit = 1, at_limit = \"ask\" } # mine\n";
        let text = unset(inline, "budget.day.at_limit").unwrap();
        assert!(text.contains("limit = 1") && text.ends_with("} # mine\n"), "{text}");
        let table = "[a]\nx = 1\n[b]\ny = 2\n";
        assert_eq!(unset(table, "a").unwrap(), "[b]\ny = 2\n");
    }

    #[test]
    fn setting_what_is_set_changes_nothing() {
        for text in [TEXT, "[a]\nb = 1\n# last\n", "a = 1\n\n# last\n\n"] {
            for (path, value) in [("routing.policy", "balanced"), ("a.b", "1"), ("a", "1")] {
                if set(text, path, value).is_ok() && text.contains(value) {
                    let once = set(text, path, value).unwrap();
                    assert_eq!(set(&once, path, value).unwrap(), once, "{path} in {text:?}");
                }
            }
        }
        assert_eq!(set("[a]\nb = 1\n# last\n", "a.b", "1").unwrap(), "[a]\nb = 1\n# last\n");
        assert_eq!(set("[a]\nb = 1\n# last\n", "a.b", "2").unwrap(), "[a]\nb = 2\n# last\n");
    }
}
