//! What the actor does about budgets: tells the user what the purse has to tell, and has shared
//! spending read now and then.
//!
//! Must not know: how amounts are kept. Invariant: nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    AttemptReport, ModelName, Money, ProviderName, ServiceTier, SessionId, UnixMs,
};
use crate::route::Crossing;

use super::super::balance::{self, BalanceReading, Booked};
use super::super::purse::{FRESH, News, RENEW_EVERY};
use super::super::{Notice, NoticeLevel};
use super::{Actor, ToActor};

/// A difference nobody looks into.
const TRIFLE: Money = Money::from_pico(100_000_000);

const MINUTE: Duration = Duration::from_mins(1);

impl Actor {
    /// Takes back what was said of budgets that are others now, or whose day is over.
    pub(super) fn forget_crossings(&mut self, now: UnixMs) {
        if self.crossings.is_empty() {
            return;
        }
        let (book, calendar) = self.shared.purse.look(now);
        let notices = &mut self.notices;
        self.crossings.retain(|scope, told| {
            let line = book.line(scope.clone(), &calendar);
            let same = line.budget.is_some_and(|now| now.limit == told.crossing.budget.limit);
            let holds = same && line.period.is_none_or(|period| period.begins <= told.at);
            if !holds {
                notices.retain(|notice| !told.is(notice));
            }
            holds
        });
    }

    /// Budgets that came past a share, and trouble with the shared store.
    pub(super) fn tell_news(&mut self, now: UnixMs) {
        self.forget_crossings(now);
        for news in self.shared.purse.take_news() {
            match news {
                News::Crossed(crossing) => {
                    let level = match crossing.percent {
                        ..80 => NoticeLevel::Info,
                        _ => NoticeLevel::Warn,
                    };
                    let text = crossed(&crossing);
                    self.notice(level, text.clone(), now);
                    // The greater share says the smaller.
                    let told = CrossingTold { text, crossing, at: now };
                    if let Some(old) = self.crossings.insert(told.crossing.scope.clone(), told) {
                        self.notices.retain(|notice| !old.is(notice));
                    }
                }
                News::Trouble(trouble) => {
                    let text = format!("budgets count this run alone for now: {trouble}");
                    self.notice(NoticeLevel::Warn, text, now);
                }
            }
        }
    }

    /// Where a provider says itself what it charged, that is what is owed; a price here that says
    /// otherwise is said once.
    pub(super) fn check_bill(&mut self, report: &AttemptReport, now: UnixMs) {
        if !report.cost.exact || report.usage.estimated || self.misbilled.contains(&report.model) {
            return;
        }
        let Some(model) = self.config.models.get(&report.model) else { return };
        let sent = now - Duration::from_millis(report.ms);
        let charged = report.cost.amount;
        let tier = report.tier.unwrap_or(ServiceTier::Standard);
        let expected = |at| {
            let rates = model.prices.in_tier(tier, at, report.usage.input)?;
            Some(rates.cost(&report.usage).amount)
        };
        // A price that has just changed is no other price.
        let near = [sent - MINUTE, sent, now].map(expected);
        let Some(expected) = near[1] else { return };
        if near.into_iter().flatten().any(|expected| agree(expected, charged)) {
            return;
        }
        let (charged, expected) = (charged.brief(), expected.brief());
        let (provider, name) = (&report.provider, &report.model);
        let text = format!(
            "{provider} charged {charged} for an answer of {name} that its price here puts at {expected}"
        );
        self.misbilled.insert(report.model.clone());
        self.notice(NoticeLevel::Warn, text, now);
    }

    /// An account has told what it has left.
    pub(super) fn take_balance(
        &mut self,
        provider: ProviderName,
        reading: BalanceReading,
        now: UnixMs,
    ) {
        let mine = |name: &ModelName| {
            self.config.models.get(name).is_some_and(|model| model.provider == provider)
        };
        let asked = self.by_model.iter().filter(|(name, _)| mine(name));
        let warm =
            self.warm.iter().filter(|(name, _)| mine(name)).map(|(_, (_, cost))| cost.amount);
        let spent = asked.map(|(_, spend)| spend.cost.amount).chain(warm).sum();
        let mut booked = Booked { reading, spent, low: false };
        let before = self.balances.get(&provider);
        for text in balance::compare(&provider, before, &mut booked, &self.config.currency) {
            self.notice(NoticeLevel::Warn, text, now);
        }
        self.balances.insert(provider, booked);
    }

    pub(super) fn readings(&self) -> BTreeMap<ProviderName, BalanceReading> {
        let readings = self.balances.iter();
        readings.map(|(name, booked)| (name.clone(), booked.reading.clone())).collect()
    }

    /// Has what was spent in a conversation that is now on the screen read, or all of it.
    pub(super) fn read_spending(&self, session: Option<SessionId>) {
        if !self.shared.purse.is_shared() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            let now = super::super::clock::now();
            match session {
                Some(session) => shared.purse.opened(session, now).await,
                None => {
                    shared.purse.keep_up(now).await;
                }
            }
            shared.tell(ToActor::SpendingRead).await;
        });
    }

    /// Reads what others spent, now and again, and keeps this process's claims alive.
    pub(super) fn watch_spending(&self) {
        self.shared.tasks.spawn(balance::watch(Arc::clone(&self.shared)));
        if !self.shared.purse.is_shared() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            let closing = shared.closing.clone();
            loop {
                let round = async {
                    let mut left = RENEW_EVERY;
                    let mut news = shared.purse.refresh(super::super::clock::now()).await;
                    loop {
                        if news {
                            shared.tell(ToActor::SpendingRead).await;
                        }
                        tokio::time::sleep(FRESH.min(left)).await;
                        left = left.saturating_sub(FRESH);
                        if left.is_zero() {
                            return;
                        }
                        news = shared.purse.keep_up(super::super::clock::now()).await;
                    }
                };
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = round => {}
                }
            }
        });
    }
}

/// What was said of a budget that came past a share, while it holds.
#[derive(Debug)]
pub(in crate::engine) struct CrossingTold {
    crossing: Crossing,
    text: String,
    at: UnixMs,
}

impl CrossingTold {
    fn is(&self, notice: &Notice) -> bool {
        notice.at == self.at && notice.text == self.text
    }
}

/// Is a bill what a price says? A tenth is left to prices that are rounded and to fees.
fn agree(expected: Money, charged: Money) -> bool {
    let apart = (expected - charged).max(charged - expected);
    apart < TRIFLE || apart.pico().saturating_mul(10) <= expected.max(charged).pico()
}

/// A share of a budget used up, in words.
fn crossed(crossing: &Crossing) -> String {
    let (scope, percent) = (&crossing.scope, crossing.percent);
    // It stands for a while: what was spent by then would soon be an old figure.
    let limit = crossing.budget.limit.in_full();
    match percent {
        100.. => format!("{scope} is used up: all of {limit}"),
        percent => format!("{percent}% of {scope} is used, of {limit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_may_differ_by_a_tenth_or_a_trifle() {
        let agree = |a: &str, b: &str| agree(a.parse().unwrap(), b.parse().unwrap());
        assert!(agree("0.010", "0.0105") && agree("0.00001", "0.00009"));
        assert!(!agree("0.010", "0.012") && !agree("0", "0.01"));
    }
}
