//! Balances of providers that publish them: asked for rarely, compared with what this run spent there.
//!
//! Owns: the polling task, and what a reading means beside the one before. Must not know: budgets.
//! Invariants: only an account with a key is asked; a failure to tell is no event; another currency
//! than the dollar is compared only at a rate the user set.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::{BalanceApi, CurrencySettings, Provider};
use crate::domain::{Currency, ExchangeRate, Money, ProviderName, UnixMs};
use crate::wire::{self, Balance};

use super::actor::{Shared, ToActor};

/// After the start: a program that asks once and ends does not ask for balances.
const FIRST_AFTER: Duration = Duration::from_secs(5);

/// How often a balance is asked for. Providers book with a delay; more often would tell no more.
const EVERY: Duration = Duration::from_hours(1);

/// A balance is told within this or not at all.
const LIMIT: Duration = Duration::from_secs(10);

/// An answer is read up to this size.
const BODY: usize = 64 << 10;

/// A difference between our books and the account's is said from this on: less is rounding (most
/// balances are told in cents) and booking delay.
const DIFFERENCE: Money = Money::from_pico(50_000_000_000);

/// And only where it is this share of the larger figure, in percent.
const SHARE: i64 = 20;

/// Below so much an account is low.
const LOW: Money = Money::from_pico(1_000_000_000_000);

/// The same in units of a currency that has no rate: few that balances are told in are worth more than
/// a fifth of a dollar and not named here.
const LOW_UNITS: i64 = 5;

/// What an account had left at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceReading {
    /// When it was told.
    pub at: UnixMs,
    /// What was told, by currency.
    pub left: Vec<Balance>,
}

impl BalanceReading {
    /// `deepseek has $3.27 left`.
    pub fn words(&self, provider: &ProviderName) -> String {
        let left: Vec<String> = self.left.iter().map(ToString::to_string).collect();
        format!("{provider} has {} left", left.join(" and "))
    }
}

/// A reading, and what this run had spent there by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Booked {
    pub(super) reading: BalanceReading,
    pub(super) spent: Money,
    /// It was said that little is left.
    pub(super) low: bool,
}

/// Asks now and then until the engine ends.
pub(super) async fn watch(shared: Arc<Shared>) {
    let closing = shared.closing.clone();
    let mut wait = FIRST_AFTER;
    loop {
        let round = async {
            tokio::time::sleep(wait).await;
            if shared.snapshot().config.poll_balances {
                read_all(&shared).await;
            }
        };
        tokio::select! {
            () = closing.cancelled() => return,
            () = round => wait = EVERY,
        }
    }
}

/// Asks every account that can be asked, one after the other, and tells the actor.
pub(super) async fn read_all(shared: &Shared) {
    let config = Arc::clone(&shared.snapshot().config);
    for provider in config.providers.values() {
        let Some(api) = provider.balance else { continue };
        if !provider.simulated && shared.keys.key(&provider.name).is_none() {
            continue;
        }
        let left = read(shared, provider, api).await;
        if !left.is_empty() {
            let reading = BalanceReading { at: super::clock::now(), left };
            let provider = provider.name.clone();
            shared.tell(ToActor::Balance { provider, reading }).await;
        }
    }
}

async fn read(shared: &Shared, provider: &Provider, api: BalanceApi) -> Vec<Balance> {
    let Ok(http) = shared.http() else { return Vec::new() };
    let key = shared.keys.key(&provider.name);
    for call in wire::balance_calls(provider, api, key.as_ref()) {
        let answer = async {
            let mut response = http.send(&call, LIMIT).await.ok()?;
            let body = response.body(BODY).await;
            (200..300).contains(&response.status).then_some(body)
        };
        let body = timeout(LIMIT, answer).await.ok().flatten();
        let left = body.map_or_else(Vec::new, |body| wire::read_balance(api, &body));
        if !left.is_empty() {
            return left;
        }
    }
    Vec::new()
}

/// The rate the user set for the currency of a balance.
fn rate(left: &Balance, currencies: &CurrencySettings) -> Option<ExchangeRate> {
    let currency: Currency = left.currency.parse().ok()?;
    currencies.rates.get(&currency).copied()
}

/// What an account has left in all, in dollars, and whether a rate had a part in that; `None` where a
/// currency has none.
fn in_dollars(booked: &Booked, currencies: &CurrencySettings) -> Option<(Money, Converted)> {
    let mut sum = (Money::ZERO, Converted::No);
    for left in booked.reading.left.iter().filter(|left| left.amount != Money::ZERO) {
        let amount = if left.currency == "USD" {
            left.amount
        } else {
            sum.1 = Converted::Yes;
            rate(left, currencies)?.to_dollars(left.amount)
        };
        sum.0 += amount;
    }
    Some(sum)
}

/// Whether a rate had a part in an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Converted {
    Yes,
    No,
}

/// What a new reading says beside the one before, in words for the user.
pub(super) fn compare(
    provider: &ProviderName,
    before: Option<&Booked>,
    now: &mut Booked,
    currencies: &CurrencySettings,
) -> Vec<String> {
    let mut out = Vec::new();
    let low = now.reading.left.iter().filter(|left| left.amount > Money::ZERO).all(|left| {
        let least = match rate(left, currencies) {
            _ if left.currency == "USD" => LOW,
            Some(rate) => rate.from_dollars(LOW),
            None => Money::from_pico(LOW.pico() * LOW_UNITS),
        };
        left.amount < least
    });
    now.low = low;
    if low && !before.is_some_and(|before| before.low) {
        out.push(now.reading.words(provider));
    }
    let dollars = |booked: &Booked| in_dollars(booked, currencies);
    let Some(((had, _), (has, converted))) = before.and_then(dollars).zip(dollars(now)) else {
        return out;
    };
    let (fell, spent) = (had - has, now.spent - before.map_or(now.spent, |before| before.spent));
    let apart = (fell - spent).max(spent - fell);
    // What grew was paid in.
    let tells = has <= had && apart >= DIFFERENCE;
    if tells && apart.pico().saturating_mul(100) >= fell.max(spent).pico().saturating_mul(SHARE) {
        let why = if fell > spent {
            "something else uses this account, or a price here is too low"
        } else {
            "it books later, or a price here is too high"
        };
        let about = if converted == Converted::Yes { "about " } else { "" };
        let (fell, spent) = (format!("{about}{}", fell.brief()), spent.brief());
        out.push(format!("{provider}'s balance fell by {fell}, this run spent {spent}: {why}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(left: &str, currency: &str, spent: &str) -> Booked {
        let left = vec![Balance { amount: left.parse().unwrap(), currency: currency.to_owned() }];
        let reading = BalanceReading { at: UnixMs(0), left };
        Booked { reading, spent: spent.parse().unwrap(), low: false }
    }

    fn said(before: &Booked, now: &mut Booked) -> Vec<String> {
        compare(&"deepseek".into(), Some(before), now, &CurrencySettings::default())
    }

    fn at_seven() -> CurrencySettings {
        let rates = [("CNY".parse().unwrap(), "7".parse().unwrap())].into();
        CurrencySettings { rates, ..CurrencySettings::default() }
    }

    #[test]
    fn a_balance_that_falls_as_ours_rises_is_no_news() {
        let before = booked("10", "USD", "0.50");
        assert!(said(&before, &mut booked("9.40", "USD", "1.08")).is_empty(), "cents apart");
        assert!(said(&before, &mut booked("20", "USD", "1.08")).is_empty(), "paid in");
    }

    #[test]
    fn a_difference_over_the_threshold_is_said_with_both_figures() {
        let before = booked("10", "USD", "0.50");
        let words = said(&before, &mut booked("9.20", "USD", "0.70"));
        assert_eq!(
            words,
            ["deepseek's balance fell by $0.80, this run spent $0.20: something else uses this \
              account, or a price here is too low"]
        );
        let words = said(&before, &mut booked("9.90", "USD", "0.90"));
        assert!(words[0].contains("too high"), "{words:?}");
    }

    #[test]
    fn other_currencies_are_not_compared() {
        let before = booked("100", "CNY", "0");
        assert!(said(&before, &mut booked("50", "CNY", "0.1")).is_empty());
    }

    #[test]
    fn a_low_balance_is_said_once() {
        let mut first = booked("0.80", "USD", "0");
        let words = compare(&"deepseek".into(), None, &mut first, &CurrencySettings::default());
        assert_eq!(words, ["deepseek has $0.80 left"]);
        assert!(said(&first, &mut booked("0.79", "USD", "0.01")).is_empty());
        assert!(!said(&booked("9", "CNY", "0"), &mut booked("4.5", "CNY", "0")).is_empty());
    }

    #[test]
    fn another_currency_is_compared_and_low_at_the_rate_the_user_set() {
        let told = |before: &Booked, now: &mut Booked| {
            compare(&"deepseek".into(), Some(before), now, &at_seven())
        };
        let before = booked("100", "CNY", "0");
        assert!(told(&before, &mut booked("93", "CNY", "1")).is_empty(), "7 units are a dollar");
        let words = told(&before, &mut booked("86", "CNY", "1"));
        assert!(words[0].contains("fell by about $2.00, this run spent $1.00"), "{words:?}");
        let low = told(&booked("9", "CNY", "0"), &mut booked("6.5", "CNY", "0.36"));
        assert_eq!(low, ["deepseek has ¥6.50 left"], "5 to 7 is low too");
    }
}
