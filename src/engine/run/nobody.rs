//! Why nobody could be asked, in words.
//!
//! Must not know: how a decision is made. Invariant: a pure function of the request and its decision.

use crate::domain::{
    Candidate, Decision, ErrorReport, FilterCode, ModelName, OutcomeClass, Privacy, Request,
};

/// Reasons that are told; the rest is counted.
const TOLD: usize = 4;

/// Why nobody could be asked, from the decision's own reasons.
pub(super) fn nobody(request: &Request, decision: &Decision) -> ErrorReport {
    match request.privacy {
        Privacy::Open => open(decision),
        Privacy::Private => private(request, decision),
    }
}

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

/// In a private chat: what is elsewhere is out whatever else is said of it.
fn private(request: &Request, decision: &Decision) -> ErrorReport {
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
            format!("{} is not on this machine, and a private chat stays here", named.model),
            "name a model on this machine or none; /private off leaves the private chat",
        );
    }
    let here = reasons(decision.candidates.iter().filter(|candidate| !elsewhere(candidate)));
    let why = match here.as_slice() {
        [] => "no model was found here".to_owned(),
        [..] => format!("no model here can take this ({})", here.join("; ")),
    };
    report(
        format!("a private chat stays on this machine, and {why}"),
        "start a local server (ollama, llama.cpp, LM Studio); /private off leaves the private chat",
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
