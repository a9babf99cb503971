//! Why nobody could be asked, in words.
//!
//! Must not know: how a decision is made. Invariant: a pure function of the request and its decision.

use crate::domain::{
    Candidate, Decision, ErrorReport, FilterCode, ModelName, OutcomeClass, Privacy, Request,
};

use super::super::input::PRIVATE_HERE;

/// Reasons that are told; the rest is counted.
const TOLD: usize = 4;

/// Why nobody could be asked, from the decision's own reasons.
pub(super) fn nobody(request: &Request, decision: &Decision) -> ErrorReport {
    match request.privacy {
        Privacy::Private => private(request, decision, &CHAT),
        Privacy::Open if decision.rule.as_deref() == Some(PRIVATE_HERE) => {
            private(request, decision, &MESSAGE)
        }
        Privacy::Open => open(decision),
    }
}

/// What stays on this machine, in words.
struct Stays {
    what: &'static str,
    instead: &'static str,
}

const CHAT: Stays =
    Stays { what: "a private chat", instead: "/private off leaves the private chat" };

const MESSAGE: Stays =
    Stays { what: "a private message", instead: "without #private it may go anywhere" };

fn open(decision: &Decision) -> ErrorReport {
    let reasons = reasons(decision.candidates.iter());
    if reasons.is_empty() {
        return report(
            "no model can be used: no API key is set and no local server was found".to_owned(),
            "wheelhouse doctor lists the keys it looks for; --demo needs none",
        );
    }
    report(
        format!("no model can take this ({})", reasons.join("; ")),
        "wheelhouse explain shows every candidate; wheelhouse doctor shows keys",
    )
}

/// In private: what is elsewhere is out whatever else is said of it.
fn private(request: &Request, decision: &Decision, stays: &Stays) -> ErrorReport {
    let Stays { what, instead } = stays;
    let elsewhere = |candidate: &&Candidate| {
        candidate.filtered.iter().any(|reason| reason.code == FilterCode::Policy)
    };
    let named = request.route.model().map(ModelName::as_str).or_else(|| {
        let pinned = |reason: &crate::domain::FilterReason| reason.code == FilterCode::NotPinned;
        let others = decision.candidates.iter().filter(|one| one.filtered.iter().any(pinned));
        let free = decision.candidates.iter().find(|one| !one.filtered.iter().any(pinned))?;
        (others.count() > 0).then(|| free.model.as_str())
    });
    if let Some(named) = named.and_then(|name| decision.candidate(name)).filter(elsewhere) {
        return report(
            format!("{} is not on this machine, and {what} stays here", named.model),
            &format!("name a model on this machine or none; {instead}"),
        );
    }
    let here = reasons(decision.candidates.iter().filter(|candidate| !elsewhere(candidate)));
    let why = match here.as_slice() {
        [] => "no model was found here".to_owned(),
        [..] => format!("no model here can take this ({})", here.join("; ")),
    };
    report(
        format!("{what} stays on this machine, and {why}"),
        &format!(
            "start a local server (ollama, llama.cpp, LM Studio), or write tags = [\"local\"] under a \
             provider that is on this machine; {instead}"
        ),
    )
}

fn reasons<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> Vec<String> {
    let mut reasons: Vec<String> = candidates
        .filter_map(|candidate| {
            let reason = candidate.filtered.first()?;
            Some(format!("{}: {}", candidate.model, reason.detail))
        })
        .collect();
    let more = reasons.len().saturating_sub(TOLD);
    reasons.truncate(TOLD);
    if more > 0 {
        reasons.push(format!("{more} more"));
    }
    reasons
}

fn report(message: String, hint: &str) -> ErrorReport {
    ErrorReport {
        hint: hint.to_owned(),
        ..ErrorReport::new(OutcomeClass::Account, "no_candidate", message)
    }
}
