//! What a character of each script costs with a model: tokens per character, and the price of a
//! thousand of them.
//!
//! Must not know: requests. Invariant: what was not reported by the model itself is marked a guess;
//! an unknown price is none, never zero.

use crate::config::Model;
use crate::domain::{Fit, Money, Script, UnixMs};
use crate::route::{TokenFactors, prose_tokens_per_char, vocabulary_factor};
use crate::text::SCRIPTS;

/// The prompt size prices are told for.
const PRICED_AT_TOKENS: u64 = 1_000;

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScriptBasis {
    /// Usage the model reported.
    Reported,
    /// The model's own vocabulary, on the average text.
    Vocabulary,
    /// An average over vocabularies, or one that is only alike.
    Guess,
}

/// One script with one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptPrice {
    /// The script.
    pub script: Script,
    /// Prompt tokens per character of prose.
    pub tokens_per_char: f64,
    /// What 1,000 characters of a prompt cost now; `None` where the price is not known.
    pub input_per_1000: Option<Money>,
    /// What 1,000 characters of an answer cost now.
    pub output_per_1000: Option<Money>,
    /// Where the figure comes from.
    pub basis: ScriptBasis,
}

impl ScriptPrice {
    /// `true` where the model did not say so itself.
    pub fn guessed(&self) -> bool {
        self.basis == ScriptBasis::Guess
    }
}

/// A script's name for people.
pub const fn script_name(script: Script) -> &'static str {
    match script {
        Script::Latin => "latin",
        Script::Han => "han",
        Script::Kana => "kana",
        Script::Hangul => "hangul",
        Script::Cyrillic => "cyrillic",
        Script::Arabic => "arabic",
        Script::Indic => "indic",
        Script::Common => "common",
        Script::Other => "other",
    }
}

/// Every script but the one that is no script, in the usual order.
pub fn script_prices(model: &Model, learned: &TokenFactors, now: UnixMs) -> Vec<ScriptPrice> {
    let scripts = SCRIPTS.into_iter().filter(|script| *script != Script::Common);
    scripts.map(|script| script_price(model, learned, script, now)).collect()
}

fn script_price(model: &Model, learned: &TokenFactors, script: Script, now: UnixMs) -> ScriptPrice {
    let own = learned.estimates.iter().find(|(each, _)| *each == script);
    let vocabulary =
        model.tokenizer.map_or(1.0, |tokenizer| vocabulary_factor(tokenizer.vocabulary, script));
    let factor = f64::from(vocabulary * own.map_or(1.0, |(_, factor)| *factor));
    let tokens_per_char = prose_tokens_per_char(script) * factor;
    let rates = model.rates(now, PRICED_AT_TOKENS);
    // A price per token is pico-dollars; a thousand characters are so many thousandths of tokens.
    let price = |per_token: i64| {
        Money::from_pico((per_token as f64 * tokens_per_char * 1_000.0).round() as i64)
    };
    ScriptPrice {
        script,
        tokens_per_char,
        input_per_1000: rates.map(|rates| price(rates.input.pico_per_token())),
        output_per_1000: rates.map(|rates| price(rates.output.pico_per_token())),
        basis: match (own, model.tokenizer.map(|tokenizer| tokenizer.fit)) {
            (Some(_), _) => ScriptBasis::Reported,
            (None, Some(Fit::Own)) => ScriptBasis::Vocabulary,
            (None, Some(Fit::StandIn) | None) => ScriptBasis::Guess,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn prices(tokenizer: &str, learned: &[(Script, f32)]) -> Vec<ScriptPrice> {
        let mut model = config::sample::model("one", "lab");
        model.tokenizer = tokenizer.parse().ok();
        let learned = TokenFactors { estimates: learned.to_vec(), counts: Vec::new() };
        script_prices(&model, &learned, UnixMs(0))
    }

    fn of(prices: &[ScriptPrice], script: Script) -> ScriptPrice {
        *prices.iter().find(|price| price.script == script).unwrap()
    }

    #[test]
    fn chinese_costs_a_model_more_than_english_and_less_with_its_own_vocabulary() {
        let (general, chinese) = (prices("cl100k_base", &[]), prices("qwen3", &[]));
        let tokens = |prices: &[ScriptPrice], script| of(prices, script).tokens_per_char;
        assert!(tokens(&general, Script::Han) > 3.0 * tokens(&general, Script::Latin));
        assert!(tokens(&chinese, Script::Han) < 0.6 * tokens(&general, Script::Han));
    }

    #[test]
    fn what_was_reported_is_no_guess_and_moves_the_figure() {
        let plain = of(&prices("~o200k_base", &[]), Script::Latin);
        assert!(plain.guessed());
        let told = of(&prices("~o200k_base", &[(Script::Latin, 1.3)]), Script::Latin);
        assert_eq!(told.basis, ScriptBasis::Reported);
        assert!((told.tokens_per_char / plain.tokens_per_char - 1.3).abs() < 0.001);
        assert_eq!(of(&prices("qwen3", &[]), Script::Han).basis, ScriptBasis::Vocabulary);
    }

    #[test]
    fn an_unknown_price_is_none() {
        let mut model = config::sample::model("one", "lab");
        model.prices = config::PriceList::default();
        let prices = script_prices(&model, &TokenFactors::default(), UnixMs(0));
        assert!(prices.iter().all(|price| price.input_per_1000.is_none()));
    }
}
