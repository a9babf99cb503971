//! Real token counts, off every path somebody waits on.
//!
//! Owns: the counts that are known, and the one thread that makes new ones. Must not know: how a
//! decision weighs them. Invariants: bounded in memory and in work; what is not counted yet is
//! estimated, and nobody waits for it.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lru::LruCache;

use crate::config::Config;
use crate::domain::{Request, Vocabulary};
use crate::route::{self, Counted, DecisionInput, token_mix};
use crate::text;

use super::Snapshot;

/// Counts kept, least lately used first out: some hundred conversations' worth in under 1 MB.
const KEPT: usize = 8_192;

/// Texts that may wait to be counted. More are not taken: they are estimated until asked again.
const WAITING: usize = 256;

/// Nor are more bytes than these: each waiting text is a copy.
const WAITING_BYTES: usize = 16 << 20;

/// Bytes of a request looked up at a decision; hashing them takes well under a millisecond. A larger
/// one is estimated, which at that size is right to a few percent.
const LOOKED_UP: usize = 1 << 20;

/// Bytes counted at once where somebody who does not draw waits for it: a few milliseconds.
const AT_ONCE: usize = 64 << 10;

type Key = ([u8; 16], Vocabulary);

/// Counts and who makes them.
#[derive(Default)]
pub(super) struct Counting {
    known: Arc<Mutex<Known>>,
    /// Made at first use, ends when this does.
    jobs: OnceLock<SyncSender<(Vocabulary, String)>>,
    /// Bytes of the texts that wait.
    waiting: Arc<AtomicUsize>,
}

struct Known(LruCache<Key, u64>);

impl Default for Known {
    fn default() -> Self {
        Self(LruCache::new(NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN)))
    }
}

/// What to do about a text whose count is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Leave it.
    Leave,
    /// Count it here where that is quick, else later. Only on threads that may take a moment.
    Count,
}

impl Counting {
    /// Puts counts in place of estimates, for every candidate whose vocabulary has been in use and
    /// all of whose texts are counted.
    pub(super) fn refine(
        &self,
        input: &mut DecisionInput,
        request: &Request,
        snapshot: &Snapshot,
        unknown: Unknown,
    ) {
        let mut counted: [Option<Option<u64>>; Vocabulary::ALL.len()] =
            [None; Vocabulary::ALL.len()];
        let DecisionInput { candidates, features, now, .. } = input;
        for candidate in candidates {
            let Some(model) = snapshot.config.models.get(&candidate.model) else { continue };
            let Some(tokenizer) = model.tokenizer else { continue };
            let vocabulary = tokenizer.vocabulary;
            if !text::is_loaded(vocabulary) {
                continue;
            }
            let tokens = *counted[vocabulary.index()]
                .get_or_insert_with(|| self.of_request(vocabulary, request, unknown));
            let learned = snapshot.models.get(&candidate.model);
            let learned = learned.map_or(&[][..], |seen| seen.tokens.counts.as_slice());
            let factor = token_mix(&features.scripts, |script| {
                let own = learned.iter().find(|(s, _)| *s == script);
                own.map_or(1.0, |(_, factor)| f64::from(*factor))
            });
            candidate.counted = tokens.map(|tokens| Counted { tokens, factor: factor as f32 });
            if candidate.counted.is_some() {
                snapshot.weigh(candidate, model, request, (features, *now));
            }
        }
    }

    /// Has the texts of a request counted with this model's vocabulary, later: as many of them as a
    /// decision would look up.
    pub(super) fn order(&self, config: &Config, model: &str, request: &Request) {
        let tokenizer = config.models.get(model).and_then(|model| model.tokenizer);
        let Some(tokenizer) = tokenizer else { return };
        let mut bytes = 0usize;
        route::texts(request, &mut |text| {
            bytes = bytes.saturating_add(text.len());
            if bytes <= LOOKED_UP && self.known(tokenizer.vocabulary, text).is_none() {
                self.later(tokenizer.vocabulary, text);
            }
        });
    }

    /// All tokens of a request, if every text of it is counted.
    fn of_request(
        &self,
        vocabulary: Vocabulary,
        request: &Request,
        unknown: Unknown,
    ) -> Option<u64> {
        let (mut bytes, mut sum) = (0usize, Some(route::frame_tokens(request)));
        route::texts(request, &mut |text| {
            bytes = bytes.saturating_add(text.len());
            let count = if bytes > LOOKED_UP {
                None
            } else {
                self.known(vocabulary, text).or_else(|| match unknown {
                    Unknown::Count if text.len() <= AT_ONCE => count(&self.known, vocabulary, text),
                    Unknown::Count => {
                        self.later(vocabulary, text);
                        None
                    }
                    Unknown::Leave => None,
                })
            };
            sum = sum.zip(count).map(|(sum, count)| sum + count);
        });
        sum
    }

    fn known(&self, vocabulary: Vocabulary, text: &str) -> Option<u64> {
        if text.is_empty() {
            return Some(0);
        }
        let key = (digest(text), vocabulary);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.get(&key).copied()
    }

    fn later(&self, vocabulary: Vocabulary, text: &str) {
        let jobs = self.jobs.get_or_init(|| {
            let (jobs, work) = sync_channel(WAITING);
            let (known, waiting) = (Arc::clone(&self.known), Arc::clone(&self.waiting));
            let named = std::thread::Builder::new().name("wheelhouse-tokens".to_owned());
            // Where no thread can be had, the channel is closed and estimates go on.
            let _counting = named.spawn(move || run(&work, &known, &waiting));
            jobs
        });
        if self.waiting.fetch_add(text.len(), Ordering::Relaxed) + text.len() > WAITING_BYTES {
            self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
            return;
        }
        match jobs.try_send((vocabulary, text.to_owned())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
            }
        }
    }
}

fn run(work: &Receiver<(Vocabulary, String)>, known: &Mutex<Known>, waiting: &AtomicUsize) {
    while let Ok((vocabulary, text)) = work.recv() {
        count(known, vocabulary, &text);
        waiting.fetch_sub(text.len(), Ordering::Relaxed);
    }
}

fn count(known: &Mutex<Known>, vocabulary: Vocabulary, text: &str) -> Option<u64> {
    let count = text::count_tokens(vocabulary, text)?;
    let key = (digest(text), vocabulary);
    known.lock().unwrap_or_else(PoisonError::into_inner).0.put(key, count);
    Some(count)
}

fn digest(text: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::domain::{Origin, ReaderKind, RequestId, Script, Tokenizer, UnixMs};
    use crate::engine::sample;

    fn request(text: &str) -> Request {
        Request::new(RequestId(uuid::Uuid::nil()), Origin::Chat, ReaderKind::Replaceable, text)
    }

    fn snapshot(tokenizer: &str) -> Snapshot {
        let tokenizer: Option<Tokenizer> = tokenizer.parse().ok();
        let model = config::Model { tokenizer, ..config::sample::model("one", "lab") };
        let config = config::sample::config([config::sample::provider("lab")], [model]);
        sample::snapshot(UnixMs(0), config)
    }

    fn refined(
        counting: &Counting,
        snapshot: &Snapshot,
        text: &str,
        how: Unknown,
    ) -> DecisionInput {
        let request = request(text);
        let mut input = snapshot.decision_input(&request, UnixMs(0), 0);
        counting.refine(&mut input, &request, snapshot, how);
        input
    }

    fn until(wanted: impl Fn() -> bool) {
        let begun = std::time::Instant::now();
        while !wanted() {
            assert!(begun.elapsed().as_secs() < 20, "it never came to that");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_count_takes_the_place_of_the_estimate_and_what_was_learned_goes_on_top() {
        let (counting, mut snapshot) = (Counting::default(), snapshot("o200k_base"));
        text::count_tokens(Vocabulary::O200kBase, "x").unwrap();
        let words = "hello world";
        let input = refined(&counting, &snapshot, words, Unknown::Leave);
        assert_eq!(input.candidates[0].counted, None, "nobody had it counted");
        let input = refined(&counting, &snapshot, words, Unknown::Count);
        // Two for the words, four for the frame around a message.
        assert_eq!(input.candidates[0].counted, Some(Counted { tokens: 6, factor: 1.0 }));
        let seen = snapshot.models.get_mut("one").unwrap();
        seen.tokens.counts = vec![(Script::Latin, 1.5)];
        let input = refined(&counting, &snapshot, words, Unknown::Leave);
        let decision = route::decide(&input);
        assert_eq!(decision.candidates[0].estimate.input_tokens, 9);
    }

    #[test]
    fn a_request_that_was_ordered_is_counted_by_and_by() {
        let (counting, snapshot) = (Counting::default(), snapshot("cl100k_base"));
        let words = "a text nobody counted before";
        counting.order(&snapshot.config, "one", &request(words));
        until(|| counting.known(Vocabulary::Cl100kBase, words).is_some());
        let input = refined(&counting, &snapshot, words, Unknown::Leave);
        assert!(input.candidates[0].counted.is_some());
    }

    #[test]
    fn a_large_text_is_counted_elsewhere_and_estimated_meanwhile() {
        let (counting, snapshot) = (Counting::default(), snapshot("o200k_base"));
        text::count_tokens(Vocabulary::O200kBase, "x").unwrap();
        let large = "many words and more ".repeat(AT_ONCE / 16);
        let input = refined(&counting, &snapshot, &large, Unknown::Count);
        assert_eq!(input.candidates[0].counted, None);
        until(|| counting.known(Vocabulary::O200kBase, &large).is_some());
    }

    #[test]
    fn counts_are_bounded_and_more_work_than_fits_is_left() {
        let counting = Counting::default();
        for n in 0..(KEPT + 10) {
            let key = (digest(&n.to_string()), Vocabulary::Qwen3);
            counting.known.lock().unwrap().0.put(key, 1);
        }
        assert_eq!(counting.known.lock().unwrap().0.len(), KEPT);
        for n in 0..10 * WAITING {
            counting.later(Vocabulary::O200kBase, &format!("waiting {n}"));
        }
    }

    #[test]
    fn a_model_without_a_vocabulary_is_estimated() {
        let (counting, snapshot) = (Counting::default(), snapshot("none"));
        let input = refined(&counting, &snapshot, "hello world", Unknown::Count);
        assert_eq!(input.candidates[0].counted, None);
        assert!(input.candidates[0].token_factors.is_empty());
    }

    #[test]
    fn what_no_decision_would_look_up_is_not_counted_either() {
        let (counting, snapshot) = (Counting::default(), snapshot("o200k_base"));
        let mut request = request(&"long ".repeat(LOOKED_UP / 5 + 1));
        request.messages.push(crate::domain::Message::user("short and behind it"));
        counting.order(&snapshot.config, "one", &request);
        assert!(counting.jobs.get().is_none(), "nothing is waiting to be counted");
    }
}
