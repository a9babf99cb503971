//! What goes wrong on purpose, on the top line for as long as it does: faults of the simulated fleet,
//! and drills.
//!
//! Invariant: while something is in force there is always a chip, however narrow the line.

use std::ops::Range;

use ratatui::layout::Rect;

use super::paint::Ink;
use crate::console::app::{AppState, FaultShown, time_left as left};
use crate::console::theme::Token;
use crate::domain::UnixMs;
use crate::engine::Drill;
use crate::text::width;

/// Draws the chips between these columns.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, line: Rect, room: Range<u16>) {
    let chips = fitting(&all(state), usize::from(room.end.saturating_sub(room.start)));
    let mut x = room.start;
    for chip in chips {
        x = ink.put(line, x, &chip, Token::Bad) + 1;
    }
}

/// Cells in which the first chip says all it has to; none where there are no chips.
pub(super) fn wanted(state: &AppState) -> u16 {
    let chips = all(state);
    let more = if chips.len() > 1 { " +9" } else { "" };
    chips.first().map_or(0, |chip| (width(chip) + width(more) + 1) as u16)
}

/// Every chip, whole.
fn all(state: &AppState) -> Vec<String> {
    let now = state.now;
    let drills = state.snapshot.iter().flat_map(|snapshot| &snapshot.overrides.drills);
    let drills = drills.filter(|drill| now < drill.until).map(|drill| drill_chip(drill, now));
    let faults = state.faults.iter().flat_map(|board| &board.in_force);
    let faults = faults.filter(|fault| fault.until.is_none_or(|until| now < until));
    drills.chain(faults.map(|fault| fault_chip(fault, now))).collect()
}

fn drill_chip(drill: &Drill, now: UnixMs) -> String {
    format!("DRILL {} {} {}", short(&drill.name), drill.kind.words(), left(now.until(drill.until)))
}

fn fault_chip(fault: &FaultShown, now: UnixMs) -> String {
    let left = match (fault.times, fault.until) {
        (Some(times), _) => format!(" x{times}"),
        (None, Some(until)) => format!(" {}", left(now.until(until))),
        (None, None) => String::new(),
    };
    format!("FAULT {} {}{left}", short(&fault.place), fault.words)
}

/// Simulated names by their short ones: that they are simulated stands beside it.
fn short(name: &str) -> &str {
    name.strip_prefix("sim-").unwrap_or(name)
}

/// As many as fit, and how many more there are; then the same with only the names; where not even
/// one fits, how many there are.
fn fitting(chips: &[String], room: usize) -> Vec<String> {
    let brief: Vec<String> =
        chips.iter().map(|chip| chip.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let whole = counted(chips, chips.len(), room);
    let some = || (1..=chips.len()).rev().find_map(|shown| counted(&brief, shown, room));
    let one = || counted(chips, 1, room);
    whole.or_else(one).or_else(some).unwrap_or_else(|| match chips {
        [] => Vec::new(),
        [..] => vec![format!("{} on", chips.len())],
    })
}

/// The first of them and the number of the rest, if that fits.
fn counted(chips: &[String], shown: usize, room: usize) -> Option<Vec<String>> {
    let mut some = chips.get(..shown)?.to_vec();
    if shown < chips.len() {
        some.push(format!("+{}", chips.len() - shown));
    }
    let cells: usize = some.iter().map(|chip| width(chip) + 1).sum();
    (!some.is_empty() && cells <= room + 1).then_some(some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chips(words: &[&str], room: usize) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        fitting(&words, room).join(" ")
    }

    #[test]
    fn what_does_not_fit_is_counted_and_something_always_shows() {
        let two = ["FAULT deepseek 503 40s", "FAULT qwen cut 40"];
        assert_eq!(chips(&two, 60), "FAULT deepseek 503 40s FAULT qwen cut 40");
        assert_eq!(chips(&two, 30), "FAULT deepseek 503 40s +1");
        assert_eq!(chips(&two, 20), "FAULT deepseek +1");
        assert_eq!(chips(&two, 12), "2 on");
        assert_eq!(chips(&two[..1], 16), "FAULT deepseek");
        assert_eq!(chips(&two[..1], 8), "1 on");
        assert_eq!(chips(&[], 60), "");
    }
}
