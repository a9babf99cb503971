//! A request on its way into the ledger: its decision, its text as it comes, its attempts, its end.
//!
//! Must not know: the database. Invariants: without a ledger nothing here costs anything; text never
//! waits; the end waits for the disk, so that no reader sees the end of an answer that a kill could
//! take back, but only so long, and not at all while it is known that nothing is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::KeepWhat;
use crate::domain::{Decision, Origin, Outcome, Privacy, Reply, ReplyEvent, Request};
use crate::ledger::{Begin, Behind, End, Health, Keep, Ledger, LedgerError, Piece};
use crate::route::DecisionInput;

use super::actor::{Shared, ToActor};

/// An answer's end waits so long for the disk. Longer, and a disk that hangs would be felt as an
/// answer that does not end; what is written later is kept all the same.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Asking waits at most so long until the question itself would outlive this process: usually about
/// a millisecond.
const BEGIN_LIMIT: Duration = Duration::from_millis(500);

/// What is kept of one request.
pub(super) struct Recorder {
    kept: Option<(Ledger, Keep)>,
    begin: OnceLock<Arc<Begin>>,
    /// It waited, and nobody was asked since.
    waits: AtomicBool,
}

impl Recorder {
    /// For a request, where there is a ledger.
    pub(super) fn new(ledger: Option<&Ledger>, what: KeepWhat, request: &Request) -> Self {
        let by_origin = |ledger: &Ledger| match request.origin {
            Origin::Chat | Origin::Ask | Origin::Compare => Keep::All,
            Origin::Gateway => ledger.gateway(),
            Origin::Ping | Origin::Probe | Origin::Explain => Keep::Figures,
        };
        let keep = |ledger: &Ledger| match (request.privacy, what) {
            (Privacy::Private, _) | (Privacy::Open, KeepWhat::Nothing) => None,
            (Privacy::Open, KeepWhat::All) => Some(by_origin(ledger)),
            (Privacy::Open, KeepWhat::Figures) => Some(Keep::Figures),
        };
        let kept = ledger.and_then(|ledger| Some((ledger.clone(), keep(ledger)?)));
        Self { kept, begin: OnceLock::new(), waits: AtomicBool::new(false) }
    }

    /// It was decided.
    pub(super) async fn begin(
        &self,
        request: &Request,
        (input, decision): (&Arc<DecisionInput>, &Arc<Decision>),
        decided_in: Duration,
    ) {
        let Some((ledger, keep)) = &self.kept else { return };
        let begin = self.begin.get_or_init(|| {
            Arc::new(Begin {
                request: request.clone(),
                input: Arc::clone(input),
                decision: Arc::clone(decision),
                decided_in,
                at: input.now,
                keep: *keep,
            })
        });
        let begin = Arc::clone(begin);
        let given = async {
            if *keep == Keep::All && ledger.trouble().is_none() {
                // How it goes is told by the watch.
                let _told = ledger.begin(begin).await;
            } else {
                // Nothing is shown that would be offered back.
                ledger.begin_later(begin).await;
            }
        };
        // Where the disk is behind the end brings the beginning along.
        let _late = tokio::time::timeout(BEGIN_LIMIT, given).await;
    }

    /// It waits for a budget or a rate limit, or reads along: should the process end before somebody is asked, nobody was
    /// and nothing was spent by it. Never waits itself.
    pub(super) fn waits(&self) {
        if let (Some((ledger, _)), Some(begin)) = (&self.kept, self.begin.get()) {
            self.waits.store(true, Ordering::Relaxed);
            ledger.more(begin.request.id, Piece::Waits, "-");
        }
    }

    /// The reader is shown this. Never waits.
    pub(super) fn event(&self, event: &ReplyEvent) {
        let (Some((ledger, keep)), Some(begin)) = (&self.kept, self.begin.get()) else { return };
        let request = begin.request.id;
        let journal = |piece, text: &str| {
            if *keep == Keep::All {
                ledger.more(request, piece, text);
            }
        };
        match event {
            ReplyEvent::Text(text) => journal(Piece::Text, text),
            ReplyEvent::Reasoning(text) => journal(Piece::Reasoning, text),
            ReplyEvent::Restart { .. } => ledger.void(request),
            ReplyEvent::Attempt { n, model, kind, .. } => {
                if self.waits.swap(false, Ordering::Relaxed) || *n > 1 {
                    ledger.more(request, Piece::Asked, &format!("{n} {} {model}\n", kind.name()));
                }
            }
            ReplyEvent::AttemptEnded(report) => ledger.attempt(begin, report.as_ref().clone()),
            ReplyEvent::Routed(_)
            | ReplyEvent::Held { .. }
            | ReplyEvent::FirstToken { .. }
            | ReplyEvent::ToolCall { .. }
            | ReplyEvent::Seam(_)
            | ReplyEvent::Usage(_)
            | ReplyEvent::Verdict(_)
            | ReplyEvent::End(_) => {}
        }
    }

    /// It is over. Resolves once that is on the disk, or was not within the limit.
    pub(super) async fn end(&self, shared: &Shared, reply: &Reply, outcome: &Outcome) {
        let (Some((ledger, keep)), Some(begin)) = (&self.kept, self.begin.get()) else { return };
        let words = |text: &String| match keep {
            Keep::All => text.clone(),
            Keep::Figures => String::new(),
        };
        let end = End {
            begin: Arc::clone(begin),
            at: super::clock::now(),
            text: words(&reply.text),
            reasoning: words(&reply.reasoning),
            tool_calls: match keep {
                Keep::All => reply.tool_calls.clone(),
                Keep::Figures => Vec::new(),
            },
            seams: reply.seams.clone(),
            verdict: reply.verdict.clone(),
            attempts: reply.attempts.clone(),
            outcome: outcome.clone(),
        };
        let known = ledger.trouble();
        if known.is_some() {
            // Nobody waits for what is known not to work; it is tried all the same.
            let ledger = ledger.clone();
            shared.tasks.spawn(async move {
                let _told_by_the_watch = ledger.end(end).await;
            });
            return;
        }
        if tokio::time::timeout(END_LIMIT, ledger.end(end)).await.is_err() {
            let slow = LedgerError::Slow { path: ledger.path().to_path_buf() };
            shared.tell(ToActor::Keeping(Keeping::NotYet(slow.to_string()))).await;
        }
    }
}

/// Whether what is asked is kept, as people are told.
#[derive(Debug)]
pub(super) enum Keeping {
    /// It is again, and this became of what waited meanwhile.
    Again(Behind),
    /// It is not, and why. What records waits and is tried again.
    NotYet(String),
    /// It is not, and will not be.
    Not(String),
    /// Too much waits: from here on words are given up, or everything.
    TooMuch(Behind),
}

/// Tells when keeping fails, when something begins to be given up and when it works again, once each.
pub(super) async fn watch(ledger: Ledger, shared: Arc<Shared>) {
    let (mut health, mut behind) = (ledger.watch(), ledger.watch_behind());
    // Only the watches are held: the ledger ends with those who use it.
    drop(ledger);
    let mut failing: Option<LedgerError> = None;
    let mut before = Behind::default();
    let mut given_up = Behind::default();
    loop {
        let now = health.borrow_and_update().clone();
        let since = behind.borrow_and_update().since(&before);
        match now {
            Health::Failing(error) if failing.as_ref() != Some(&error) => {
                tracing::warn!(%error, "not kept");
                let why = error.to_string();
                let told = if error.may_pass() { Keeping::NotYet(why) } else { Keeping::Not(why) };
                shared.tell(ToActor::Keeping(told)).await;
                failing = Some(error);
            }
            // All of what waited is written.
            Health::Keeping if failing.is_some() && since.waiting == 0 => {
                failing = None;
                before = before.and(&since);
                given_up = Behind::default();
                shared.tell(ToActor::Keeping(Keeping::Again(since))).await;
            }
            Health::Failing(_) | Health::Keeping | Health::Opening => {}
        }
        let words = since.wordless > 0 && given_up.wordless == 0;
        let whole = since.lost > 0 && given_up.lost == 0;
        if (words || whole) && failing.as_ref().is_some_and(LedgerError::may_pass) {
            given_up = since;
            shared.tell(ToActor::Keeping(Keeping::TooMuch(since))).await;
        }
        tokio::select! {
            () = shared.closing.cancelled() => return,
            changed = health.changed() => if changed.is_err() { return },
            changed = behind.changed() => if changed.is_err() { return },
        }
    }
}
