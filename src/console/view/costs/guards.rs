//! What keeps spending in bounds: the budgets in force and what each does at its limit.
//!
//! Invariant: every budget is listed, however many lines that takes; where there is none it says how
//! one is set.

use super::{Line, from};
use crate::console::app::AppState;
use crate::console::keys::Action;
use crate::console::theme::Token;
use crate::console::view::words::Amounts;
use crate::domain::BudgetLimit;
use crate::text;

/// Columns between two of them.
const GAP: usize = 3;

/// Its lines.
pub(super) fn lines(state: &AppState, width: u16) -> Vec<Line> {
    let Some(snapshot) = &state.snapshot else { return Vec::new() };
    let (budget, money) = (snapshot.budget.budget(), Amounts::of(state));
    let words = |whose: &str, BudgetLimit { limit, at_limit }: BudgetLimit| {
        format!("{whose} {} then {}", money.brief(limit), at_limit.name())
    };
    let kinds = [("day", budget.day), ("month", budget.month), ("each chat", budget.session)];
    let mut guards: Vec<String> =
        kinds.into_iter().filter_map(|(whose, limit)| Some(words(whose, limit?))).collect();
    let providers = budget.providers.iter().map(|(name, limit)| (name.as_str(), *limit));
    let models = budget.models.iter().map(|(name, limit)| (name.as_str(), *limit));
    guards.extend(
        providers.chain(models).map(|(name, limit)| words(&format!("{name} a day"), limit)),
    );
    if guards.is_empty() {
        let key = state.keymap.hint(Action::CostsBudget);
        guards.push(format!("no budget is set: {key} sets one"));
    }
    let mut lines = vec![Line::Rule { title: "GUARDS", right: String::new() }];
    let room = usize::from(width.saturating_sub(2));
    let mut line = String::new();
    for guard in guards {
        let guard = text::ellipsis(&guard, room).into_owned();
        if !line.is_empty() && text::width(&line) + GAP + text::width(&guard) > room {
            lines.push(said(std::mem::take(&mut line)));
        }
        if !line.is_empty() {
            line.push_str(&" ".repeat(GAP));
        }
        line.push_str(&guard);
    }
    lines.push(said(line));
    lines
}

fn said(words: String) -> Line {
    Line::Words(vec![from(1, words, Token::Dim)])
}
