//! How hard a request is, from its surface.
//!
//! Owns: [`Surface`] and [`difficulty`], the one place where surface becomes a number; what is inside
//! can be replaced by a learned function without anything else changing. Must not know: models,
//! prices. Invariant: the result is between 0 and 1, and rises (or falls) with each feature as the
//! feature's documentation says.

/// What can be read off the newest message without understanding it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Surface {
    /// Words (characters in scripts without spaces) of the message. More is harder, slowly.
    pub words: f32,
    /// Share of different words among all, 0 to 1. Varied text is slightly harder.
    pub variety: f32,
    /// Share of digits among the characters. Raises.
    pub digits: f32,
    /// Numbers mentioned. Raises.
    pub numbers: f32,
    /// Share of punctuation among the characters. Raises slightly.
    pub punctuation: f32,
    /// LaTeX, `^`, `$` and mathematical symbols. Raises.
    pub math: f32,
    /// Operators, line ends and identifiers as programs have them, code fences. Raises.
    pub code: f32,
    /// Words of demanding work: proofs, concurrency, optimality. Raises most.
    pub hard: f32,
    /// Conditions the answer must meet. Raises.
    pub musts: f32,
    /// Steps asked for in a row, list items. Raises.
    pub steps: f32,
    /// Share of reasoning among the likely kinds of work. Raises.
    pub reasoning: f32,
    /// Share of programming among them. Raises, less.
    pub programming: f32,
    /// Words of simple questions. Lowers, the less the longer the message.
    pub easy: f32,
    /// Greetings and thanks at the start. Lowers likewise.
    pub greet: f32,
}

/// From nothing to one, half-way at `half`.
fn saturate(value: f32, half: f32) -> f32 {
    let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
    value / (value + half)
}

/// Difficulty from 0 (anyone can) to 1 (only the best): a logistic sum of saturating pieces. A plain
/// question of ten words lies near 0.2, a greeting near 0.05, a routine function near 0.25, a proof
/// or a concurrent algorithm above 0.5.
pub fn difficulty(surface: &Surface) -> f32 {
    let s = surface;
    let unit = |value: f32| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let short = 1.0 - saturate(s.words, 40.0);
    let sum = -1.75
        + 2.9 * saturate(s.hard, 2.0)
        + 1.2 * saturate(s.musts, 3.0)
        + 0.8 * saturate(s.steps, 4.0)
        + 1.3 * saturate(s.math, 5.0)
        + 0.5 * saturate(s.numbers, 6.0)
        + 0.6 * saturate(s.digits, 0.08)
        + 0.7 * saturate(s.code, 10.0)
        + 0.2 * saturate(s.punctuation, 0.10)
        + 0.7 * saturate(s.words, 160.0)
        + 0.2 * unit(s.variety)
        + 1.0 * unit(s.reasoning)
        + 0.35 * unit(s.programming)
        - 2.6 * saturate(s.easy, 1.0) * short
        - 3.0 * saturate(s.greet, 1.0) * short;
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Piece = (&'static str, fn(&mut Surface) -> &mut f32);

    const RISING: [Piece; 12] = [
        ("words", |s| &mut s.words),
        ("variety", |s| &mut s.variety),
        ("digits", |s| &mut s.digits),
        ("numbers", |s| &mut s.numbers),
        ("punctuation", |s| &mut s.punctuation),
        ("math", |s| &mut s.math),
        ("code", |s| &mut s.code),
        ("hard", |s| &mut s.hard),
        ("musts", |s| &mut s.musts),
        ("steps", |s| &mut s.steps),
        ("reasoning", |s| &mut s.reasoning),
        ("programming", |s| &mut s.programming),
    ];
    const FALLING: [Piece; 2] = [("easy", |s| &mut s.easy), ("greet", |s| &mut s.greet)];

    #[test]
    fn each_piece_is_monotone() {
        for (pieces, sign) in [(&RISING[..], 1.0f32), (&FALLING[..], -1.0)] {
            for (name, piece) in pieces {
                let mut last = f32::NEG_INFINITY;
                for value in [0.0, 0.1, 0.3, 0.5, 1.0, 4.0, 50.0] {
                    let mut surface = Surface { words: 12.0, ..Surface::default() };
                    *piece(&mut surface) = value;
                    let now = difficulty(&surface) * sign;
                    assert!(now >= last, "{name} at {value}");
                    last = now;
                }
            }
        }
    }

    #[test]
    fn odd_numbers_stay_between_nothing_and_one() {
        for value in [f32::NAN, f32::INFINITY, -5.0, f32::MAX] {
            let mut surface = Surface::default();
            for (_, piece) in RISING.iter().chain(&FALLING) {
                *piece(&mut surface) = value;
            }
            let result = difficulty(&surface);
            assert!((0.0..=1.0).contains(&result), "{value}: {result}");
        }
    }
}
