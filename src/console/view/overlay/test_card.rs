//! Where the draft would go: decided, not sent.

use ratatui::layout::Rect;

use super::centred;
use crate::console::app::TestCard;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::{case, words};
use crate::text;

pub(super) fn draw(ink: &mut Ink<'_>, card: &TestCard, screen: Rect) {
    let candidates = card.decision.as_ref().map_or(0, |decision| decision.candidates.len().min(8));
    let area = centred(screen, 74, candidates as u16 + 9);
    let inside = ink.window(area, "TEST: where it would go", "nothing was sent", ("Esc close", ""));
    let first = card.prompt.lines().next().unwrap_or("");
    ink.put(row(inside, 0), 0, &text::ellipsis(first, usize::from(inside.width)), Token::Quote);
    let Some(decision) = &card.decision else {
        ink.put(row(inside, 2), 0, "deciding", Token::Dim);
        return;
    };
    match decision.chosen() {
        Some(chosen) => {
            let provider = words::beside(chosen.model.as_str(), chosen.provider.as_str());
            let provider = format!(" {} {provider}   ", ink.glyphs.dot);
            ink.both(
                row(inside, 2),
                0,
                &[
                    (ink.glyphs.leads, Token::Dim),
                    (" ", Token::Dim),
                    (chosen.model.as_str(), Token::Strong),
                    (&provider, Token::Dim),
                    (&decision.reason, Token::Fg),
                ],
                &[],
            );
        }
        None => {
            ink.put(row(inside, 2), 0, "no model can take it", Token::Bad);
        }
    }
    let facts = format!(
        "{}   {}   hard {:.2}",
        case::tasks(&decision.features, true),
        case::needs(&decision.features),
        decision.features.difficulty
    );
    ink.put(row(inside, 3), 0, &text::ellipsis(&facts, usize::from(inside.width)), Token::Dim);
    for (n, candidate) in decision.candidates.iter().take(candidates).enumerate() {
        let line = row(inside, 5 + n as u16);
        let token = if candidate.usable() { Token::Fg } else { Token::Dim };
        if n == 0 && candidate.usable() {
            ink.put(line, 0, ink.glyphs.pick, Token::Accent);
        }
        let who = words::who(candidate.model.as_str(), candidate.provider.as_str());
        ink.put(line, 2, &words::brief(&who, 28), token);
        let cost = candidate.estimate.cost.map_or("---".to_owned(), |c| format!("~{}", c.short()));
        ink.right(line, 40, &[(&cost, Token::Dim)]);
        ink.right(line, 48, &[(&words::seconds(candidate.estimate.ttft_ms), Token::Dim)]);
        if candidate.usable() {
            ink.right(line, 54, &[(&format!("{:.2}", candidate.score.total), token)]);
        }
        let word =
            candidate.filtered.first().map_or(candidate.note.as_str(), |reason| reason.code.name());
        let room = usize::from(inside.width.saturating_sub(56));
        ink.put(line, 56, &text::ellipsis(word, room), Token::Dim);
    }
}
