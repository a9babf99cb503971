//! Where things are: the screen cut into areas, from the state alone.
//!
//! Owns: the size table. Invariant: pure and total: the same state gives the same areas, and drawing
//! and scrolling use the same ones.

use ratatui::layout::Rect;

use crate::console::app::{AppState, FilterPhase, Focus, Geometry, Panel, Size, View, Zoom};

/// The smallest screen anything is drawn on.
pub(super) const LEAST: (u16, u16) = (Size::LEAST.cols, Size::LEAST.rows);
/// Rows the composer grows to, as a share of the screen.
const COMPOSER_SHARE: u16 = 3;
/// Rows the detail under the Routes list has while the list wants all of its share.
const DETAIL_ROWS: u16 = 20;

/// What a screen has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    /// Under 80x24: the text, the draft, one line.
    Tiny,
    /// No side panel.
    Narrow,
    /// A panel of 30.
    Medium,
    /// A panel of 38.
    Wide,
    /// A column on the left too.
    Broad,
    /// Three columns, the reasons always open.
    Huge,
}

/// The room a screen has.
pub(super) fn room(state: &AppState) -> Room {
    match (state.size.cols, state.size.rows) {
        (..80, _) | (_, ..20) => Room::Tiny,
        (..100, _) => Room::Narrow,
        (..120, _) => Room::Medium,
        (..160, _) => Room::Wide,
        (..190, _) | (_, ..50) => Room::Broad,
        _ => Room::Huge,
    }
}

/// The areas of Chat. An area that is not shown has no rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chat {
    pub(super) top: Rect,
    pub(super) title: Rect,
    pub(super) left: Rect,
    pub(super) transcript: Rect,
    pub(super) panel: Rect,
    pub(super) composer_rule: Rect,
    pub(super) composer: Rect,
    pub(super) preview: Rect,
    pub(super) strip: Rect,
    pub(super) foot_rule: Rect,
    pub(super) notice: Rect,
    pub(super) keys: Rect,
    /// The panel lies over the text instead of beside it.
    pub(super) panel_over: bool,
}

/// Cuts rows off an area's ends.
struct Cut(Rect);

impl Cut {
    fn top(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        let cut = Rect { height: rows, ..self.0 };
        self.0.y += rows;
        self.0.height -= rows;
        cut
    }

    fn bottom(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        self.0.height -= rows;
        Rect { y: self.0.y + self.0.height, height: rows, ..self.0 }
    }

    fn left(&mut self, cols: u16) -> Rect {
        let cols = cols.min(self.0.width);
        let cut = Rect { width: cols, ..self.0 };
        self.0.x += cols;
        self.0.width -= cols;
        cut
    }

    fn right(&mut self, cols: u16) -> Rect {
        let cols = cols.min(self.0.width);
        self.0.width -= cols;
        Rect { x: self.0.x + self.0.width, width: cols, ..self.0 }
    }
}

/// Columns of the side panel, beside its bar.
fn panel_cols(room: Room) -> u16 {
    match room {
        Room::Tiny | Room::Narrow => 0,
        Room::Medium => 30,
        Room::Wide | Room::Broad => 38,
        Room::Huge => 64,
    }
}

/// Columns of the left column, beside its bar.
fn left_cols(room: Room) -> u16 {
    match room {
        Room::Tiny | Room::Narrow | Room::Medium | Room::Wide => 0,
        Room::Broad | Room::Huge => 30,
    }
}

/// Columns the draft's text has in a composer of this width: after ` › `, with one kept free.
fn draft_cols(width: u16) -> u16 {
    width.saturating_sub(4).max(1)
}

pub(super) fn chat(state: &AppState) -> Chat {
    let room = room(state);
    let screen = Rect::new(0, 0, state.size.cols, state.size.rows);
    let mut cut = Cut(screen);
    let mut areas = Chat { top: cut.top(u16::from(room > Room::Tiny)), ..Chat::default() };
    areas.title = cut.top(1);
    areas.keys = cut.bottom(1);
    if room >= Room::Wide && state.size.rows >= 30 {
        areas.notice = cut.bottom(1);
        areas.foot_rule = cut.bottom(1);
    } else if room == Room::Narrow || room == Room::Medium {
        areas.strip = cut.bottom(1);
    }
    let zoomed = state.looks.zoom == Zoom::Focused;
    let hidden = state.looks.panel == Panel::Hidden || zoomed;
    if !hidden {
        areas.panel = cut.right(panel_cols(room));
        if areas.panel.width > 0 {
            cut.right(1);
        }
        areas.left = cut.left(left_cols(room));
        if areas.left.width > 0 {
            cut.left(1);
        }
    }
    areas.preview = cut.bottom(u16::from(room > Room::Tiny));
    let cols = draft_cols(cut.0.width);
    let wanted = super::composer::rows(state, cols);
    // Tall screens keep a row of air under a short draft.
    let air = match state.size.rows {
        0..36 => 0,
        36..56 => 1,
        _ => 3,
    };
    let most = (state.size.rows / COMPOSER_SHARE).max(1);
    areas.composer = cut.bottom(wanted.max(1 + air).min(most).min(cut.0.height.saturating_sub(3)));
    areas.composer_rule = cut.bottom(1);
    areas.transcript = cut.0;
    if areas.panel.width == 0
        && state.looks.panel == Panel::Shown
        && room <= Room::Narrow
        && !zoomed
    {
        let body = areas.transcript;
        let cols = 38.min(body.width);
        areas.panel = Rect { x: body.right() - cols, width: cols, ..body };
        areas.panel_over = true;
    }
    areas
}

/// The areas of Routes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Routes {
    pub(super) top: Rect,
    pub(super) title: Rect,
    /// The column heads.
    pub(super) head: Rect,
    pub(super) list: Rect,
    pub(super) detail_title: Rect,
    pub(super) detail: Rect,
    pub(super) keys: Rect,
    /// Where a vertical bar stands between list and detail; 0 for none.
    pub(super) bar: u16,
}

pub(super) fn routes(state: &AppState) -> Routes {
    let room = room(state);
    let screen = Rect::new(0, 0, state.size.cols, state.size.rows);
    let mut cut = Cut(screen);
    let mut areas = Routes { top: cut.top(u16::from(room > Room::Tiny)), ..Routes::default() };
    areas.keys = cut.bottom(1);
    let alone = room < Room::Medium || state.looks.zoom == Zoom::Focused;
    if alone && state.focus == Focus::Detail {
        areas.detail_title = cut.top(1);
        areas.detail = cut.0;
        return areas;
    }
    if !alone && room >= Room::Broad {
        let cols = (cut.0.width * 2 / 5).max(76);
        let mut list = Cut(cut.left(cols));
        areas.bar = cols;
        cut.left(1);
        areas.title = list.top(1);
        areas.head = list.top(1);
        areas.list = list.0;
        areas.detail_title = cut.top(1);
        areas.detail = cut.0;
        return areas;
    }
    areas.title = cut.top(1);
    areas.head = cut.top(1);
    if alone {
        areas.list = cut.0;
        return areas;
    }
    // A list that needs less than its share leaves the rest to the detail.
    let share = cut.0.height - DETAIL_ROWS.min(cut.0.height * 3 / 5) - 1;
    areas.list = cut.top(list_rows(state).min(share));
    areas.detail_title = cut.top(1);
    areas.detail = cut.0;
    areas
}

/// The areas of Costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    pub(super) top: Rect,
    pub(super) title: Rect,
    pub(super) body: Rect,
    pub(super) keys: Rect,
}

pub(super) fn costs(state: &AppState) -> Costs {
    let mut cut = Cut(Rect::new(0, 0, state.size.cols, state.size.rows));
    let top = cut.top(u16::from(room(state) > Room::Tiny));
    let keys = cut.bottom(1);
    Costs { top, title: cut.top(1), body: cut.0, keys }
}

/// Rows the list has something for. While a filter is typed it keeps the room of the whole log, so
/// that nothing moves under the letters; an empty one keeps all it can get.
fn list_rows(state: &AppState) -> u16 {
    let shown = match state.routes.filter.phase {
        FilterPhase::Off | FilterPhase::Typing => {
            state.routes_snapshot().map_or(0, |snapshot| snapshot.log.len())
        }
        FilterPhase::On => state.routes_entries().len(),
    };
    match u16::try_from(shown) {
        Ok(0) | Err(_) => u16::MAX,
        Ok(rows) => rows,
    }
}

/// How far the detail can be scrolled; looked at only while it is.
fn detail_scroll_most(state: &AppState, area: Rect) -> usize {
    match (state.view, state.routes.detail_top) {
        (View::Chat | View::Costs, _) | (View::Routes, 0) => 0,
        (View::Routes, _) => state
            .routes_selected()
            .map_or(0, |(_, entry)| super::why::scroll_most(state, &entry, area)),
    }
}

/// The room panes have, for scrolling and wrapping.
pub fn measure(state: &AppState) -> Geometry {
    let chat = chat(state);
    let routes = routes(state);
    let list = match state.view {
        View::Chat | View::Routes => routes.list.height,
        View::Costs => costs(state).body.height,
    };
    let extent = match state.view {
        View::Chat | View::Routes => super::costs::Extent::default(),
        View::Costs => super::costs::extent(state),
    };
    Geometry {
        transcript_cols: chat.transcript.width.max(1),
        transcript_rows: chat.transcript.height,
        list_rows: list,
        list_scroll_most: extent.scroll_most,
        list_items: extent.items,
        detail_rows: routes.detail.height,
        detail_scroll_most: detail_scroll_most(state, routes.detail),
        composer_cols: draft_cols(chat.composer.width),
        panel_shown: chat.panel.width > 0,
    }
}
