//! The chart of the Costs view: what was spent by hour or by day.
//!
//! Invariant: the highest bar is the dearest time; what was spent at all has a bar.

use super::{Line, from, to};
use crate::console::app::{AppState, CostReport, CostWindow};
use crate::console::theme::{GlyphSet, Token};
use crate::console::view::words::Amounts;
use crate::domain::Cost;
use crate::text;

/// Rows of its bars.
const CHART_ROWS: usize = 4;

/// Its lines.
pub(super) fn lines(
    state: &AppState,
    report: &CostReport,
    glyphs: &GlyphSet,
    width: u16,
) -> Vec<Line> {
    let title = match state.costs.window {
        CostWindow::Today => "BY HOUR",
        CostWindow::Week | CostWindow::Month | CostWindow::All => "BY DAY",
    };
    let title = match state.costs.narrowed {
        Some(_) => format!("{title}, ALL ROWS"),
        None => title.to_owned(),
    };
    let most = report.series.iter().map(|point| point.cost).max_by_key(|cost| cost.amount);
    let most = most.unwrap_or(Cost::ZERO);
    let mut lines = vec![Line::Words(vec![
        from(1, title, Token::Strong),
        to(width.saturating_sub(1), format!("most {}", Amounts::of(state).cost(most)), Token::Dim),
    ])];
    let room = usize::from(width.saturating_sub(3));
    if most.amount.pico() <= 0 || room < 8 {
        lines.push(Line::Words(vec![from(1, "nothing spent", Token::Dim)]));
        return lines;
    }
    // Each bar as wide as there is room for; of a long time the newest part.
    let count = report.series.len().clamp(1, room);
    let points = &report.series[report.series.len() - count..];
    let pitch = (room / count).clamp(1, 4);
    let bar = pitch.saturating_sub(1).max(1);
    for level in (0..CHART_ROWS).rev() {
        let mut text = String::new();
        for point in points {
            let height =
                point.cost.amount.dollars() / most.amount.dollars() * (CHART_ROWS * 8) as f64;
            let mut eighths = (height.round() as usize).saturating_sub(level * 8).min(8);
            if level == 0 && point.cost.amount.pico() > 0 {
                eighths = eighths.max(1);
            }
            let cell = if eighths == 0 { " " } else { glyphs.steps[eighths - 1] };
            text.push_str(&cell.repeat(bar));
            text.push_str(&" ".repeat(pitch - bar));
        }
        lines.push(Line::Words(vec![from(2, text, Token::Accent)]));
    }
    // As many labels as do not touch.
    let mut axis = String::new();
    for (n, point) in points.iter().enumerate() {
        let at = n * pitch;
        let used = text::width(&axis);
        if used <= at && at + text::width(&point.label) <= room {
            axis.push_str(&" ".repeat(at - used));
            axis.push_str(&point.label);
            axis.push(' ');
        }
    }
    lines.push(Line::Words(vec![from(2, axis.trim_end(), Token::Dim)]));
    lines
}
