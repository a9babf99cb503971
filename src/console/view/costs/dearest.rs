//! The dearest requests of the Costs view.
//!
//! Must not know: what opening one does. Invariant: a line for each, the dearest first.

use super::{Line, from, to};
use crate::console::app::{AppState, CostItem, CostReport};
use crate::console::theme::Token;
use crate::console::view::words::{self, Amounts};
use crate::text;

/// From so many columns there is room for longer names of models.
const WIDE: u16 = 100;
/// Cells of a model's name.
const NAME: usize = 14;
/// The same where there is room.
const WIDE_NAME: usize = 17;

/// Its lines; each can be opened.
pub(super) fn lines(state: &AppState, report: &CostReport, width: u16) -> Vec<Line> {
    if report.dearest.is_empty() {
        return Vec::new();
    }
    let money = Amounts::of(state);
    let costs: Vec<String> = report.dearest.iter().map(|dear| money.cost(dear.cost)).collect();
    let cost = costs.iter().map(|cost| text::width(cost) + 1).fold(9, usize::max);
    let right = if state.costs.narrowed.is_some() { "of all rows" } else { "" };
    let mut lines = vec![Line::Rule { title: "DEAREST", right: right.to_owned() }];
    let name = if width < WIDE { NAME } else { WIDE_NAME };
    for (dear, paid) in report.dearest.iter().zip(costs) {
        let end = width.saturating_sub(1);
        let mark = if dear.estimated { "~" } else { "" };
        let (input, output) = (words::tokens(dear.input), words::tokens(dear.output));
        let tokens = format!("{mark}{input} in {mark}{output} out");
        let when = words::ago(state.now, dear.at, state.utc_offset_s);
        let figures = if width >= 76 { format!("{tokens}   {when}") } else { when };
        let prompt_at = cost + 2 + name + 2;
        let room = usize::from(end).saturating_sub(prompt_at + text::width(&figures) + 2);
        lines.push(Line::Item(
            CostItem::Request(dear.request),
            vec![
                to(cost as u16, paid, Token::Fg),
                from(cost as u16 + 2, words::brief(dear.model.as_str(), name), Token::Fg),
                from(prompt_at as u16, text::ellipsis(&dear.prompt, room), Token::Dim),
                to(end, figures, Token::Dim),
            ],
        ));
    }
    lines
}
