//! The Costs view: narrowing it, another currency, and the file it writes.

use std::os::unix::fs::PermissionsExt as _;

use super::terminal::{Start, Terminal};

/// A demo that keeps in a directory of its own, with one question answered and its costs on the screen.
fn spent(start: Start) -> Terminal {
    let mut t =
        start.config("[currency]\nrates = { CNY = 7.12 }\nas_of = \"2026-11-20\"\n").ready();
    t.ask("路由");
    t.see(" out · ");
    t.keys("\x184");
    // The answer's money is in the sums once it is on the disk. How broad the first column is depends on
    // who answered, which depends on the hour.
    t.wait("one call in the table", |t| {
        t.rows().iter().any(|row| {
            let mut words = row.split_whitespace();
            (words.next(), words.next()) == (Some("total"), Some("1"))
        })
    });
    t
}

#[test]
fn a_filter_narrows_costs_as_it_is_typed_with_the_cursor_behind_it_and_esc_shows_all() {
    let mut t = spent(Start::demo());
    t.keys("gg");
    t.see(" 路由 ");
    t.keys("/由");
    t.wait("the cursor behind the letter", |t| {
        t.find("COSTS /由").is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 9))
    });
    t.see(" filtered ");
    t.keys("x");
    t.see("nothing is called so");
    t.keys("\x1b");
    t.wait("the whole table", |t| t.shows(" total ") && !t.shows("filtered"));
    t.keys("c");
    t.see("$1 is 7.12 CNY, 2026-11-20");
    assert!(t.shows("~¥") || t.shows("<¥"), "{}", t.text());
}

#[test]
fn an_exported_table_is_a_private_file_where_it_was_said() {
    let mut t = spent(Start::demo().env("WHEELHOUSE_DATA", "data"));
    t.keys("x");
    t.see("export it as JSON");
    t.keys("c");
    t.see("written to data/exports/costs-");
    t.keys("xj");
    t.see(".json");
    let dir = t.home().join("data/exports");
    let mut names: Vec<_> =
        std::fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).collect();
    names.sort();
    let kinds: Vec<_> = names.iter().filter_map(|path| path.extension()?.to_str()).collect();
    assert_eq!(kinds, ["csv", "json"]);
    for path in &names {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let csv = std::fs::read_to_string(&names[0]).unwrap();
    assert!(csv.starts_with("model,session_id,calls,") && csv.lines().count() == 2, "{csv}");
}

#[test]
fn a_file_of_a_demo_is_said_to_go_with_it() {
    let mut t = spent(Start::demo());
    t.keys("xc");
    t.see("it goes when the demo ends");
}
