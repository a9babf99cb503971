//! Keeping a model warm by a token that is paid for: what is asked, what it costs in a day, and what
//! it has come to.
//!
//! Must not know: when it is due (the pinger says). Invariant: it is never anybody's answer and never
//! counts as the user's spending in the totals by model; budgets count it
//! like all money.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::config::{Config, KeepWarm, Limits, Model, Provider};
use crate::domain::{
    Cost, Effort, ErrorReport, Money, Origin, OverBudget, Params, ProviderName, RateWindow,
    ReaderKind, Request, RequestId, Stamps, UnixMs, Usage,
};
use crate::ledger::Aside;
use crate::route::{Payer, TokenFactors, WarmFigures};
use crate::wire::{self, Frame, Target};

use super::account::{self, Size};
use super::actor::Shared;
use super::attempt::{Call, Empty, Pieces, millis};
use super::pinger::EVERY;
use super::purse::Wanted;
use super::reply;

/// What is asked: the shortest text every endpoint takes.
const ASKED: &str = ".";

/// Tokens that come to with the frame chat models put around it.
const INPUT_TOKENS: u64 = 10;

/// The one token.
const OUTPUT_TOKENS: u32 = 1;

/// What keeping a model warm has come to in this run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WarmStatus {
    /// First tokens after idling and otherwise.
    pub figures: WarmFigures,
    /// Tokens paid for.
    pub calls: u64,
    /// What they cost.
    pub cost: Cost,
}

/// What keeping a model warm by tokens costs at most in a day, at the prices of each of its hours;
/// `None` where the price is unknown. The pinger stops when nobody is there, so it is usually less.
pub fn warm_cost_per_day(model: &Model, now: UnixMs) -> Option<Money> {
    const HOURS: u32 = 24;
    let usage = Usage { input: INPUT_TOKENS, output: u64::from(OUTPUT_TOKENS), ..Usage::default() };
    let calls = Duration::from_hours(1).as_secs() / EVERY.as_secs().max(1);
    let mut pico: i64 = 0;
    for hour in 0..HOURS {
        let rates = model.rates(now + Duration::from_hours(1) * hour, INPUT_TOKENS)?;
        let one = rates.cost(&usage).pico();
        pico = pico.saturating_add(one.saturating_mul(i64::try_from(calls).unwrap_or(i64::MAX)));
    }
    Some(Money::from_pico(pico))
}

/// The models that are kept warm by tokens, each with what that costs at most in a day, in words:
/// `deepseek-flash is kept warm by one paid token a minute: at most $0.0042 a day, while in use`.
pub fn warm_words(config: &Config, now: UnixMs) -> Vec<String> {
    let paid = config.models.values().filter(|model| model.keep_warm == KeepWarm::Infer);
    paid.map(|model| {
        let price = match warm_cost_per_day(model, now) {
            Some(cost) => format!("at most {} a day", cost.short()),
            None => "at a price that is not known".to_owned(),
        };
        format!("{} is kept warm by one paid token a minute while in use: {price}", model.name)
    })
    .collect()
}

/// The money such a token wants. Nobody is asked for it: where a budget would ask, it is not made.
pub(super) fn wanted(model: &Model, now: UnixMs, limits: Limits) -> Wanted {
    let span = (now, now + limits.total);
    Wanted {
        payer: Payer { session: None, provider: model.provider.clone(), model: model.name.clone() },
        most: account::most(
            model,
            model.service_tier,
            span,
            INPUT_TOKENS,
            u64::from(OUTPUT_TOKENS),
        ),
        prompt: account::prompt(model, model.service_tier, now, INPUT_TOKENS),
        allowance: OverBudget::Within,
    }
}

/// How a token that was paid for came about.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) provider: ProviderName,
    pub(super) model: crate::domain::ModelName,
    pub(super) usage: Usage,
    pub(super) cost: Cost,
    pub(super) took_ms: u64,
    pub(super) error: Option<ErrorReport>,
    pub(super) limits: Vec<RateWindow>,
}

impl Token {
    /// What it cost, for the ledger.
    pub(super) fn aside(&self, at: UnixMs) -> Aside {
        Aside {
            at,
            provider: self.provider.clone(),
            model: self.model.clone(),
            origin: Origin::Ping,
            usage: self.usage,
            cost: self.cost,
            outcome: self.error.as_ref().map(|error| error.class),
        }
    }
}

/// Nobody reads it.
struct Nobody;

impl Pieces for Nobody {
    fn piece(&mut self, _: Frame, _: &Stamps) -> Result<(), ErrorReport> {
        Ok(())
    }
}

/// Asks a model for one token.
pub(super) async fn token(
    shared: &Shared,
    provider: &Provider,
    model: &Model,
    limits: Limits,
) -> Token {
    let at = super::clock::now();
    let mut token = Token {
        provider: provider.name.clone(),
        model: model.name.clone(),
        usage: Usage::default(),
        cost: Cost::ZERO,
        took_ms: 0,
        error: None,
        limits: Vec::new(),
    };
    let id = RequestId(Uuid::now_v7());
    let params =
        Params { max_tokens: Some(OUTPUT_TOKENS), effort: Some(Effort::None), ..Params::default() };
    let request =
        Request { params, ..Request::new(id, Origin::Ping, ReaderKind::AppendOnly, ASKED) };
    let key = shared.keys.key(&provider.name);
    let target = Target {
        provider,
        model,
        key: key.as_ref(),
        max_tokens: OUTPUT_TOKENS,
        continue_from: None,
    };
    let ready = shared.http().and_then(|http| Ok((http, wire::encode(&request, &target)?)));
    let (http, sends) = match ready {
        Ok(ready) => ready,
        Err(error) => return Token { error: Some(error), ..token },
    };
    // The reader's end is held until the end: nobody leaves.
    let (sink, _reader) = reply::pair();
    let call = Call {
        http: &http,
        provider,
        model,
        sends: &sends,
        limits,
        deadline: Instant::now() + limits.total,
        // All of it may have been thinking.
        empty: Empty::Answer,
        lost: &shared.closing,
        drill: None,
    };
    let ended = call.run(&sink, &mut Nobody).await;
    let size = Size {
        reported: ended.usage,
        figures: ended.figures,
        tier: account::Tier { asked: model.service_tier, served: ended.served_in },
        reported_cost: ended.reported_cost,
        input_estimate: INPUT_TOKENS,
        seen: account::seen(model, &TokenFactors::default(), &ended.written),
        reached: ended.reached,
    };
    (token.usage, token.cost) = account::bill(model, at, &size);
    token.took_ms = millis(ended.took);
    token.error = ended.result.err();
    token.limits = ended.limits;
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_costs_a_token_every_minute_at_the_price_of_its_hour() {
        let mut model = account::sample_model();
        // 10 × 1.00 + 1 × 2.00 micro-dollars, 1440 times.
        assert_eq!(warm_cost_per_day(&model, UnixMs(0)).unwrap().to_string(), "0.01728");
        model.prices.base = None;
        assert_eq!(warm_cost_per_day(&model, UnixMs(0)), None);
    }
}
