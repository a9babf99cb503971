//! How a table is drawn.
//!
//! Owns: column widths for a given width, rows of wrapped cells, and the stacked form for widths that
//! cannot hold the columns. Must not know: where the cells come from. Invariants: no row is too wide;
//! no cell's text is lost.

use pulldown_cmark::Alignment;

use crate::text::line::{Line, Role, TextStyle};
use crate::text::wrap::{Cut, Flow, Indent, wrap_flow};

/// Cells between columns.
const GAP: usize = 2;

/// Cells a column needs before a table is drawn as columns. Below it rows are stacked as records:
/// words in so narrow a column would be cut into pieces.
const NARROWEST: usize = 4;

/// A table being gathered.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) aligns: Vec<Alignment>,
    /// The header row, then the others.
    pub(super) rows: Vec<Vec<Flow>>,
}

impl Table {
    /// The table's rows at a width.
    pub(super) fn draw(&self, width: usize, rule: &str) -> Vec<Line> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return Vec::new();
        }
        match self.fit(columns, width) {
            Some(widths) => self.in_columns(&widths, rule),
            None => self.stacked(width, rule),
        }
    }

    /// Widths of the columns: as wide as their text if all fit, else the narrow ones whole and the
    /// rest in equal shares, words kept whole where that is possible.
    fn fit(&self, columns: usize, width: usize) -> Option<Vec<usize>> {
        let widest = |measure: fn(&Flow) -> usize| -> Vec<usize> {
            (0..columns)
                .map(|column| {
                    let cells = self.rows.iter().filter_map(|row| row.get(column));
                    cells.map(measure).max().unwrap_or(0).max(1)
                })
                .collect()
        };
        let room = width.checked_sub(GAP * (columns - 1))?;
        let natural = widest(Flow::natural_width);
        if natural.iter().sum::<usize>() <= room {
            return Some(natural);
        }
        let words = widest(Flow::longest_word);
        let least: Vec<usize> = natural.iter().map(|cells| (*cells).min(NARROWEST)).collect();
        if least.iter().sum::<usize>() > room {
            return None;
        }
        // No column may be so narrow that words break while another has room to spare.
        let whole: Vec<usize> =
            words.iter().zip(&least).map(|(word, least)| (*word).max(*least)).collect();
        let floor = if whole.iter().sum::<usize>() <= room { whole } else { least };
        Some(share(&natural, &floor, room))
    }

    fn in_columns(&self, widths: &[usize], rule: &str) -> Vec<Line> {
        let mut out = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            self.row(row, widths, &mut out);
            if index == 0 {
                let mut line = Line::blank();
                for (column, width) in widths.iter().enumerate() {
                    if column > 0 {
                        line.push_str(&" ".repeat(GAP), TextStyle::BODY);
                    }
                    line.push_str(&rule.repeat(*width), TextStyle::of(Role::TableRule));
                }
                out.push(line);
            }
        }
        out
    }

    fn row(&self, row: &[Flow], widths: &[usize], out: &mut Vec<Line>) {
        let cells: Vec<Vec<Line>> = widths
            .iter()
            .enumerate()
            .map(|(column, width)| {
                let mut lines = Vec::new();
                if let Some(cell) = row.get(column) {
                    wrap_flow(cell, *width, &Indent::default(), Cut::Words, &mut lines);
                }
                lines
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for y in 0..height {
            let mut line = Line::blank();
            let mut due = 0;
            for (column, width) in widths.iter().enumerate() {
                let cell = cells[column].get(y);
                let taken = cell.map_or(0, Line::width);
                let spare = width.saturating_sub(taken);
                let before = match self.aligns.get(column) {
                    Some(Alignment::Right) => spare,
                    Some(Alignment::Center) => spare / 2,
                    Some(Alignment::Left | Alignment::None) | None => 0,
                };
                due += before;
                if let Some(cell) = cell.filter(|cell| !cell.spans.is_empty()) {
                    line.push_str(&" ".repeat(due), TextStyle::BODY);
                    due = 0;
                    for span in &cell.spans {
                        line.push_str(&span.text, span.style);
                    }
                }
                due += spare - before + GAP;
            }
            out.push(line);
        }
    }

    /// Each row as lines of `header: value`, records parted by a short rule.
    fn stacked(&self, width: usize, rule: &str) -> Vec<Line> {
        let mut out = Vec::new();
        let Some((head, records)) = self.rows.split_first() else { return out };
        if records.is_empty() {
            for cell in head {
                wrap_flow(cell, width, &Indent::default(), Cut::Words, &mut out);
            }
            return out;
        }
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                out.push(Line::of(rule.repeat(width.min(8)), Role::TableRule));
            }
            for (column, cell) in record.iter().enumerate() {
                let mut flow = Flow::default();
                if let Some(name) = head.get(column).filter(|name| !name.is_empty()) {
                    flow.push(name.text(), TextStyle::of(Role::TableHead));
                    flow.push(": ", TextStyle::of(Role::TableHead));
                }
                flow.append(cell);
                let rest = if width > 8 { Line::of("  ", Role::Body) } else { Line::blank() };
                let indent = Indent { first: Line::blank(), rest };
                wrap_flow(&flow, width, &indent, Cut::Words, &mut out);
            }
        }
        out
    }
}

/// Shares `room` out: each column gets at least its floor and at most its natural width; what is left
/// goes to the columns with the least first.
fn share(natural: &[usize], floor: &[usize], room: usize) -> Vec<usize> {
    let mut widths = floor.to_vec();
    let mut left = room.saturating_sub(widths.iter().sum());
    while left > 0 {
        let narrowest = (0..widths.len())
            .filter(|column| widths[*column] < natural[*column])
            .min_by_key(|column| widths[*column]);
        let Some(column) = narrowest else { break };
        widths[column] += 1;
        left -= 1;
    }
    widths
}
