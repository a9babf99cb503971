//! What an attempt cost. Exact where the provider reported; otherwise estimated from what went over
//! the wire and marked so.

use crate::config::{Config, Model};
use crate::domain::{Cost, Money, Price, Request, ServiceTier, UnixMs, Usage};
use crate::route::{TokenFactors, Written, vocabulary_factor};
use crate::wire;

/// How far an attempt came, which decides whether silence about its cost means nothing or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing was accepted: no connection, or an error status.
    Refused,
    /// It was sent, and the connection broke before a status came: most likely for nothing.
    Broken,
    /// It was sent, and left before a status came. Many send one only with the first token, so it
    /// was read, and reading costs.
    Sent,
    /// The provider began to work on it.
    Accepted,
}

/// What a reported usage is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figures {
    /// Told when the answer was over: what is billed.
    Final,
    /// Told on the way, or nothing was told before the answer broke off: at least so much.
    SoFar,
}

/// The tier of service an attempt asked for and the one it was served in, each where it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tier {
    /// `None` leaves it to the provider.
    pub(super) asked: Option<ServiceTier>,
    /// As the provider says. It need not be the one asked for.
    pub(super) served: Option<ServiceTier>,
}

/// The tier of service a call of this request to this model asks for.
pub(super) fn asked(request: &Request, config: &Config, model: &Model) -> Option<ServiceTier> {
    let provider = config.providers.get(&model.provider)?;
    wire::asked_tier(request, provider.dialect, model)
}

/// What is known of an attempt's size.
#[derive(Debug, Clone)]
pub(super) struct Size {
    /// As the provider reported it.
    pub(super) reported: Option<Usage>,
    /// Whether that is the last word.
    pub(super) figures: Figures,
    /// The tier of service.
    pub(super) tier: Tier,
    /// What the provider says it cost, in dollars as written.
    pub(super) reported_cost: Option<String>,
    /// Our estimate of the prompt.
    pub(super) input_estimate: u64,
    /// Our estimate of the text and thinking that came, in tokens.
    pub(super) seen: u64,
    /// How far it came.
    pub(super) reached: Reached,
}

/// Bytes per token where nothing better is known: the average of English prose with today's
/// vocabularies. Scripts of more bytes a character have more tokens a character too.
const BYTES_PER_TOKEN: u64 = 4;

/// The tokens an answer that came so far is reckoned to be, by the model's vocabulary and what it has
/// reported of its prompts.
pub(super) fn seen(model: &Model, learned: &TokenFactors, written: &Written) -> u64 {
    written.tokens(|script| {
        let own = learned.estimates.iter().find(|(each, _)| *each == script);
        let vocabulary = model.tokenizer.map_or(1.0, |t| vocabulary_factor(t.vocabulary, script));
        f64::from(vocabulary * own.map_or(1.0, |(_, factor)| *factor))
    })
}

/// Usage and cost of one attempt at the price in force when it was made.
pub(super) fn bill(model: &Model, at: UnixMs, size: &Size) -> (Usage, Cost) {
    let seen = size.seen;
    let usage = match (size.reported, size.figures, size.reached) {
        (Some(usage), Figures::Final, _) => usage,
        (Some(usage), Figures::SoFar, _) => Usage {
            input: if usage.input == 0 { size.input_estimate } else { usage.input },
            output: usage.output.max(seen),
            estimated: true,
            ..usage
        },
        (None, _, Reached::Refused) => return (Usage::default(), Cost::ZERO),
        (None, _, Reached::Broken) => {
            let unknown = Usage { estimated: true, ..Usage::default() };
            return (Usage::default(), priced(model, at, size.tier, &unknown));
        }
        (None, _, Reached::Sent | Reached::Accepted) => {
            Usage { input: size.input_estimate, output: seen, estimated: true, ..Usage::default() }
        }
    };
    let ours = priced(model, at, size.tier, &usage);
    let cost = match (size.reported_cost.as_deref().and_then(read_money), size.figures) {
        (Some(told), Figures::Final) => Cost { amount: told, exact: true },
        (Some(told), Figures::SoFar) => Cost { amount: told.max(ours.amount), exact: false },
        (None, _) => ours,
    };
    (usage, cost)
}

/// The cost at our own prices. Exact where the usage is the provider's last word and the price of its
/// tier of service is known. Where that is not, the usual price stands in; where it is not said in
/// which tier an answer was served, it is taken to be the one asked for. What is free is exactly
/// nothing, however much it was.
fn priced(model: &Model, at: UnixMs, tier: Tier, usage: &Usage) -> Cost {
    if model.prices.is_free() {
        return Cost::ZERO;
    }
    let said = tier.served.is_some() || tier.asked.is_none();
    let named = tier.served.or(tier.asked).unwrap_or(ServiceTier::Standard);
    let (cost, known) = match model.prices.in_tier(named, at, usage.input) {
        Some(rates) => (rates.cost(usage), said),
        None => match model.prices.at(at, usage.input) {
            Some(rates) => (Cost { amount: rates.cost(usage), exact: false }, false),
            None => return Cost { amount: Money::ZERO, exact: false },
        },
    };
    Cost { amount: cost.amount, exact: cost.exact && known && !usage.estimated }
}

/// Real tokens are never more than this many times the estimate, and [`FRAME`] more: what estimates
/// miss by most (digits, symbols, rare scripts) is well under it.
const ESTIMATE_TIMES: u64 = 2;

/// Tokens that chat models put around a prompt.
const FRAME: u64 = 64;

/// What an attempt can cost at most, with an estimated prompt and at most so long an answer, sent
/// between two moments: the dearest of the rates in force then, in the usual tier of service and the
/// one asked for, the prompt at the dearest of fresh,
/// cached and written. `None` where the price is not known.
pub(super) fn most(
    model: &Model,
    asked: Option<ServiceTier>,
    (from, until): (UnixMs, UnixMs),
    input_estimate: u64,
    answer: u64,
) -> Option<Money> {
    let input = input_estimate.saturating_mul(ESTIMATE_TIMES).saturating_add(FRAME);
    // Who asks for a tier may be served in the usual one.
    let tiers = [ServiceTier::Standard, asked.unwrap_or(ServiceTier::Standard)];
    let (mut prompt, mut output) = (Price::FREE, Price::FREE);
    for (at, tokens) in
        [(from, input_estimate), (from, input), (until, input_estimate), (until, input)]
    {
        let usual = model.prices.at(at, tokens)?;
        for tier in tiers {
            // Where a tier has no price of its own, it is counted at the usual one.
            let rates = model.prices.in_tier(tier, at, tokens).map_or(usual, |tier| tier.rates);
            prompt = prompt.max(rates.dearest_input());
            output = output.max(rates.output);
        }
    }
    Some(prompt.times(input) + output.times(answer))
}

/// What the prompt alone costs, as estimated; nothing where the price is not known.
pub(super) fn prompt(
    model: &Model,
    asked: Option<ServiceTier>,
    at: UnixMs,
    input_estimate: u64,
) -> Money {
    let usage = Usage { input: input_estimate, ..Usage::default() };
    priced(model, at, Tier { asked, served: None }, &usage).amount
}

/// Tokens of a text of so many bytes, on the high side.
pub(super) fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// No call costs more, in dollars: a provider that says so has made a mistake, which must not use up a
/// budget nor carry a sum past its end.
const MOST_TOLD: i64 = 10_000;

/// A provider's own figure, cut to pico-dollars where it is finer; `None` where it cannot be one.
fn read_money(text: &str) -> Option<Money> {
    let finer = || {
        let dollars = text.trim().parse::<f64>().ok().filter(|dollars| !dollars.is_nan())?;
        // Beyond all numbers is past the most.
        Some(Money::from_pico((dollars * 1e12).round() as i64))
    };
    let told = text.parse::<Money>().ok().or_else(finer)?;
    let most = Money::from_pico(MOST_TOLD * 1_000_000_000_000);
    (Money::ZERO..=most).contains(&told).then_some(told)
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
        let figures = Figures::Final;
        Size {
            reported,
            figures,
            tier: Tier::default(),
            reported_cost: None,
            input_estimate: 400,
            seen: 10,
            reached,
        }
    }

    #[test]
    fn what_was_never_accepted_costs_nothing_for_sure() {
        let (usage, cost) = bill(&priced(), UnixMs(0), &size(None, Reached::Refused));
        assert_eq!((usage, cost), (Usage::default(), Cost::ZERO));
    }

    #[test]
    fn what_was_sent_and_not_answered_is_never_free_for_sure() {
        let mut silent = size(None, Reached::Sent);
        (silent.figures, silent.seen) = (Figures::SoFar, 0);
        let (usage, cost) = bill(&priced(), UnixMs(0), &silent);
        assert_eq!((usage.input, usage.output, usage.estimated), (400, 0, true));
        assert_eq!((cost.amount.to_string().as_str(), cost.exact), ("0.0004", false));
        let (usage, cost) = bill(&priced(), UnixMs(0), &size(None, Reached::Broken));
        assert_eq!((usage, cost.amount, cost.exact), (Usage::default(), Money::ZERO, false));
    }

    #[test]
    fn what_is_free_costs_nothing_for_sure_however_far_it_came() {
        let mut free = priced();
        free.prices.base = Some(crate::domain::Rates::default());
        for reached in [Reached::Sent, Reached::Broken, Reached::Accepted] {
            let (_, cost) = bill(&free, UnixMs(0), &size(None, reached));
            assert_eq!(cost, Cost::ZERO);
        }
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
    fn usage_told_on_the_way_is_the_least_it_can_be() {
        let usage = Usage { input: 300, cached_input: 100, output: 1, ..Usage::default() };
        let mut size = size(Some(usage), Reached::Accepted);
        size.figures = Figures::SoFar;
        let (cut, cost) = bill(&priced(), UnixMs(0), &size);
        assert_eq!((cut.input, cut.cached_input, cut.output), (300, 100, 10));
        assert!(cut.estimated && !cost.exact);
        size.reported = Some(Usage { output: 30, ..usage });
        assert_eq!(bill(&priced(), UnixMs(0), &size).0.output, 30);
        size.reported_cost = Some("0.5".to_owned());
        let (_, cost) = bill(&priced(), UnixMs(0), &size);
        assert_eq!((cost.amount.to_string().as_str(), cost.exact), ("0.50", false));
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
    fn a_figure_that_no_call_can_cost_is_not_believed() {
        let usage = Usage { input: 10, output: 10, ..Usage::default() };
        let mut size = size(Some(usage), Reached::Accepted);
        for absurd in ["-0.5", "-1e-3", "5000000", "1e300", "NaN", "inf"] {
            size.reported_cost = Some(absurd.to_owned());
            let (_, cost) = bill(&priced(), UnixMs(0), &size);
            assert_eq!(cost.amount.to_string(), "0.00003", "{absurd}");
        }
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
