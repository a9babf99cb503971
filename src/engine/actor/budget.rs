//! What the actor does about budgets: tells the user what the purse has to tell, and has shared
//! spending read now and then.
//!
//! Must not know: how amounts are kept. Invariant: nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{ModelName, ProviderName, UnixMs};
use crate::route::Crossing;

use super::super::balance::{self, BalanceReading, Booked};
use super::super::NoticeLevel;
use super::super::purse::{News, RENEW_EVERY};
use super::{Actor, ToActor};

impl Actor {
    /// Budgets that came past a share, and trouble with the shared store.
    pub(super) fn tell_news(&mut self, now: UnixMs) {
        for news in self.shared.purse.take_news() {
            match news {
                News::Crossed(crossing) => {
                    let level = match crossing.percent {
                        ..80 => NoticeLevel::Info,
                        _ => NoticeLevel::Warn,
                    };
                    self.notice(level, crossed(&crossing), now);
                }
                News::Trouble(trouble) => {
                    let text = format!("budgets count this run alone for now: {trouble}");
                    self.notice(NoticeLevel::Warn, text, now);
                }
            }
        }
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
        let warm = self.warm.iter().filter(|(name, _)| mine(name)).map(|(_, (_, cost))| cost.amount);
        let spent = asked.map(|(_, spend)| spend.cost.amount).chain(warm).sum();
        let mut booked = Booked { reading, spent, low: false };
        for text in balance::compare(&provider, self.balances.get(&provider), &mut booked) {
            self.notice(NoticeLevel::Warn, text, now);
        }
        self.balances.insert(provider, booked);
    }

    pub(super) fn readings(&self) -> BTreeMap<ProviderName, BalanceReading> {
        let readings = self.balances.iter();
        readings.map(|(name, booked)| (name.clone(), booked.reading.clone())).collect()
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
                let read = async {
                    shared.purse.refresh(super::super::clock::now()).await;
                    shared.tell(ToActor::SpendingRead).await;
                    tokio::time::sleep(RENEW_EVERY).await;
                };
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = read => {}
                }
            }
        });
    }
}

/// A share of a budget used up, in words.
fn crossed(crossing: &Crossing) -> String {
    let (scope, percent) = (&crossing.scope, crossing.percent);
    let about = if crossing.spent.exact { "" } else { "at least " };
    let (spent, limit) = (crossing.spent.amount.brief(), crossing.budget.limit.brief());
    match percent {
        100.. => format!("{scope} is used up: {about}{spent} of {limit}"),
        percent => format!("{percent}% of {scope} is used: {about}{spent} of {limit}"),
    }
}
