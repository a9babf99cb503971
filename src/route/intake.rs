//! Did a provider read all that was sent? Prompt tokens as reported, held against our estimate and
//! against what is usual for the model.
//!
//! Owns: the usual ratio of one model, and the judgement. Must not know: who sent what. Invariant:
//! what was judged cut never becomes usual.

use std::collections::VecDeque;

use crate::domain::Evidence;

/// Ratios kept: enough to be sure of a median.
const RATIOS: usize = 32;

/// Ratios needed before their median replaces the estimate's own.
const LEAST: usize = 3;

/// A prompt of fewer estimated tokens teaches nothing: the frame around it weighs too much.
const TEACHES: u64 = 50;

/// Under this share of what is usual it was cut.
const CUT_SHARE: f64 = 0.5;

/// Fewer tokens missing than this may be anything.
const MISSING_LEAST: f64 = 500.0;

/// What is usual for one model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intake {
    ratios: VecDeque<f64>,
}

impl Intake {
    /// An answer reported `read` prompt tokens, cached ones included, where we had estimated `sent`.
    pub(crate) fn told(&mut self, sent: u64, read: u64) -> Option<Evidence> {
        // Nothing reported is nothing known.
        if sent == 0 || read == 0 {
            return None;
        }
        let expected = sent as f64 * self.usual();
        if (read as f64) < expected * CUT_SHARE && expected - read as f64 >= MISSING_LEAST {
            return Some(Evidence::InputCut { sent: expected.round() as u64, read });
        }
        if sent >= TEACHES {
            if self.ratios.len() >= RATIOS {
                self.ratios.pop_front();
            }
            self.ratios.push_back(read as f64 / sent as f64);
        }
        None
    }

    /// The median ratio of reported to estimated tokens; 1 until enough was seen.
    fn usual(&self) -> f64 {
        if self.ratios.len() < LEAST {
            return 1.0;
        }
        let mut sorted: Vec<f64> = self.ratios.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(ratio: f64) -> Intake {
        let mut intake = Intake::default();
        for sent in [400, 700, 300, 900, 500] {
            assert_eq!(intake.told(sent, (sent as f64 * ratio) as u64), None);
        }
        intake
    }

    #[test]
    fn half_of_what_is_usual_is_a_cut_and_says_both_figures() {
        let mut intake = taught(1.1);
        let cut = intake.told(10_000, 4_096);
        assert_eq!(cut, Some(Evidence::InputCut { sent: 11_000, read: 4_096 }));
        assert_eq!(intake.told(10_000, 10_800), None);
    }

    #[test]
    fn a_model_that_counts_differently_is_held_to_its_own_count() {
        let mut frugal = taught(0.6);
        assert_eq!(frugal.told(10_000, 5_500), None);
        assert!(frugal.told(10_000, 2_048).is_some());
        let mut lavish = taught(2.0);
        assert!(lavish.told(10_000, 9_000).is_some());
    }

    #[test]
    fn small_differences_prove_nothing() {
        let mut intake = taught(1.0);
        assert_eq!(intake.told(900, 420), None);
        assert!(intake.told(1_200, 420).is_some());
    }

    #[test]
    fn the_very_first_prompt_can_be_found_cut() {
        assert!(Intake::default().told(12_000, 4_096).is_some());
        assert_eq!(Intake::default().told(12_000, 7_000), None);
        assert_eq!(Intake::default().told(12_000, 0), None);
    }

    #[test]
    fn being_cut_again_and_again_never_becomes_usual() {
        let mut intake = taught(1.0);
        for _ in 0..100 {
            assert!(intake.told(12_000, 4_096).is_some());
        }
        assert_eq!(intake.told(12_000, 12_000), None);
    }
}
