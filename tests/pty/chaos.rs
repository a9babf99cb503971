//! Breaking the demo by hand, and pretending: what is in force stands on the top line while it lasts.

use super::terminal::{Start, Terminal};

/// A slash command, once there is a fleet to give it to.
fn command(t: &mut Terminal, line: &str) {
    t.see("/7 up");
    t.keys(line);
    t.see(line);
    t.keys("\r");
}

#[test]
fn a_fault_struck_from_the_console_moves_traffic_until_it_is_lifted() {
    let mut t = Start::demo().size(120, 40).ready();
    command(&mut t, "/fault openai 503");
    t.see("FAULT openai 503");
    t.keys("/use sim-gpt-4o hello there\r");
    t.see("openai failed");
    command(&mut t, "/fault clear");
    t.wait("no fault", |t| !t.shows("FAULT"));
}

#[test]
fn an_order_that_is_not_understood_says_so_and_stays_in_the_draft() {
    let mut t = Start::demo().ready();
    command(&mut t, "/fault openai earthquake");
    t.see("no fault is called");
    assert!(t.shows("/fault openai earthquake") && !t.shows("FAULT"));
}

#[test]
fn a_drill_stands_on_the_top_line_and_ends_by_command() {
    let mut t = Start::demo().size(120, 40).ready();
    command(&mut t, "/drill openai down 10m");
    t.see("DRILL openai down 10m");
    t.keys("/use sim-gpt-4o hello there\r");
    t.see("openai is in a drill");
    command(&mut t, "/drill off");
    t.wait("no drill", |t| !t.shows("DRILL"));
    t.see("drill over");
}
