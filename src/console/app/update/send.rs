//! Sending: the draft, the queue, retries, and the preview of it all.
//!
//! Invariants: at most one reply runs in a chat; what waits goes in order; nothing is ever sent
//! that the user did not send.

use crate::console::composer::{self, Draft};
use crate::console::transcript::CellRows;
use crate::domain::{
    Audience, CacheMode, Heard, History, LeftOut, Message, MessageId, ModelName, Origin,
    OverBudget, Place, Privacy, ReaderKind, Request, RequestId, Route, Turn, is_private,
};

use super::super::{
    AppState, Cell, DecideFor, Effect, EnginePhase, Overlay, PrivateChat, QueuePhase, Queued,
    ReplyCell, Scroll, Spent, TestCard, Tone, UserCell, blocks,
};
use super::{Effects, branches, notes, private, push_cell, slash};

/// Characters of the first message that become the chat's title.
const TITLE_CHARS: usize = 60;

/// Enter: run a command, send, or queue.
pub(super) fn submit(state: &mut AppState, fx: &mut Effects) {
    if state.composer.backslash_newline() {
        return;
    }
    state.completion = None;
    if state.composer.is_blank() {
        if state.queue_phase == QueuePhase::Held && state.running().is_none() {
            state.queue_phase = QueuePhase::Flowing;
            next(state, fx);
        }
        return;
    }
    let typed = state.composer.text();
    // A space before it is a slip, and what follows may be meant for nobody's eyes.
    let typed = typed.trim_start();
    if typed.starts_with('/') && !typed.starts_with("//") {
        slash::run_draft(state, fx);
        return;
    }
    if let EnginePhase::Failed(why) = &state.engine {
        let why = why.clone();
        notes::toast(state, Tone::Bad, format!("not sent: {why}"));
        return;
    }
    if let Err(why) = private::refuse_doubtful(state, &state.composer.draft().expanded()) {
        notes::toast(state, Tone::Warn, why);
        return;
    }
    let draft = state.composer.take();
    state.composer.history.push(draft.clone());
    let queued = prepare(draft);
    if queued.text.is_empty() {
        return;
    }
    let Some(cell) = state.editing.take() else { return enqueue(state, fx, queued) };
    // Until somebody answers, it can still be taken back.
    state.transcript.set_aside(cell);
    branches::left_behind(state);
    // What waits was written to follow, so it comes after this one.
    if state.running().is_none() && state.engine == EnginePhase::Ready {
        begin(state, fx, queued);
    } else {
        state.queue.insert(0, queued);
        state.queue_phase = QueuePhase::Flowing;
    }
}

/// Reads a draft into what will be sent.
fn prepare(draft: Draft) -> Queued {
    let expanded = draft.expanded();
    let text = expanded.strip_prefix("//").map_or(expanded.clone(), |rest| format!("/{rest}"));
    let parsed = composer::parse(&text);
    Queued {
        text: parsed.text,
        model: draft.chip.clone(),
        policy: parsed.policy.map(str::to_owned),
        tags: parsed.tags,
        draft,
    }
}

/// Sends a text to a model, or queues it.
pub(super) fn say(state: &mut AppState, fx: &mut Effects, text: &str, model: Option<ModelName>) {
    let draft = Draft { text: text.to_owned(), chip: model, ..Draft::default() };
    let queued = prepare(draft);
    enqueue(state, fx, queued);
}

fn enqueue(state: &mut AppState, fx: &mut Effects, queued: Queued) {
    if queued.text.is_empty() {
        return;
    }
    state.queue.push(queued);
    state.queue_phase = QueuePhase::Flowing;
    next(state, fx);
}

/// Sends the next of the queue, if it may go.
pub(super) fn next(state: &mut AppState, fx: &mut Effects) {
    let free = state.running().is_none()
        && state.engine == EnginePhase::Ready
        && state.queue_phase == QueuePhase::Flowing
        && state.editing.is_none();
    if !free || state.queue.is_empty() {
        return;
    }
    let queued = state.queue.remove(0);
    begin(state, fx, queued);
}

/// Sends a message as the next of the chat.
fn begin(state: &mut AppState, fx: &mut Effects, queued: Queued) {
    let Queued { draft, text, model, policy, tags } = queued;
    let id = state.ids.message(state.now);
    let heard = Heard::Sent;
    let user = UserCell { id, at: state.now, text, draft, model, policy, tags, heard };
    if state.title.is_empty() {
        state.title = user.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if state.title.chars().count() > TITLE_CHARS {
            state.title = state.title.chars().take(TITLE_CHARS - 1).collect::<String>() + "…";
        }
    }
    let cell = push_cell(state, Cell::User(user));
    say_what_stays(state, cell);
    ask(state, fx, cell, Asking::first());
}

/// Says what is not sent along, the first time it is not.
fn say_what_stays(state: &mut AppState, cell: usize) {
    let Some(Cell::User(user)) = state.transcript.cells.get(cell) else { return };
    let (_, left_out) = request(state, RequestId(uuid::Uuid::nil()), cell, user);
    let before = heard_before(state, cell).next();
    let said = before.is_none_or(|(_, before, _)| !is_private(&before.tags));
    if left_out.private > 0 && !said {
        let words = LeftOut { running: 0, ..left_out }.words().join("; ");
        notes::note(state, Tone::Info, words);
    }
}

/// Asks again what a budget wanted to be asked about first, now that it was; the refusal goes.
pub(super) fn refused(
    state: &mut AppState,
    fx: &mut Effects,
    request: RequestId,
    allowance: OverBudget,
) {
    let refused = state.transcript.cells.iter().rposition(|cell| match cell {
        Cell::Reply(reply) => reply.request == request,
        Cell::User(_) | Cell::Note(_) => false,
    });
    let Some(index) = refused else { return };
    let Some(Cell::Reply(reply)) = state.transcript.cells.get(index) else { return };
    let (cell, asking) = (reply.answers, Asking { over_budget: allowance, cache: reply.cache });
    if state.running().is_some() || state.engine != EnginePhase::Ready {
        return;
    }
    if index + 1 == state.transcript.cells.len() {
        cut_from(state, index);
    }
    ask(state, fx, cell, asking);
}

/// Takes what a budget asked about and nobody allowed out of the chat and back into the draft. A
/// message that was answered before stays, and only the refusal goes.
pub(super) fn unsay(state: &mut AppState, request: RequestId) {
    let Some((index, reply)) = state.last_reply().filter(|(_, reply)| reply.request == request)
    else {
        return;
    };
    let asked = reply.answers;
    let cells = &state.transcript.cells;
    let answered = cells.iter().enumerate().any(|(at, cell)| match cell {
        Cell::Reply(other) => at != index && other.answers == asked,
        Cell::User(_) | Cell::Note(_) => false,
    });
    let draft = match cells.get(asked) {
        Some(Cell::User(user)) if !answered => user.draft.clone(),
        _ => {
            cut_from(state, index);
            return;
        }
    };
    cut_from(state, asked);
    let edited = state.transcript.put_back();
    if !state.transcript.cells.iter().any(|cell| matches!(cell, Cell::User(_))) {
        state.title.clear();
        if state.private == PrivateChat::Begun {
            state.private = PrivateChat::Fresh;
        }
    }
    let place = if state.composer.is_blank() {
        state.composer.set(draft);
        // Sent after all, it takes that message's place.
        state.editing = edited;
        "in the draft"
    } else {
        "in the history (↑)"
    };
    notes::toast(state, Tone::Info, format!("not sent; it is {place}"));
}

/// What a question may do on its way to an answer.
#[derive(Debug, Clone, Copy)]
struct Asking {
    over_budget: OverBudget,
    cache: CacheMode,
}

impl Asking {
    /// Asked for the first time.
    const fn first() -> Self {
        Self { over_budget: OverBudget::Ask, cache: CacheMode::Normal }
    }

    /// Asked again, of this model or of whoever is chosen: what is kept would only say the same once
    /// more. Of a model that has not answered it yet, a kept answer is another answer.
    fn again(state: &AppState, cell: usize, model: Option<&ModelName>) -> Self {
        let by = |reply: &ReplyCell, wanted: &ModelName| {
            reply.answers == cell && reply.model().is_some_and(|(model, _)| model == wanted)
        };
        let shown = model.is_none_or(|wanted| {
            state.transcript.cells.iter().any(|cell| match cell {
                Cell::Reply(reply) => by(reply, wanted),
                Cell::User(_) | Cell::Note(_) => false,
            })
        });
        let cache = if shown { CacheMode::Refresh } else { CacheMode::Normal };
        Self { cache, ..Self::first() }
    }
}

/// Asks what a user's cell says; the answer goes to a new cell at the end.
fn ask(state: &mut AppState, fx: &mut Effects, cell: usize, asking: Asking) {
    let id = state.ids.request(state.now);
    let Asking { over_budget, cache } = asking;
    let mut request = Request { cache, over_budget, ..request_for(state, id, cell) };
    request.place = place(state, cell);
    keep_instructions(state, &request);
    let mut reply = ReplyCell::new(id, cell, state.now);
    reply.cache = cache;
    reply.first_block = state.last_reply().map_or(0, |(index, last)| {
        let laid_out = state.transcript.layout.rows(index);
        last.first_block + laid_out.map_or_else(|| blocks(last).len(), CellRows::code_blocks)
    });
    push_cell(state, Cell::Reply(Box::new(reply)));
    if request.privacy == Privacy::Private {
        state.private = PrivateChat::Begun;
    }
    state.transcript.scroll = Scroll::Follow;
    state.transcript.selected = None;
    fx.push(Effect::Send(Box::new(request)));
}

/// Instructions that are first given with something private stay as that does, as they are kept.
fn keep_instructions(state: &mut AppState, request: &Request) {
    let first = request.system.is_some() && !std::mem::replace(&mut state.system_given, true);
    if first && request.audience() == Audience::Here && state.private == PrivateChat::Off {
        state.system_for = Audience::Here;
        let words = "the system prompt was given in private: it goes along only with #private";
        notes::note(state, Tone::Info, words);
    }
}

/// Asks a message again, past what is kept: in place when nothing came after it, else as a new message at the end.
pub(super) fn again(state: &mut AppState, fx: &mut Effects, cell: usize, model: Option<ModelName>) {
    if state.running().is_some() {
        notes::toast(state, Tone::Warn, "a reply is running: Esc stops it");
        return;
    }
    if state.engine != EnginePhase::Ready {
        notes::toast(state, Tone::Warn, "still starting");
        return;
    }
    let last = state.transcript.cells.iter().rposition(|cell| matches!(cell, Cell::User(_)));
    let asking = Asking::again(state, cell, model.as_ref());
    let Some(Cell::User(user)) = state.transcript.cells.get_mut(cell) else { return };
    if last == Some(cell) {
        user.model = model.or(user.model.take());
        super::changed_cell(state, cell);
        ask(state, fx, cell, asking);
        return;
    }
    let mut user = user.clone();
    user.id = state.ids.message(state.now);
    user.model = model.or(user.model);
    user.at = state.now;
    let cell = push_cell(state, Cell::User(user));
    ask(state, fx, cell, asking);
}

/// Takes a message back into the draft; sending it replaces it and all that came after.
pub(super) fn edit(state: &mut AppState, cell: usize) {
    if state.running().is_some() {
        notes::toast(state, Tone::Warn, "a reply is running: Esc stops it");
        return;
    }
    let Some(Cell::User(user)) = state.transcript.cells.get(cell) else { return };
    let draft = user.draft.clone();
    take_up(state, draft);
    state.editing = Some(cell);
    state.view = super::super::View::Chat;
    state.focus = super::super::Focus::Composer;
}

/// Puts a text in the draft's place; what was begun there goes to the history, and that is said.
pub(super) fn take_up(state: &mut AppState, draft: Draft) {
    if !state.composer.is_blank() {
        let begun = state.composer.take();
        state.composer.history.push(begun);
        notes::toast(state, Tone::Info, "what was in the draft is in the history (↑)");
    }
    state.composer.set(draft);
}

/// Cuts the chat off before a cell.
pub(super) fn cut_from(state: &mut AppState, cell: usize) {
    state.transcript.truncate(cell);
}

/// Takes the newest queued prompt back into the draft. `false` when none waits.
pub(super) fn take_back(state: &mut AppState) -> bool {
    if state.queue.is_empty() {
        return false;
    }
    let waiting = std::mem::take(&mut state.queue);
    let mut whole = Draft::default();
    for queued in waiting {
        if !whole.text.is_empty() {
            whole.text.push_str("\n\n");
        }
        whole.text.push_str(&queued.draft.text);
        whole.pastes.pastes.extend(queued.draft.pastes.pastes);
        whole.chip = queued.draft.chip.or(whole.chip);
    }
    take_up(state, whole);
    state.queue_phase = QueuePhase::Flowing;
    true
}

/// The questions before a cell that somebody was asked, the newest first, each with its place and its
/// newest answer.
fn heard_before(
    state: &AppState,
    before: usize,
) -> impl Iterator<Item = (usize, &UserCell, Option<&ReplyCell>)> {
    let before = before.min(state.transcript.cells.len());
    let mut replies: Vec<Option<&ReplyCell>> = vec![None; before];
    let mut heard: Vec<Option<Heard>> = vec![None; before];
    for cell in &state.transcript.cells {
        let Cell::Reply(reply) = cell else { continue };
        let Some(slot) = heard.get_mut(reply.answers) else { continue };
        match (reply.reached_somebody(), *slot) {
            (true, _) => *slot = Some(Heard::Sent),
            (false, None) => *slot = Some(Heard::Never),
            (false, Some(_)) => {}
        }
        if !reply.reply.text.is_empty() {
            replies[reply.answers] = Some(reply);
        }
    }
    (0..before).rev().filter_map(move |at| {
        let Cell::User(user) = &state.transcript.cells[at] else { return None };
        let heard = match (user.heard, heard[at]) {
            (_, Some(Heard::Sent)) => Heard::Sent,
            (Heard::Sent, Some(told)) => told,
            (kept, _) => kept,
        };
        (heard == Heard::Sent).then_some((at, user, replies[at]))
    })
}

/// Where a user's cell hangs in the conversation: under the newest answer to the question before it,
/// or under that question where nothing answered it. What nobody was asked is no place.
fn place(state: &AppState, cell: usize) -> Option<Place> {
    let Some(Cell::User(user)) = state.transcript.cells.get(cell) else { return None };
    let before = heard_before(state, cell).next();
    let parent = before
        .map(|(_, asked, answer)| answer.map_or(asked.id, |answer| MessageId(answer.request.0)));
    Some(Place { message: user.id, parent })
}

/// The conversation before a cell: each question with its newest answer.
fn history(state: &AppState, before: usize, audience: Audience) -> History {
    let turn = |(_, user, answer): (usize, &UserCell, Option<&ReplyCell>)| Turn {
        tags: user.tags.clone(),
        heard: Heard::Sent,
        messages: std::iter::once(Message::user(&user.text))
            .chain(answer.map(|answer| Message::assistant(&answer.reply.text)))
            .collect(),
    };
    let mut turns: Vec<Turn> = heard_before(state, before).map(turn).collect();
    turns.reverse();
    History::of(turns, audience)
}

/// What a user says after what was said before a cell, and what of that is left out.
fn request(state: &AppState, id: RequestId, before: usize, user: &UserCell) -> (Request, LeftOut) {
    let mut request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, "");
    request.session = Some(state.session);
    request.route = user.model.clone().map_or(Route::Auto, Route::Prefer);
    request.policy.clone_from(&user.policy);
    request.tags.clone_from(&user.tags);
    request.privacy = state.private.privacy();
    if state.system_for == Audience::Anybody || request.audience() == Audience::Here {
        request.system.clone_from(&state.system);
    }
    let mut history = history(state, before, request.audience());
    history.say(Message::user(&user.text));
    request.messages = history.messages;
    (request, history.left_out)
}

fn request_for(state: &AppState, id: RequestId, cell: usize) -> Request {
    match state.transcript.cells.get(cell) {
        Some(Cell::User(user)) => request(state, id, cell, user).0,
        Some(Cell::Reply(_) | Cell::Note(_)) | None => {
            Request::new(id, Origin::Chat, ReaderKind::Replaceable, "")
        }
    }
}

/// The draft as a request that will not be sent.
fn draft_request(state: &AppState, draft: Draft) -> Request {
    let Queued { draft, text, model, policy, tags } = prepare(draft);
    let id = MessageId(uuid::Uuid::nil());
    let heard = Heard::Sent;
    let user = UserCell { id, at: state.now, text, draft, model, policy, tags, heard };
    let before = state.editing.unwrap_or(state.transcript.cells.len());
    let id = RequestId(uuid::Uuid::nil());
    request(state, id, before, &user).0
}

/// Decides the draft for the line under it.
pub(super) fn preview(state: &mut AppState, fx: &mut Effects) {
    let typed = state.composer.text();
    let typed = typed.trim_start();
    let command = typed.starts_with('/') && !typed.starts_with("//");
    if state.composer.is_blank() || command || state.snapshot.is_none() {
        state.preview = None;
        return;
    }
    let request = draft_request(state, state.composer.draft());
    let purpose = DecideFor::Preview(state.composer.revision());
    fx.push(Effect::Decide { purpose, request: Box::new(request) });
}

/// Shows where a text would go, and sends nothing.
pub(super) fn test(state: &mut AppState, fx: &mut Effects, draft: Draft) {
    if state.snapshot.is_none() {
        notes::toast(state, Tone::Warn, "still starting");
        return;
    }
    if draft.text.trim().is_empty() {
        // Whatever is typed next must not land on keys of a list.
        state.composer.set(Draft { text: "/test ".to_owned(), ..Draft::default() });
        state.view = super::super::View::Chat;
        state.focus = super::super::Focus::Composer;
        notes::toast(state, Tone::Info, "type a prompt: it is tested, not sent");
        return;
    }
    let prompt = draft.text.clone();
    let request = draft_request(state, draft);
    state.overlay = Some(Overlay::Test(TestCard { prompt, decision: None }));
    fx.push(Effect::Decide { purpose: DecideFor::Test, request: Box::new(request) });
}

/// Begins a new chat.
pub(super) fn new_chat(state: &mut AppState, fx: &mut Effects) {
    super::escape::stop(state, fx);
    // What waited was never sent.
    take_back(state);
    private::leave(state, fx);
    state.transcript.begin(Spent::default());
    state.queue_phase = QueuePhase::Flowing;
    state.editing = None;
    state.title.clear();
    // What was asked of the model is part of the chat it was asked in.
    (state.system, state.system_for) = (None, Audience::Anybody);
    state.system_given = false;
    state.session = state.ids.session(state.now);
    state.view = super::super::View::Chat;
    state.focus = super::super::Focus::Composer;
}
