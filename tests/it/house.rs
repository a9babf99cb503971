//! Rules of the house that a compiler does not check: who may use whom, how long a file may be,
//! that each says what it is for, that nothing in it points outside the project, and that the data
//! files it ships can be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, the rooms it may use, and what it must not know.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &["tokio", "ratatui", "crossterm", "reqwest", "std::fs", "SystemTime"]),
    ("text", &["domain"], &["tokio", "ratatui", "crossterm", "reqwest"]),
    ("config", &["domain"], &["tokio", "ratatui", "crossterm", "reqwest"]),
    ("wire", &["domain", "config"], &["ratatui", "crossterm"]),
    ("route", &["domain", "text"], &["tokio", "ratatui", "crossterm", "reqwest", "SystemTime"]),
    ("cache", &["domain"], &["tokio", "ratatui", "crossterm", "reqwest"]),
    ("ledger", &["domain", "route"], &["ratatui", "crossterm", "reqwest", "SystemTime"]),
    (
        "engine",
        &["domain", "text", "config", "wire", "route", "cache", "ledger"],
        &["ratatui", "crossterm", "axum"],
    ),
    (
        "console",
        &["domain", "text", "config", "route", "engine", "ledger"],
        &["reqwest", "rusqlite"],
    ),
    ("sim", &["domain", "text", "config", "wire"], &["ratatui", "crossterm"]),
];

/// The one room that may use all others.
const COMPOSER: &str = "cli";

/// Lines a file may have without its tests.
const LONGEST: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below these, by its path from the root.
fn files(starts: &[&str]) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = starts.iter().map(|start| root().join(start)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                open.push(entry.unwrap().path());
            }
        } else if path.is_file() {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push((name, path));
        }
    }
    found.sort();
    found
}

fn sources(starts: &[&str]) -> Vec<(String, String)> {
    files(starts)
        .into_iter()
        .filter(|(_, path)| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

fn is_test_file(name: &str) -> bool {
    name.starts_with("tests/")
        || name.contains("/tests/")
        || name.ends_with("_tests.rs")
        || name.ends_with("/tests.rs")
}

/// A file without its test module and its comments.
fn code(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some(at) = test_module(&lines) {
        lines.truncate(at);
    }
    lines.retain(|line| !line.trim_start().starts_with("//"));
    lines
}

/// Where the inline test module begins.
fn test_module(lines: &[&str]) -> Option<usize> {
    lines.windows(2).position(|two| {
        two[0].trim() == "#[cfg(test)]" && two[1].trim_start().starts_with("mod tests {")
    })
}

/// The rooms a line names after `crate::`, also in a group `use crate::{a, b::C}`.
fn rooms_in(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let word: String =
                name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if ROOMS.iter().any(|(room, ..)| *room == word) || word == COMPOSER {
                found.push(word);
            }
        }
    }
    found
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut broken = Vec::new();
    for (name, text) in sources(&["src"]) {
        let room = name.trim_start_matches("src/").split(['/', '.']).next().unwrap();
        let Some((_, may_use, must_not_know)) = ROOMS.iter().find(|(known, ..)| *known == room)
        else {
            continue;
        };
        if is_test_file(&name) {
            continue;
        }
        for line in code(&text) {
            for used in rooms_in(line) {
                if used != room && !may_use.contains(&used.as_str()) {
                    broken.push(format!("{name} uses {used}: {}", line.trim()));
                }
            }
            for word in *must_not_know {
                let path = format!("{word}::");
                if line.contains(&path) || line.trim_end().ends_with(word) && line.contains("use ")
                {
                    broken.push(format!("{name} knows {word}: {}", line.trim()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut rooms: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    rooms.sort_unstable();
    let mut known: Vec<&str> = ROOMS.iter().map(|(room, ..)| *room).collect();
    known.push(COMPOSER);
    known.sort_unstable();
    assert_eq!(rooms, known);
    // The architecture page names each of them too.
    for room in rooms {
        assert!(
            library.contains(&format!("//! | [`{room}`] |")),
            "src/lib.rs does not tell of {room}"
        );
    }
}

#[test]
fn no_file_is_longer_than_one_reason_to_change() {
    let mut long = Vec::new();
    for (name, text) in sources(&["src", "tests"]) {
        if is_test_file(&name) && !name.starts_with("tests/perf") {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        let length = test_module(&lines).unwrap_or(lines.len());
        if length >= LONGEST {
            long.push(format!("{name} has {length} lines"));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let mute: Vec<String> = sources(&["src", "tests"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    assert!(mute.is_empty(), "no `//!` at the head of {mute:?}");
}

#[test]
fn modules_are_named_after_what_they_hold() {
    let unnamed: Vec<String> = files(&["src"])
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with("/mod.rs"))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

/// Text files that belong to the project, whatever they are.
fn texts() -> Vec<(String, String)> {
    let meta = [
        "src",
        "tests",
        "assets",
        "themes",
        ".ci",
        "Cargo.toml",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "rustfmt.toml",
    ];
    files(&meta)
        .into_iter()
        .filter_map(|(name, path)| Some((name, String::from_utf8(fs::read(path).ok()?).ok()?)))
        .collect()
}

#[test]
fn nothing_points_outside_the_project() {
    // Written in pieces, so that this file does not find itself.
    let outside =
        [["..", "/shared"], ["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/tm", "p/wt"]]
            .map(|parts| parts.concat());
    let mut found = Vec::new();
    for (name, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            let public = line.contains("://");
            if outside.iter().any(|word| line.contains(word.as_str()) && !public)
                || names_a_requirement(line)
            {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A requirement's number: the letter, one or two digits, a dot, a digit; alone, not inside a word.
fn names_a_requirement(line: &str) -> bool {
    line.match_indices('R').any(|(at, _)| {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_-/\"+=".contains(c)) {
            return false;
        }
        let rest = &line[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let tail = rest.as_bytes().get(digits..).unwrap_or_default();
        (1..=2).contains(&digits)
            && tail.first() == Some(&b'.')
            && tail.get(1).is_some_and(u8::is_ascii_digit)
    })
}

#[test]
fn shipped_data_can_be_read() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (name, path) in files(&["assets", "themes"]) {
        let bytes = fs::read(&path).unwrap();
        let text =
            || String::from_utf8(bytes.clone()).unwrap_or_else(|_| panic!("{name}: not UTF-8"));
        let kind = name.rsplit('.').next().unwrap().to_owned();
        match kind.as_str() {
            "toml" => {
                let parsed = text().parse::<toml_edit::DocumentMut>();
                assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err());
            }
            "json" => {
                let parsed = serde_json::from_str::<serde_json::Value>(&text());
                assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err());
            }
            "tsv" => {
                let text = text();
                let mut rows = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
                let columns = rows.next().map(|row| row.matches('\t').count());
                for row in rows {
                    assert_eq!(Some(row.matches('\t').count()), columns, "{name}: {row}");
                }
            }
            "svg" => assert!(text().contains("<svg"), "{name}"),
            _ => {
                let _readable = text();
            }
        }
        *kinds.entry(kind).or_default() += 1;
    }
    assert!(kinds.get("toml").is_some_and(|count| *count > 0), "no data shipped: {kinds:?}");
}

#[test]
fn the_checks_themselves_see_what_they_look_for() {
    assert_eq!(rooms_in("use crate::{domain::Money, text};"), ["domain", "text"]);
    assert_eq!(rooms_in("    crate::engine::now()"), ["engine"]);
    assert!(rooms_in("use super::text;").is_empty());
    assert!(names_a_requirement(&["see R", "4.1"].concat()));
    assert!(!names_a_requirement("CR1.5 and R2D2"));
    assert_eq!(code("a\n// b\n#[cfg(test)]\nmod tests {\n    c"), ["a"]);
}

/// The README's part between two marks.
fn part(text: &str, mark: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let from = text.find(&begin).unwrap() + begin.len();
    let to = text.find(&end).unwrap();
    text[from..to].trim().to_owned()
}

#[test]
fn the_readme_lists_the_keys_the_program_has() {
    use wheelhouse::console::keys::{Keymap, readme};
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let table = readme(&Keymap::defaults());
    if std::env::var_os("UPDATE_README").is_some() {
        let old = part(&text, "keys");
        let new = format!("<!-- keys -->\n{}\n<!-- /keys -->", table.trim());
        let marks = [
            format!("<!-- keys -->\n{old}\n<!-- /keys -->"),
            "<!-- keys -->\n<!-- /keys -->".into(),
        ];
        let mark = marks.iter().find(|mark| text.contains(mark.as_str())).unwrap();
        fs::write(&path, text.replace(mark, &new)).unwrap();
        return;
    }
    assert_eq!(part(&text, "keys"), table.trim(), "UPDATE_README=1 cargo test --test it house");
}

#[test]
fn the_readme_tells_what_the_program_does() {
    use clap::CommandFactory as _;
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    for line in wheelhouse::cli::args::EXIT_CODES.lines() {
        let (code, meaning) = line.trim().split_once(' ').unwrap();
        let row = format!("| {code} | {} |", meaning.trim());
        assert!(text.contains(&row), "the exit codes differ: {row}");
    }
    let command = wheelhouse::cli::args::Cli::command();
    for line in
        text.lines().filter_map(|line| line.trim().split_once("wheelhouse ").map(|(_, l)| l))
    {
        let word = line.split_whitespace().next().unwrap_or_default();
        let known =
            word.starts_with(['-', '"', '`', '#']) || command.find_subcommand(word).is_some();
        assert!(known || !text.contains(&format!("    wheelhouse {word}")), "no command {word:?}");
    }
    for picture in text.split("](assets/").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(root().join("assets").join(picture).exists(), "{picture} is not there");
    }
}
