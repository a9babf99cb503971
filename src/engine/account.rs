//! What an attempt cost. Exact where the provider reported; otherwise estimated from what went over
//! the wire and marked so.

use crate::config::Model;
use crate::domain::{Cost, Money, Price, UnixMs, Usage};

/// How far an attempt came, which decides whether silence about its cost means nothing or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing was accepted: no connection, or an error status.
    Refused,
    /// The provider began to work on it.
    Accepted,
}

/// What is known of an attempt's size.
#[derive(Debug, Clone)]
pub(super) struct Size {
    /// As the provider reported it.
    pub(super) reported: Option<Usage>,
    /// What the provider says it cost, in dollars as written.
    pub(super) reported_cost: Option<String>,
    /// Our estimate of the prompt.
    pub(super) input_estimate: u64,
    /// Characters of text and thinking that came.
    pub(super) output_chars: u64,
    /// How far it came.
    pub(super) reached: Reached,
}

/// Characters per token where nothing better is known: the average of English prose with today's
/// vocabularies.
const CHARS_PER_TOKEN: u64 = 4;

/// Usage and cost of one attempt at the price in force when it was made.
pub(super) fn bill(model: &Model, at: UnixMs, size: &Size) -> (Usage, Cost) {
    let usage = match (size.reported, size.reached) {
        (Some(usage), _) => usage,
        (None, Reached::Refused) => return (Usage::default(), Cost::ZERO),
        (None, Reached::Accepted) => Usage {
            input: size.input_estimate,
            output: size.output_chars.div_ceil(CHARS_PER_TOKEN),
            estimated: true,
            ..Usage::default()
        },
    };
    if let Some(cost) = size.reported_cost.as_deref().and_then(read_money) {
        return (usage, Cost { amount: cost, exact: true });
    }
    let cost = match model.prices.at(at, usage.input) {
        Some(rates) => Cost { amount: rates.cost(&usage), exact: !usage.estimated },
        None => Cost { amount: Money::ZERO, exact: false },
    };
    (usage, cost)
}

/// Real tokens are never more than this many times the estimate, and [`FRAME`] more: what estimates
/// miss by most (digits, symbols, rare scripts) is well under it.
const ESTIMATE_TIMES: u64 = 2;

/// Tokens that chat models put around a prompt.
const FRAME: u64 = 64;

/// What an attempt can cost at most, with an estimated prompt and at most so long an answer, sent
/// between two moments: the dearest of the rates in force then, the prompt at the dearest of fresh,
/// cached and written. `None` where the price is not known.
pub(super) fn most(
    model: &Model,
    (from, until): (UnixMs, UnixMs),
    input_estimate: u64,
    answer: u64,
) -> Option<Money> {
    let input = input_estimate.saturating_mul(ESTIMATE_TIMES).saturating_add(FRAME);
    let mut dearest: Option<(Price, Price)> = None;
    for (at, tokens) in
        [(from, input_estimate), (from, input), (until, input_estimate), (until, input)]
    {
        let rates = model.prices.at(at, tokens)?;
        let prompt = rates.dearest_input();
        dearest = Some(match dearest {
            Some((other, output)) => (other.max(prompt), output.max(rates.output)),
            None => (prompt, rates.output),
        });
    }
    let (prompt, output) = dearest?;
    Some(prompt.times(input) + output.times(answer))
}

/// What the prompt alone costs, as estimated; nothing where the price is not known.
pub(super) fn prompt(model: &Model, at: UnixMs, input_estimate: u64) -> Money {
    let usage = Usage { input: input_estimate, ..Usage::default() };
    model.prices.at(at, input_estimate).map_or(Money::ZERO, |rates| rates.cost(&usage))
}

/// Tokens of a text of so many bytes, on the high side.
pub(super) fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(CHARS_PER_TOKEN)
}

/// A provider's own figure, cut to pico-dollars where it is finer.
fn read_money(text: &str) -> Option<Money> {
    if let Ok(money) = text.parse() {
        return Some(money);
    }
    let dollars: f64 = text.trim().parse().ok()?;
    (dollars.is_finite() && (0.0..1e6).contains(&dollars))
        .then(|| Money::from_pico((dollars * 1e12).round() as i64))
}

/// A small priced model for tests.
#[cfg(test)]
pub(super) fn sample_model() -> Model {
    let text = "[providers.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\n\
        [models.small]\nprovider = \"lab\"\nid = \"s\"\ncontext = 1000\nmax_output = 100\n\
        price = { input = 1.00, output = 2.00 }\n";
    let layer = crate::config::Layer {
        kind: crate::config::LayerKind::User,
        name: "test.toml".to_owned(),
        text: text.to_owned(),
    };
    let loaded = crate::config::load(&[layer]).unwrap();
    loaded.config.models["small"].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(reported: Option<Usage>, reached: Reached) -> Size {
        Size { reported, reported_cost: None, input_estimate: 400, output_chars: 40, reached }
    }

    #[test]
    fn what_was_never_accepted_costs_nothing_for_sure() {
        let (usage, cost) = bill(&priced(), UnixMs(0), &size(None, Reached::Refused));
        assert_eq!((usage, cost), (Usage::default(), Cost::ZERO));
    }

    #[test]
    fn an_unreported_answer_is_estimated_and_marked() {
        let (usage, cost) = bill(&priced(), UnixMs(0), &size(None, Reached::Accepted));
        assert!(usage.estimated && !cost.exact);
        assert_eq!((usage.input, usage.output), (400, 10));
        // 400 × 1.00 + 10 × 2.00 micro-dollars.
        assert_eq!(cost.amount.to_string(), "0.00042");
    }

    #[test]
    fn the_providers_own_figure_wins() {
        let usage = Usage { input: 10, output: 10, ..Usage::default() };
        let mut size = size(Some(usage), Reached::Accepted);
        size.reported_cost = Some("3.45e-05".to_owned());
        let (_, cost) = bill(&priced(), UnixMs(0), &size);
        assert_eq!(cost, Cost { amount: "0.0000345".parse().unwrap(), exact: true });
    }

    #[test]
    fn an_unknown_price_is_never_nothing_for_sure() {
        let mut model = priced();
        model.prices.base = None;
        let usage = Usage { input: 10, output: 10, ..Usage::default() };
        let (_, cost) = bill(&model, UnixMs(0), &size(Some(usage), Reached::Accepted));
        assert!(!cost.exact);
    }

    fn priced() -> Model {
        sample_model()
    }
}
