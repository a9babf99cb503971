//! What a model makes of a text in tokens, learned from the usage it reports.
//!
//! Owns: one factor per script, folded from prompts. Must not know: who sent what, or vocabularies.
//! Invariant: every factor stays between a quarter and four, whatever is reported; one wild report
//! moves a settled factor by a few percent at most.

use crate::domain::{ModelName, Script};
use crate::text::{SCRIPTS, script_shares};

use super::RouterState;
use super::features::tokens_per_char;

/// The least and greatest factor.
const BOUNDS: (f32, f32) = (0.25, 4.0);

/// A report further off than so many times counts as so far.
const WILD: f32 = 1.5;

/// How far a settled factor follows a report. Less forgets slower.
const FOLLOWS: f32 = 0.1;

/// A prompt of fewer expected tokens teaches nothing: the frame around it weighs too much.
const TEACHES: f64 = 50.0;

/// What was learned of a model's tokens, by script; a script that is not there has factor 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TokenFactors {
    /// Reported tokens over those estimated with its vocabulary.
    pub estimates: Vec<(Script, f32)>,
    /// Reported tokens over those counted.
    pub counts: Vec<(Script, f32)>,
}

/// A prompt whose tokens a model reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prompt<'a> {
    /// Its scripts.
    pub scripts: &'a [(Script, f32)],
    /// Tokens estimated, without anything learned.
    pub estimated: f64,
    /// Tokens counted, where they were.
    pub counted: Option<u64>,
}

impl RouterState {
    /// A model reported how many tokens it read of a prompt, all of it.
    pub fn learn_tokens(&mut self, model: &ModelName, prompt: Prompt<'_>, read: u64) {
        let Some(record) = self.records.get_mut(model) else { return };
        record.tokens.estimates.told(prompt.scripts, prompt.estimated, read);
        if let Some(counted) = prompt.counted {
            record.tokens.counts.told(prompt.scripts, counted as f64, read);
        }
    }

    /// What was learned of a model's tokens that is news enough to be kept, each time once.
    pub fn token_news(&mut self, model: &ModelName) -> Vec<LearnedTokens> {
        let Some(record) = self.records.get_mut(model) else { return Vec::new() };
        let Tokens { estimates, counts } = &mut record.tokens;
        [(Against::Estimate, estimates), (Against::Count, counts)]
            .into_iter()
            .flat_map(|(against, learning)| {
                let news = learning.news();
                let model = model.clone();
                news.map(move |(script, log, taught)| LearnedTokens {
                    model: model.clone(),
                    against,
                    script,
                    log,
                    taught,
                })
                .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Takes over what earlier runs learned, where this one has learned nothing itself yet. Figures no
    /// run could have learned are left.
    pub fn remember_tokens(&mut self, learned: impl IntoIterator<Item = LearnedTokens>) {
        for row in learned {
            let tokens = match self.records.get_mut(&row.model) {
                Some(record) => &mut record.tokens,
                None if self.remembered.len() >= REMEMBERED => continue,
                None => self.remembered.entry(row.model.clone()).or_default(),
            };
            let learning = match row.against {
                Against::Estimate => &mut tokens.estimates,
                Against::Count => &mut tokens.counts,
            };
            learning.remember(row.script, row.log, row.taught);
        }
    }
}

/// Models whose tokens are remembered before they are seen; more are learned anew.
const REMEMBERED: usize = 4_096;

/// What was learned of one model's tokens in one script, as it outlives a run.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedTokens {
    /// The model.
    pub model: ModelName,
    /// What its reports were held against.
    pub against: Against,
    /// The script.
    pub script: Script,
    /// The natural logarithm of the factor.
    pub log: f32,
    /// Prompts it was learned from, those of several scripts in part.
    pub taught: f32,
}

/// What reported tokens are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The estimate of its vocabulary.
    Estimate,
    /// The count with its vocabulary.
    Count,
}

impl Against {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Estimate => "estimate",
            Self::Count => "count",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Estimate, Self::Count].into_iter().find(|against| against.name() == name)
    }
}

/// All that was learned of one model's tokens.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tokens {
    estimates: TokenLearning,
    counts: TokenLearning,
}

impl Tokens {
    pub(crate) fn factors(&self) -> TokenFactors {
        TokenFactors { estimates: self.estimates.factors(), counts: self.counts.factors() }
    }
}

/// A factor that moved by so much (its logarithm: half a percent) is news.
const MOVED: f32 = 0.005;

/// And one that was taught so many times more.
const TAUGHT_MORE: f32 = 1.25;

/// The most a factor counts as taught.
const MOST_TAUGHT: f32 = 1_000.0;

/// Factors of one model, as logarithms, and how much each was taught.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct TokenLearning {
    logs: [f32; SCRIPTS.len()],
    taught: [f32; SCRIPTS.len()],
    /// Both as they were kept last.
    kept: [(f32, f32); SCRIPTS.len()],
}

impl TokenLearning {
    /// A prompt in these scripts for which `expected` tokens were reckoned, without what was learned,
    /// was reported as `read`.
    pub(crate) fn told(&mut self, scripts: &[(Script, f32)], expected: f64, read: u64) {
        if !expected.is_finite() || expected < TEACHES || read == 0 {
            return;
        }
        let learned = token_mix(scripts, |script| f64::from(self.factor(script)));
        let off = (read as f64 / (expected * learned)).ln() as f32;
        let off = off.clamp(-WILD.ln(), WILD.ln());
        let weights = weights(scripts);
        let squares: f32 = weights.iter().map(|weight| weight * weight).sum();
        if squares <= 0.0 || !off.is_finite() {
            return;
        }
        for (index, weight) in weights.into_iter().enumerate().filter(|(_, weight)| *weight > 0.0) {
            let follows = (1.0 / (1.0 + self.taught[index])).max(FOLLOWS);
            // Shared out so that together they move by what was off.
            let step = off * follows * weight / squares;
            self.logs[index] = (self.logs[index] + step).clamp(BOUNDS.0.ln(), BOUNDS.1.ln());
            self.taught[index] = (self.taught[index] + weight).min(MOST_TAUGHT);
        }
    }

    /// The factor for a script; 1 until it was taught.
    pub(crate) fn factor(&self, script: Script) -> f32 {
        let index = SCRIPTS.iter().position(|each| *each == script);
        index.map_or(1.0, |index| self.logs[index].exp())
    }

    /// What is news since it was last kept: script, logarithm, how often taught.
    fn news(&mut self) -> impl Iterator<Item = (Script, f32, f32)> {
        SCRIPTS.into_iter().enumerate().filter_map(|(index, script)| {
            let now = (self.logs[index], self.taught[index]);
            let (log, taught) = self.kept[index];
            let news = (now.0 - log).abs() > MOVED || now.1 > taught * TAUGHT_MORE;
            news.then(|| {
                self.kept[index] = now;
                (script, now.0, now.1)
            })
        })
    }

    /// Takes over what an earlier run learned, unless this one has.
    fn remember(&mut self, script: Script, log: f32, taught: f32) {
        let sound = log.is_finite() && taught.is_finite() && taught > 0.0;
        let Some(index) = SCRIPTS.iter().position(|each| *each == script).filter(|_| sound) else {
            return;
        };
        if self.taught[index] == 0.0 {
            self.logs[index] = log.clamp(BOUNDS.0.ln(), BOUNDS.1.ln());
            self.taught[index] = taught.min(MOST_TAUGHT);
            self.kept[index] = (self.logs[index], self.taught[index]);
        }
    }

    /// What was taught, by script.
    pub(crate) fn factors(&self) -> Vec<(Script, f32)> {
        let taught = SCRIPTS.into_iter().zip(self.taught).filter(|(_, taught)| *taught > 0.0);
        taught.map(|(script, _)| (script, self.factor(script))).collect()
    }
}

/// The shares of a text's tokens by script, in the order of [`SCRIPTS`], those of no script left out:
/// they go with the letters around them. A text of nothing else counts as Latin.
fn weights(scripts: &[(Script, f32)]) -> [f32; SCRIPTS.len()] {
    let mut weights = [0.0f32; SCRIPTS.len()];
    for (index, script) in SCRIPTS.into_iter().enumerate() {
        let share: f32 =
            scripts.iter().filter(|(s, _)| *s == script).map(|(_, share)| *share).sum();
        if script != Script::Common && share.is_finite() {
            weights[index] = share.max(0.0) * tokens_per_char(script);
        }
    }
    let sum: f32 = weights.iter().sum();
    if sum <= 0.0 {
        weights[0] = 1.0;
        return weights;
    }
    weights.map(|weight| weight / sum)
}

/// The factor of a text in these scripts, from that of each.
pub fn token_mix(scripts: &[(Script, f32)], factor: impl Fn(Script) -> f64) -> f64 {
    let weights = SCRIPTS.into_iter().zip(weights(scripts));
    weights.filter(|(_, w)| *w > 0.0).map(|(script, w)| f64::from(w) * factor(script)).sum()
}

/// Tokens of one character of this script on the average, the spaces and marks between its letters
/// included as they are in prose.
pub fn prose_tokens_per_char(script: Script) -> f64 {
    let index = SCRIPTS.iter().position(|each| *each == script).unwrap_or_default();
    let common = SCRIPTS.iter().position(|each| *each == Script::Common).unwrap_or_default();
    let mut counts = [0; SCRIPTS.len()];
    // Where words are parted by spaces, one character in six or so is no letter.
    let marks = match script {
        Script::Han | Script::Kana | Script::Other => 8,
        Script::Latin
        | Script::Hangul
        | Script::Cyrillic
        | Script::Arabic
        | Script::Indic
        | Script::Common => 18,
    };
    counts[index] += 100 - marks;
    counts[common] += marks;
    let shares = script_shares(counts);
    shares.iter().map(|(s, share)| f64::from(share * tokens_per_char(*s))).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HAN: &[(Script, f32)] = &[(Script::Han, 0.9), (Script::Common, 0.1)];
    const LATIN: &[(Script, f32)] = &[(Script::Latin, 0.8), (Script::Common, 0.2)];
    const BOTH: &[(Script, f32)] =
        &[(Script::Latin, 0.6), (Script::Han, 0.3), (Script::Common, 0.1)];

    fn near(a: f32, b: f32, by: f32) -> bool {
        (a - b).abs() <= by * b
    }

    #[test]
    fn a_model_that_counts_more_is_known_after_a_few_prompts() {
        let mut learning = TokenLearning::default();
        for size in [200.0f64, 500.0, 90.0, 1_500.0] {
            learning.told(LATIN, size, (size * 1.3) as u64);
        }
        assert!(near(learning.factor(Script::Latin), 1.3, 0.03), "{learning:?}");
        assert!(near(learning.factor(Script::Han), 1.0, 0.0));
    }

    #[test]
    fn each_script_is_learned_for_itself_also_from_mixed_prompts() {
        let mut learning = TokenLearning::default();
        let truth = |script: Script| if script == Script::Han { 0.7 } else { 1.2 };
        for scripts in [LATIN, HAN, BOTH, LATIN, BOTH, HAN, BOTH].into_iter().cycle().take(60) {
            let read = 1_000.0 * token_mix(scripts, truth);
            learning.told(scripts, 1_000.0, read as u64);
        }
        assert!(near(learning.factor(Script::Han), 0.7, 0.05), "{learning:?}");
        assert!(near(learning.factor(Script::Latin), 1.2, 0.05), "{learning:?}");
    }

    #[test]
    fn one_wild_report_moves_what_is_settled_by_little_and_what_was_cut_off_soon_passes() {
        let mut learning = TokenLearning::default();
        for _ in 0..30 {
            learning.told(LATIN, 400.0, 400);
        }
        learning.told(LATIN, 400.0, 40_000);
        assert!(near(learning.factor(Script::Latin), 1.0, 0.05), "{learning:?}");
        learning.told(LATIN, 400.0, 1);
        assert!(near(learning.factor(Script::Latin), 1.0, 0.05), "{learning:?}");
    }

    #[test]
    fn small_prompts_and_silence_teach_nothing() {
        let mut learning = TokenLearning::default();
        learning.told(LATIN, 20.0, 60);
        learning.told(LATIN, 500.0, 0);
        learning.told(LATIN, f64::NAN, 100);
        assert!(learning.factors().is_empty());
    }

    fn state() -> (RouterState, ModelName) {
        let mut state = RouterState::new(super::super::RouterSettings::default());
        let model = ModelName::from("one");
        state.set_prior(&"lab".into(), &model, 1);
        (state, model)
    }

    fn teach(state: &mut RouterState, model: &ModelName, times: usize) {
        for _ in 0..times {
            let prompt = Prompt { scripts: LATIN, estimated: 1_000.0, counted: Some(1_000) };
            state.learn_tokens(model, prompt, 1_300);
        }
    }

    #[test]
    fn what_was_learned_is_news_while_it_moves_and_is_known_to_the_next_run() {
        let (mut state, model) = state();
        teach(&mut state, &model, 1);
        let first = state.token_news(&model);
        assert_eq!(first.len(), 2, "an estimate and a count: {first:?}");
        assert!(state.token_news(&model).is_empty(), "the same is no news");
        let mut news = 0;
        for _ in 0..200 {
            teach(&mut state, &model, 1);
            news += usize::from(!state.token_news(&model).is_empty());
        }
        assert!((1..40).contains(&news), "what is settled is news {news} times");
        teach(&mut state, &model, 1);
        let (mut next, _) = self::state();
        next.remember_tokens(first);
        let factors = next.view(&model, crate::domain::UnixMs(0)).tokens;
        let latin = factors.estimates.iter().find(|(script, _)| *script == Script::Latin).unwrap();
        assert!(near(latin.1, 1.3, 0.05), "{factors:?}");
        assert_eq!(factors.counts.len(), factors.estimates.len());
        assert!(next.token_news(&model).is_empty(), "what was read is no news");
    }

    #[test]
    fn what_this_run_learned_itself_and_what_no_run_could_stays_as_it_is() {
        let (mut state, model) = state();
        let row = |log: f32, script| LearnedTokens {
            model: model.clone(),
            against: Against::Estimate,
            script,
            log,
            taught: 5.0,
        };
        teach(&mut state, &model, 30);
        let before = state.view(&model, crate::domain::UnixMs(0)).tokens;
        state.remember_tokens([row(-1.0, Script::Latin), row(f32::NAN, Script::Han)]);
        assert_eq!(state.view(&model, crate::domain::UnixMs(0)).tokens, before);
        state.remember_tokens([row(50.0, Script::Kana)]);
        let kana = state.view(&model, crate::domain::UnixMs(0)).tokens.estimates;
        assert!(kana.iter().any(|(s, f)| *s == Script::Kana && near(*f, BOUNDS.1, 0.01)));
    }

    #[test]
    fn what_is_known_of_a_model_waits_until_it_is_seen() {
        let mut state = RouterState::new(super::super::RouterSettings::default());
        let model = ModelName::from("late");
        let row = LearnedTokens {
            model: model.clone(),
            against: Against::Count,
            script: Script::Han,
            log: 0.5,
            taught: 9.0,
        };
        state.remember_tokens([row]);
        let seen = |state: &RouterState| state.view(&model, crate::domain::UnixMs(0)).tokens.counts;
        let wanted = vec![(Script::Han, 0.5f32.exp())];
        assert_eq!(seen(&state), wanted);
        state.configure(super::super::RouterSettings::default());
        state.set_prior(&"lab".into(), &model, 1);
        assert_eq!(seen(&state), wanted);
    }

    proptest! {
        #[test]
        fn factors_stay_in_bounds(
            told in prop::collection::vec((0.0f64..1e9, 0u64..u64::MAX, 0usize..3), 1..60),
        ) {
            let mut learning = TokenLearning::default();
            for (expected, read, which) in told {
                learning.told([LATIN, HAN, BOTH][which], expected, read);
            }
            for (_, factor) in learning.factors() {
                prop_assert!((BOUNDS.0 * 0.999..=BOUNDS.1 * 1.001).contains(&factor));
            }
        }
    }
}
