//! A chat that was kept, as the console shows it again, and how one of its answers was routed.
//!
//! Must not know: what the console does with it. Invariants: the ledger is asked as often for a long
//! chat as for a short one; what an answer came to is what was said of it when it was given.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::console::app::{Branch, KeptAnswer, KeptSession, KeptTurn, PaidIn, Spot};
use crate::domain::{
    Finish, Message, MessageId, ModelName, Origin, Outcome, Part, PinScope, Privacy, ProviderName,
    RequestId, Role, SessionId, Usage,
};
use crate::engine::LogEntry;
use crate::ledger::{AnswerFigures, KeptMessage, KeptRoute, LedgerError, Reader, Unanswered};

/// A chat, whole, on the way that leads by a place; on the newest where none is named, or it is gone.
pub(super) fn open(
    reader: &Reader,
    id: SessionId,
    spot: Option<Spot>,
) -> Result<KeptSession, LedgerError> {
    let detail = super::whole(reader, id)?;
    let message = match spot {
        None => None,
        Some(Spot::Message(message)) => Some(message),
        Some(Spot::Answer(request)) => {
            let of = |kept: &&KeptMessage| {
                kept.message.role == Role::Assistant
                    && (kept.request == Some(request) || kept.id.0 == request.0)
            };
            detail.messages.iter().find(of).map(|kept| kept.id)
        }
    };
    let end = message.and_then(|message| detail.end_of(message));
    let branches = detail.ends().len().saturating_sub(1);
    let mut figures = reader.answers_of(id)?;
    let mut figures_of = |kept: &KeptMessage| {
        kept.request.and_then(|request| figures.remove(&request)).unwrap_or_default()
    };
    let branch = detail.branch(end);
    let on: HashSet<MessageId> = branch.iter().map(|kept| kept.id).collect();
    // Answers that were asked for again, by their questions.
    let mut again: HashMap<MessageId, Vec<&KeptMessage>> = HashMap::new();
    for kept in detail.messages.iter().filter(|kept| !on.contains(&kept.id)) {
        if let (Role::Assistant, Some(parent)) = (kept.message.role, kept.parent) {
            again.entry(parent).or_default().push(kept);
        }
    }
    let mut asked: Vec<(&KeptMessage, Vec<&KeptMessage>)> = Vec::new();
    for kept in branch {
        match (kept.message.role, asked.last_mut()) {
            (Role::User, _) => asked.push((kept, again.remove(&kept.id).unwrap_or_default())),
            (Role::Assistant, Some((_, answers))) => {
                // After its tools were called it is gone on with: the last one says what came of it.
                answers.pop_if(|last| on.contains(&last.id));
                // The one the chat went on from comes last.
                answers.push(kept);
            }
            (Role::Assistant | Role::System | Role::Tool, _) => {}
        }
    }
    let mut silent = reader.unanswered_of(id)?;
    let mut shown = HashSet::new();
    let mut turns: Vec<KeptTurn> = Vec::new();
    for (question, answers) in asked {
        shown.extend(answers.iter().map(|kept| kept.id));
        let mut answers: Vec<KeptAnswer> =
            answers.into_iter().map(|kept| given(kept, figures_of(kept), Words::Kept)).collect();
        for none in silent.extract_if(.., |none| none.asked == question.id) {
            let none = nobodys(none);
            let later = answers.iter().position(|answer| answer.at > none.at);
            answers.insert(later.unwrap_or(answers.len()), none);
        }
        let decision = answers.iter().rev().find_map(|answer| answer.decision.as_ref());
        let named = decision.and_then(|decision| decision.imposed.as_ref());
        let named = named.filter(|imposed| imposed.scope == PinScope::Message);
        turns.push(KeptTurn {
            id: question.id,
            at: question.at,
            text: question.message.plain(),
            model: named.and_then(|imposed| imposed.model.clone()),
            tags: question.tags.clone(),
            heard: question.heard,
            answers,
        });
    }
    let elsewhere = detail.messages.iter().filter(|kept| {
        kept.message.role == Role::Assistant && kept.request.is_some() && !shown.contains(&kept.id)
    });
    let replaced = elsewhere.map(|kept| given(kept, figures_of(kept), Words::Left)).collect();
    let cost = detail.row.cost;
    Ok(KeptSession {
        id,
        title: detail.row.title,
        system: detail.system,
        system_for: detail.system_for,
        cost,
        turns,
        replaced,
        branches,
    })
}

/// The ways a chat went, the newest first. `shown` is the last question of the one on the screen.
pub(super) fn branches(
    reader: &Reader,
    id: SessionId,
    shown: MessageId,
) -> Result<Vec<Branch>, LedgerError> {
    let detail = super::whole(reader, id)?;
    let here = detail.end_of(shown).map_or_else(Vec::new, |end| detail.branch(Some(end)));
    let asked = |way: &[&KeptMessage]| -> Vec<(MessageId, String)> {
        let questions = way.iter().filter(|kept| kept.message.role == Role::User);
        questions.map(|kept| (kept.id, kept.message.plain())).collect()
    };
    let here = asked(&here);
    let way = |end: MessageId| {
        let way = detail.branch(Some(end));
        let on: HashSet<MessageId> = way.iter().map(|kept| kept.id).collect();
        let questions = asked(&way);
        let parts = (0..questions.len())
            .find(|n| here.get(*n).is_none_or(|(id, _)| *id != questions[*n].0));
        let text = match parts {
            Some(n) => from_where_it_differs(&questions[n].1, here.get(n).map(|(_, text)| text)),
            None => questions.last().map_or_else(String::new, |(_, text)| text.clone()),
        };
        // With answers that were asked for again beside those it went on from, as they are shown.
        let messages = detail.messages.iter().filter(|kept| {
            let beside = || kept.parent.is_some_and(|parent| on.contains(&parent));
            on.contains(&kept.id) || (kept.message.role == Role::Assistant && beside())
        });
        Branch {
            end,
            at: way.last().map_or(detail.row.created, |kept| kept.at),
            messages: messages.count(),
            text,
            shown: parts.is_none(),
        }
    };
    Ok(detail.ends().into_iter().map(way).collect())
}

/// A question as it is told from another: where both begin alike for long, from there on.
pub(super) fn from_where_it_differs(text: &str, other: Option<&String>) -> String {
    /// Bytes that may be alike before they are left out.
    const ALIKE: usize = 32;
    let alike = other.map_or(0, |other| {
        text.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).count()
    });
    let at = text.char_indices().nth(alike).map_or(text.len(), |(at, _)| at);
    // One that the other only adds to has nothing of its own.
    if at < ALIKE || at == text.len() {
        return text.to_owned();
    }
    // From the word in which it begins, so that it can be read.
    let start = text[..at].trim_end().rfind(char::is_whitespace).unwrap_or(0);
    // On one line: what differs may stand below.
    let rest = text[start..].split_whitespace().collect::<Vec<_>>().join(" ");
    if start == 0 || rest.is_empty() { text.to_owned() } else { format!("… {rest}") }
}

/// Whether an answer's words are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Kept,
    Left,
}

fn given(kept: &KeptMessage, figures: AnswerFigures, words: Words) -> KeptAnswer {
    let (text, reasoning) = match words {
        Words::Kept => (kept.message.plain(), thinking(&kept.message)),
        Words::Left => (String::new(), String::new()),
    };
    KeptAnswer {
        // As a message it is what comes next hangs on; in a copied chat that is the copy.
        request: RequestId(kept.id.0),
        at: kept.at,
        text,
        reasoning,
        model: kept.model.as_deref().map(ModelName::from),
        provider: kept.provider.as_deref().map(ProviderName::from),
        finish: kept.finish.as_deref().and_then(named),
        usage: usage(&figures, kept.model.as_deref()),
        cost: figures.cost,
        wait_ms: figures.wait_ms,
        ttft_ms: figures.ttft_ms,
        total_ms: figures.total_ms,
        cached: figures.cached,
        cache_note: figures.cache_note,
        seams: match words {
            Words::Kept => kept.seams.clone(),
            Words::Left => Vec::new(),
        },
        verdict: figures.verdict,
        attempts: figures.attempts,
        decision: figures.decision,
        paid: if figures.copied { PaidIn::Original } else { PaidIn::ThisChat },
        problem: None,
    }
}

/// What is to be said of a request nothing was said to.
fn nobodys(none: Unanswered) -> KeptAnswer {
    let Unanswered { request, at, model, provider, finish, error, figures, .. } = none;
    KeptAnswer {
        request,
        at,
        text: String::new(),
        reasoning: String::new(),
        usage: usage(&figures, model.as_deref()),
        model: model.as_deref().map(ModelName::from),
        provider: provider.as_deref().map(ProviderName::from),
        finish: Some(named(&finish).unwrap_or(Finish::Error)),
        cost: figures.cost,
        wait_ms: figures.wait_ms,
        ttft_ms: figures.ttft_ms,
        total_ms: figures.total_ms,
        cached: figures.cached,
        cache_note: figures.cache_note,
        seams: Vec::new(),
        verdict: figures.verdict,
        attempts: figures.attempts,
        decision: figures.decision,
        paid: PaidIn::ThisChat,
        problem: error,
    }
}

/// The tokens of an answer. Those of one from the cache are nowhere but in the forecast: it made no
/// call.
fn usage(figures: &AnswerFigures, model: Option<&str>) -> Usage {
    if figures.cached.is_none() || figures.usage.output > 0 {
        return figures.usage;
    }
    let asked = figures.decision.as_ref().zip(model);
    asked.and_then(|(decision, model)| decision.candidate(model)).map_or(figures.usage, |one| {
        Usage {
            input: one.estimate.input_tokens,
            output: one.estimate.output_tokens,
            estimated: true,
            ..Usage::default()
        }
    })
}

/// A value of ours by the name it is kept under.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn thinking(message: &Message) -> String {
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Reasoning { text, .. } => Some(text.as_str()),
        _ => None,
    });
    parts.collect()
}

/// How a request was routed, as a line of the routing log.
pub(super) fn why(reader: &Reader, request: RequestId) -> Result<LogEntry, LedgerError> {
    let route = reader.route_of(request)?.ok_or_else(|| {
        LedgerError::Unknown("how this was routed is not kept any more".to_owned())
    })?;
    let KeptRoute { session, at, asked, input, decision, decided_in, figures, .. } = route;
    let origin = named(&route.origin).unwrap_or(Origin::Chat);
    let outcome = route.finish.as_deref().map(|name| Outcome {
        // One the process did not live to see the end of was cut off.
        finish: named(name).unwrap_or(Finish::Truncated),
        usage: usage(&figures, route.model.as_deref()),
        model: route.model.as_deref().map(ModelName::from),
        provider: route.provider.as_deref().map(ProviderName::from),
        model_id: None,
        cost: figures.cost,
        wait_ms: figures.wait_ms,
        ttft_ms: figures.ttft_ms,
        total_ms: figures.total_ms,
        answer_cost: None,
        cached: figures.cached.clone(),
        cache_note: figures.cache_note.clone(),
        error: None,
    });
    Ok(LogEntry {
        request,
        session,
        origin,
        at,
        // Of a private chat nothing is kept.
        privacy: Privacy::Open,
        prompt: asked.split_whitespace().collect::<Vec<_>>().join(" "),
        decision: Arc::new(decision),
        input: Arc::new(input),
        decided_in,
        attempts: figures.attempts,
        doubts: Vec::new(),
        outcome,
    })
}
