//! Chats that were kept: finding, opening, naming, copying out, removing them.
//!
//! Invariants: opening another chat never loses the draft or what waits to be sent; nothing is
//! removed on one press; a running reply keeps its chat.

use std::time::Duration;

use crate::console::composer::{self, Draft};
use crate::console::keys::Action;
use crate::domain::{
    Audience, Cost, Finish, FirstToken, Heard, Money, Outcome, PRIVATE, Reply, SessionId,
    is_private,
};
use crate::engine::{Command, Told};

use super::super::{
    AppState, Cell, Effect, ExportAs, Focus, KeptAnswer, KeptSession, LineInput, Overlay, PaidIn,
    QueuePhase, Recall, Recalled, ReplyCell, ReplyPhase, Scroll, SessionLine, SessionList, Spent,
    Spot, Tone, UserCell, View, Waiting, blocks,
};
use super::branches::{self, Arrival};
use super::{Effects, notes, private, push_cell, send};

/// Opens the list, searching for a text.
pub(super) fn open(state: &mut AppState, fx: &mut Effects, query: &str) {
    let mut field = LineInput::default();
    field.insert(query);
    let recent = || SessionLine::families(state.sessions.recent.clone());
    let items = query.is_empty().then(recent);
    let list = SessionList {
        query: field,
        old: true,
        items: items.filter(|items| !items.is_empty()),
        ..SessionList::default()
    };
    state.overlay = Some(Overlay::Sessions(list));
    query_changed(state, fx);
}

/// Asks for what the field says; while an answer is on its way, once more when it is here.
pub(super) fn query_changed(state: &mut AppState, fx: &mut Effects) {
    let Some(Overlay::Sessions(list)) = &mut state.overlay else { return };
    list.removing = None;
    if list.query.text().trim() != list.found_for {
        list.selected = 0;
    }
    match list.waiting {
        Waiting::No => {
            list.waiting = Waiting::Yes;
            let query = list.query.text().trim().to_owned();
            fx.push(Effect::Recall(Recall::Sessions { query }));
        }
        Waiting::Yes | Waiting::Again => list.waiting = Waiting::Again,
    }
}

/// The newest chats, for the column on the left.
pub(super) fn refresh(state: &mut AppState, fx: &mut Effects) {
    match state.sessions.waiting {
        Waiting::No => {
            state.sessions.waiting = Waiting::Yes;
            fx.push(Effect::Recall(Recall::Sessions { query: String::new() }));
        }
        Waiting::Yes | Waiting::Again => state.sessions.waiting = Waiting::Again,
    }
}

/// Opens the selected chat.
pub(super) fn accept(state: &mut AppState, fx: &mut Effects) {
    let Some(Overlay::Sessions(list)) = &state.overlay else { return };
    let chosen = list.items.as_ref().and_then(|items| items.get(list.selected)).cloned();
    let Some(chosen) = chosen else { return };
    // Chosen by name, it is shown from its end; by what was said in it, there.
    let spot = chosen.hit.map(|hit| Spot::Message(hit.message));
    state.sessions.opening = spot.map(|spot| (chosen.id, spot));
    go(state, fx, chosen.id);
}

/// Goes to a chat: the open one is shown, another one opened.
pub(super) fn go(state: &mut AppState, fx: &mut Effects, id: SessionId) {
    let opening = state.sessions.opening.filter(|(of, _)| *of == id);
    let asks = opening.map_or(Recall::Open(id), |(_, spot)| Recall::OpenAt(id, spot));
    if id == state.session {
        state.overlay = None;
        state.view = View::Chat;
        state.focus = Focus::Composer;
        match branches::arrived(state) {
            Arrival::AtTheEnd | Arrival::There => return,
            Arrival::Elsewhere(_) => state.sessions.opening = opening,
        }
    }
    if state.running().is_some() {
        state.sessions.opening = None;
        notes::toast(state, Tone::Warn, "a reply is running: Esc stops it");
    } else {
        state.overlay = None;
        fx.push(Effect::Recall(asks));
    }
}

/// Removes the selected chat on the second press.
pub(super) fn remove(state: &mut AppState, fx: &mut Effects) {
    let here = state.session;
    let Some(Overlay::Sessions(list)) = &mut state.overlay else { return };
    let Some(chosen) = list.items.as_ref().and_then(|items| items.get(list.selected)) else {
        return;
    };
    if chosen.id == here {
        notes::toast(state, Tone::Warn, "this is the open chat: /delete removes it");
    } else if list.removing == Some(chosen.id) {
        list.removing = None;
        fx.push(Effect::Recall(Recall::Delete(chosen.id)));
    } else {
        list.removing = Some(chosen.id);
    }
}

/// Gives the open chat a title.
pub(super) fn rename(state: &mut AppState, fx: &mut Effects, title: &str) -> Result<(), String> {
    private::refuse(state, "renamed")?;
    title.clone_into(&mut state.title);
    fx.push(Effect::Recall(Recall::Rename { id: state.session, title: title.to_owned() }));
    Ok(())
}

/// Removes the open chat for good; `yes` has to be said.
pub(super) fn delete(state: &mut AppState, fx: &mut Effects, word: &str) -> Result<(), String> {
    if word != "yes" {
        return Err("/delete yes removes this chat and all that was kept of it for good".to_owned());
    }
    let id = state.session;
    send::new_chat(state, fx);
    fx.push(Effect::Recall(Recall::Delete(id)));
    Ok(())
}

/// Goes on in a copy of the chat; what was said stays in both.
pub(super) fn fork(state: &mut AppState, fx: &mut Effects) -> Result<(), String> {
    if state.transcript.cells.is_empty() {
        return Err("nothing was said yet".to_owned());
    }
    if state.running().is_some() {
        return Err("a reply is running: Esc stops it".to_owned());
    }
    private::refuse(state, "copied")?;
    let from = state.session;
    state.session = state.ids.session(state.now);
    state.transcript.copied();
    if !state.title.starts_with("fork: ") {
        state.title = format!("fork: {}", state.title);
    }
    notes::note(state, Tone::Info, "a copy from here on; the chat it came from stays as it is");
    let (title, shown) = (state.title.clone(), branches::last_question(state));
    fx.push(Effect::Recall(Recall::Fork { from, to: state.session, title, shown }));
    Ok(())
}

/// Writes the open chat to a file.
pub(super) fn export(state: &mut AppState, fx: &mut Effects, form: &str) -> Result<(), String> {
    let form = match form {
        "" | "md" | "markdown" => ExportAs::Markdown,
        "json" => ExportAs::Json,
        "html" => ExportAs::Html,
        other => return Err(format!("{other:?} is not md, json or html")),
    };
    if state.transcript.cells.is_empty() {
        return Err("nothing was said yet".to_owned());
    }
    private::refuse(state, "written to a file")?;
    fx.push(Effect::Recall(Recall::Export {
        id: state.session,
        form,
        shown: branches::last_question(state),
    }));
    Ok(())
}

/// An answer came.
pub(super) fn recalled(
    state: &mut AppState,
    fx: &mut Effects,
    asked: &Recall,
    answer: Result<Recalled, String>,
) {
    match (asked, answer) {
        (Recall::Sessions { query }, answer) => listed(state, fx, query, answer),
        (_, Ok(Recalled::Session(session))) => {
            let opened = session.id;
            show(state, fx, *session);
            if state.session == opened {
                // What was spent in it elsewhere is to be known before anything is sent.
                fx.push(Effect::Command(Command::Opened(opened)));
            }
        }
        (Recall::Branches { id, .. }, Ok(Recalled::Branches(items))) => {
            if *id == state.session {
                branches::listed(state, items);
            }
        }
        (Recall::Delete(_), Ok(Recalled::Done(words))) => {
            notes::toast(state, Tone::Good, words);
            query_changed(state, fx);
            refresh(state, fx);
        }
        (Recall::Fork { to, .. }, Ok(Recalled::Done(words))) => {
            notes::toast(state, Tone::Good, words);
            refresh(state, fx);
            if state.session == *to {
                // Its messages have ids of their own: what comes next hangs on those.
                fx.push(Effect::Recall(Recall::Open(*to)));
            }
        }
        (Recall::Rename { .. }, Ok(Recalled::Done(words))) => {
            notes::toast(state, Tone::Good, words);
            refresh(state, fx);
        }
        // Where a file lies has to be read or copied: a path may be longer than a line.
        (Recall::Export { .. }, Ok(Recalled::Done(words))) => {
            notes::note(state, Tone::Good, words);
        }
        (_, Ok(Recalled::Done(words))) => notes::toast(state, Tone::Good, words),
        (_, Ok(Recalled::Report(text))) => notes::note(state, Tone::Info, text),
        (
            _,
            Ok(
                Recalled::Costs(_)
                | Recalled::Sessions(_)
                | Recalled::Branches(_)
                | Recalled::Why(_),
            ),
        ) => {}
        (_, Err(why)) => notes::toast(state, Tone::Bad, why),
    }
}

fn listed(state: &mut AppState, fx: &mut Effects, query: &str, answer: Result<Recalled, String>) {
    if query.is_empty() {
        if let Ok(Recalled::Sessions(items)) = &answer {
            state.sessions.recent.clone_from(items);
            offer(state);
        }
        match std::mem::take(&mut state.sessions.waiting) {
            Waiting::Again => refresh(state, fx),
            Waiting::No | Waiting::Yes => {}
        }
    }
    let Some(Overlay::Sessions(list)) = &mut state.overlay else { return };
    let current = list.query.text().trim() == query;
    let stale = list.waiting == Waiting::Again;
    if current {
        list.waiting = Waiting::No;
        match answer {
            Ok(Recalled::Sessions(items)) => fill(list, query, items),
            Ok(
                Recalled::Costs(_)
                | Recalled::Session(_)
                | Recalled::Branches(_)
                | Recalled::Why(_)
                | Recalled::Done(_)
                | Recalled::Report(_),
            ) => {}
            Err(why) => list.trouble = Some(why),
        }
    } else if stale {
        list.waiting = Waiting::No;
        query_changed(state, fx);
    }
}

/// Says once in a run that an earlier one ended in the middle of an answer, and how to get there.
fn offer(state: &mut AppState) {
    if std::mem::replace(&mut state.sessions.looked_for_cuts, true) {
        return;
    }
    let here = state.session;
    let cut = state.sessions.recent.iter().find(|line| line.interrupted && line.id != here);
    let Some(title) = cut.map(|line| line.title.clone()) else { return };
    let keys = state.keymap.hint(Action::Sessions);
    let words =
        format!("an answer was cut off when wheelhouse ended, in \"{title}\": {keys} opens it");
    notes::note(state, Tone::Warn, words);
}

/// The selection stays on its chat where that is still there; what is found for other words begins at
/// its first, and so does a list that was opened with what it held the last time, unless somebody moved.
fn fill(list: &mut SessionList, query: &str, items: Vec<SessionLine>) {
    let items = SessionLine::families(items);
    let old = list.items.as_ref().filter(|_| list.found_for == query);
    let untouched = std::mem::take(&mut list.old) && list.selected == 0;
    let old = old.filter(|_| !untouched);
    let before = old.and_then(|old| old.get(list.selected)).map(|line| line.id);
    query.clone_into(&mut list.found_for);
    list.selected = before.and_then(|id| items.iter().position(|line| line.id == id)).unwrap_or(0);
    list.trouble = None;
    list.items = Some(items);
}

/// Puts a chat that was kept in place of the open one.
fn show(state: &mut AppState, fx: &mut Effects, session: KeptSession) {
    if state.running().is_some() {
        notes::toast(state, Tone::Warn, "a reply is running: Esc stops it");
        return;
    }
    state.transcript.begin(gone(state, &session));
    send::take_back(state);
    state.queue_phase = QueuePhase::Flowing;
    state.editing = None;
    if state.session != session.id {
        private::leave(state, fx);
    }
    state.session = session.id;
    state.title = session.title;
    state.system = session.system;
    state.system_for = session.system_for;
    state.system_given = true;
    let mut cut_off = false;
    let running = session.turns.iter().any(|turn| turn.heard == Heard::Running);
    let mut blocks_before = 0;
    for turn in session.turns {
        let read = composer::parse(&turn.text).tags;
        // Marked beside the text, it would be edited into one that may leave.
        let hidden = is_private(&turn.tags) && !is_private(&read);
        let text = if hidden { format!("#{PRIVATE} {}", turn.text) } else { turn.text.clone() };
        let user = UserCell {
            id: turn.id,
            at: turn.at,
            draft: Draft { text, chip: turn.model.clone(), ..Draft::default() },
            // Those of an older file are in the text alone.
            tags: if turn.tags.is_empty() { composer::parse(&turn.text).tags } else { turn.tags },
            heard: turn.heard,
            text: turn.text,
            model: turn.model,
            policy: None,
        };
        let question = push_cell(state, Cell::User(user));
        cut_off = false;
        for answer in turn.answers {
            cut_off = answer.finish.is_none();
            let mut cell = reply(state, question, answer);
            cell.first_block = blocks_before;
            blocks_before += blocks(&cell).len();
            push_cell(state, Cell::Reply(Box::new(cell)));
        }
    }
    if running {
        let words = "another program is answering here; what it was asked is not sent along until \
                     this chat is opened again";
        notes::note(state, Tone::Warn, words);
    }
    if state.system.is_some() && state.system_for == Audience::Here {
        let words = "the system prompt was given in private: it goes along only with #private";
        notes::note(state, Tone::Info, words);
    }
    if cut_off {
        let words = "the answer above was cut off when wheelhouse ended; /retry asks again";
        notes::note(state, Tone::Warn, words);
    }
    state.transcript.scroll = Scroll::Follow;
    state.transcript.selected = None;
    state.view = View::Chat;
    state.focus = Focus::Composer;
    branches::others(state, session.branches);
    match branches::arrived(state) {
        Arrival::AtTheEnd | Arrival::There => {}
        Arrival::Elsewhere(_) => {
            notes::toast(state, Tone::Info, "what was looked for is not kept any more");
        }
    }
}

/// What was spent in a chat on what will not be shown of it: on answers that were replaced, and on
/// requests nothing came of.
fn gone(state: &AppState, session: &KeptSession) -> Spent {
    let answers = session.turns.iter().flat_map(|turn| &turn.answers);
    let shown: Money = answers
        .filter(|answer| answer.paid == PaidIn::ThisChat)
        .map(|answer| answer.cost.amount)
        .sum();
    let mut gone = Spent::default();
    for answer in &session.replaced {
        gone.add(&reply(state, 0, answer.clone()));
    }
    let rest = Money::from_pico((session.cost.amount - shown).pico().max(0));
    let cost = Cost { amount: rest, exact: session.cost.exact };
    Spent { cost: (gone.cost.is_some() || rest > Money::ZERO).then_some(cost), ..gone }
}

/// A reply cell of an answer that was kept.
fn reply(state: &AppState, question: usize, answer: KeptAnswer) -> ReplyCell {
    let asked_at = answer.at - Duration::from_millis(answer.total_ms);
    let mut cell = ReplyCell::new(answer.request, question, asked_at);
    cell.phase = ReplyPhase::Done;
    cell.last_at = answer.at;
    cell.paid = answer.paid;
    cell.told = answer.problem.map(|cause| Told { cause, facts: Vec::new() });
    cell.first_token = answer.ttft_ms.map(|ms| (FirstToken::Text, ms));
    cell.reply = Reply {
        decision: answer.decision,
        attempts: answer.attempts,
        text: answer.text,
        reasoning: answer.reasoning,
        usage: Some(answer.usage),
        seams: answer.seams,
        verdict: answer.verdict,
        outcome: Some(Outcome {
            finish: answer.finish.unwrap_or(Finish::Truncated),
            model: answer.model,
            provider: answer.provider,
            model_id: None,
            usage: answer.usage,
            cost: answer.cost,
            wait_ms: answer.wait_ms,
            ttft_ms: answer.ttft_ms,
            total_ms: answer.total_ms,
            answer_cost: None,
            cached: answer.cached,
            error: None,
            cache_note: answer.cache_note,
        }),
        ..Reply::default()
    };
    cell.saved = super::reply::saved(state, &cell);
    cell
}
