//! The transcript: visible rows of visible cells.
//!
//! Invariant: the cost of a frame depends on the screen, never on the length of the conversation.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::paint::{Ink, Piece, row};
use super::{reply, words};
use crate::console::app::{AppState, Cell, Focus, NoteCell, RouteMark, UserCell};
use crate::console::theme::Token;
use crate::console::transcript::{BODY_INDENT, CellRows, Row};
use crate::text::{Line, Role, Span, TextStyle, TokenKind};

/// Draws the rows of the transcript that its area shows.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let transcript = &state.transcript;
    if transcript.cells.is_empty() {
        empty(ink, state, area);
        return;
    }
    let layout = &transcript.layout;
    let top = transcript.scroll.top(layout, area.height);
    for n in 0..area.height {
        let at = top + usize::from(n);
        if at >= layout.lines() {
            break;
        }
        let (cell, line) = layout.locate(at);
        let Some(source) = transcript.cells.get(cell) else { break };
        let Some(rows) = layout.rows(cell) else { continue };
        let target = row(area, n);
        match (source, rows.row(line)) {
            (_, Row::Blank) => {}
            (Cell::User(user), Row::Head) => user_head(ink, state, user, target),
            (Cell::Reply(reply), Row::Head) => reply::head(ink, state, reply, target),
            (Cell::Reply(reply), Row::Story) => reply::story(ink, state, reply, target),
            (Cell::Reply(reply), Row::Restarted) => reply::restarted(ink, reply, target),
            (Cell::Reply(reply), Row::Thought) => reply::thought(ink, reply, target),
            (Cell::Reply(reply), Row::Seam(n)) => reply::seam(ink, reply, n, target),
            (Cell::Reply(reply), Row::Doubt) => reply::doubt(ink, reply, target),
            (Cell::Reply(reply), Row::Footer) => reply::footer(ink, state, reply, target),
            (Cell::Reply(reply), Row::Text(text) | Row::Joined(text)) => {
                if matches!(rows.row(line), Row::Joined(_)) {
                    ink.put(target, 1, ink.glyphs.mark(RouteMark::FellBack), Token::Warn);
                }
                let x = text_row(ink, text, target, Token::Fg);
                if reply.phase.running() && writes_here(rows, line) {
                    ink.put(target, x, "▌", Token::Accent);
                }
            }
            (Cell::Note(note), Row::Text(text)) => note_row(ink, note, text, line, target),
            (_, Row::Text(text) | Row::Joined(text)) => {
                text_row(ink, text, target, Token::Fg);
            }
            (_, Row::Problem(n, text)) => {
                let (mark, token) = if n == 0 { ("x ", Token::Bad) } else { ("  ", Token::Dim) };
                let x = ink.put(target, BODY_INDENT, mark, token);
                ink.put(target, x, &text.text(), if n == 0 { Token::Fg } else { Token::Dim });
            }
            (
                _,
                Row::Head
                | Row::Story
                | Row::Restarted
                | Row::Thought
                | Row::Seam(_)
                | Row::Doubt
                | Row::Footer,
            ) => {}
        }
        marks(ink, state, cell, line, target);
    }
    below(ink, state, area);
}

/// The selected cell's bar in read mode, and the row a search stands on.
fn marks(ink: &mut Ink<'_>, state: &AppState, cell: usize, line: usize, target: Rect) {
    if state.focus == Focus::Read && state.transcript.selected == Some(cell) {
        ink.put(target, 0, ink.glyphs.bar, Token::Accent);
    }
    if let Some(find) = &state.transcript.find
        && find.hits.get(find.at) == Some(&(cell, line))
    {
        ink.over(target, Token::Sel);
    }
}

/// `▾ 3 new lines below · End follows`, on the last row while something is below.
fn below(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let new = state.transcript.scroll.new_below(&state.transcript.layout);
    if new == 0 || area.height < 3 {
        return;
    }
    let text =
        format!(" {} {} below · End follows ", ink.glyphs.below, words::count(new, "new line"));
    let last = row(area, area.height - 1);
    ink.clear(last);
    ink.right(last, area.width.saturating_sub(1), &[(&text, Token::Accent)]);
}

fn user_head(ink: &mut Ink<'_>, state: &AppState, user: &UserCell, target: Rect) {
    let mut left: Vec<Piece<'_>> = vec![("you", Token::Strong)];
    let model = user.model.as_ref().map(|m| format!("  @{m}")).unwrap_or_default();
    let policy = user.policy.as_ref().map(|p| format!("  :{p}")).unwrap_or_default();
    let tags = user.tags.iter().fold(String::new(), |tags, tag| tags + "  #" + tag);
    left.extend([
        (model.as_str(), Token::Accent),
        (policy.as_str(), Token::Dim),
        (tags.as_str(), Token::Dim),
    ]);
    let at = words::clock(user.at, state.utc_offset_s);
    ink.both(target, 1, &left, &[(&at, Token::Dim)]);
}

fn note_row(ink: &mut Ink<'_>, note: &NoteCell, text: &Line, line: usize, target: Rect) {
    let token = super::chrome::tone_token(note.tone);
    if line == 0 {
        ink.put(target, 1, ink.glyphs.dot, token);
    }
    ink.put(target, BODY_INDENT, &text.text(), if line == 0 { token } else { Token::Dim });
}

/// Draws a line of text; returns the column after it.
pub(super) fn text_row(ink: &mut Ink<'_>, line: &Line, target: Rect, base: Token) -> u16 {
    let mut x = BODY_INDENT;
    for span in &line.spans {
        let style = span_style(ink, span.style, base);
        let text = shaped(ink, span);
        x = ink.put_styled(target, x, &text, style);
    }
    x
}

/// Shapes the renderer drew, in the glyph set in force; what the author wrote stays.
fn shaped<'a>(ink: &Ink<'_>, span: &'a Span) -> Cow<'a, str> {
    let drawn = matches!(
        span.style.role,
        Role::Rule
            | Role::QuoteMark
            | Role::TableRule
            | Role::CodeRule
            | Role::CodeWrap
            | Role::ListMarker
    );
    if ink.glyphs.rule == "-" && drawn {
        let text = span.text.replace(['─', '━'], "-").replace('│', "|");
        return Cow::Owned(text.replace('•', "-").replace('↳', ">"));
    }
    Cow::Borrowed(&span.text)
}

/// What a meaning looks like.
fn span_style(ink: &Ink<'_>, style: TextStyle, base: Token) -> Style {
    let token = match style.role {
        Role::Body => base,
        Role::Code | Role::Math => Token::Code,
        Role::Heading(_) | Role::TableHead | Role::Callout => Token::Heading,
        Role::Quote => Token::Quote,
        Role::Link => Token::Link,
        Role::LinkUrl | Role::Html | Role::CodeTag | Role::CodeWrap => Token::Dim,
        Role::QuoteMark | Role::Rule | Role::TableRule | Role::CodeRule => Token::Rule,
        Role::CodeLang => Token::Dim,
        Role::ListMarker => Token::Dim,
        Role::CodeToken(kind) => code_token(kind),
    };
    let mut out = ink.style(token);
    if style.strong {
        out = ink.style(Token::Strong).patch(out).add_modifier(Modifier::BOLD);
    }
    if style.emphasis {
        out = out.add_modifier(Modifier::ITALIC);
    }
    if style.strike {
        out = out.add_modifier(Modifier::CROSSED_OUT);
    }
    out
}

fn code_token(kind: TokenKind) -> Token {
    match kind {
        TokenKind::Plain => Token::Fg,
        TokenKind::Keyword => Token::Keyword,
        TokenKind::Type => Token::Type,
        TokenKind::Function => Token::Function,
        TokenKind::Text => Token::String,
        TokenKind::Number | TokenKind::Constant => Token::Number,
        TokenKind::Comment => Token::Comment,
        TokenKind::Attribute => Token::Code,
        TokenKind::Punctuation => Token::Punct,
        TokenKind::Inserted => Token::Ok,
        TokenKind::Deleted => Token::Bad,
    }
}

/// What a new chat says before anything was asked.
fn empty(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    if area.height < 8 {
        return;
    }
    let models = state.snapshot.as_ref().map_or(0, |snapshot| snapshot.models.len());
    let providers = state
        .snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.providers.values().filter(|p| p.active).count());
    let mut lines: Vec<(String, Token)> = vec![
        ("Ask, and the cheapest model that is good enough".to_owned(), Token::Strong),
        ("and healthy right now answers. It says why.".to_owned(), Token::Strong),
        (String::new(), Token::Dim),
    ];
    if models > 0 {
        lines.push((
            format!(
                "{} over {} ready",
                words::count(models, "model"),
                words::count(providers, "provider")
            ),
            Token::Dim,
        ));
    }
    if state.looks.simulated {
        lines.push(("Everything here is simulated and costs nothing.".to_owned(), Token::Warn));
        if state.composer.history.newest_first().next().is_some() {
            lines.push(("↑ brings up prompts worth trying.".to_owned(), Token::Dim));
        }
    }
    lines.push((String::new(), Token::Dim));
    let keys = [
        (crate::console::keys::Action::Override, "choose the model yourself"),
        (crate::console::keys::Action::Palette, "every command by name"),
        (crate::console::keys::Action::Help, "keys"),
    ];
    let width = 47u16.min(area.width);
    let left = (area.width - width) / 2;
    let height = lines.len() as u16 + keys.len() as u16;
    let top = area.height.saturating_sub(height) / 2;
    let mut n = top;
    for (text, token) in &lines {
        ink.put(row(area, n), left, text, *token);
        n += 1;
    }
    for (action, doc) in keys {
        let key = ink.glyphs.key(state.keymap.hint(action));
        ink.puts(row(area, n), left, &[(&format!("{key:<4}"), Token::Accent), (doc, Token::Dim)]);
        n += 1;
    }
}

/// Is this row where a streaming reply is being written? Inside a code block that is still open that is
/// the last line of code, not the rule that closes it for the eye.
fn writes_here(rows: &CellRows, line: usize) -> bool {
    let closes = |at: usize| match rows.row(at) {
        Row::Text(text) | Row::Joined(text) => {
            !text.spans.is_empty() && text.spans.iter().all(|s| s.style.role == Role::CodeRule)
        }
        _ => false,
    };
    if rows.ends_text(line) { !closes(line) } else { rows.ends_text(line + 1) && closes(line + 1) }
}
