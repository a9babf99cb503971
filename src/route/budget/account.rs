//! One account: what this run spent and reserved there, and what others did.
//!
//! Invariant: what is reserved is never negative, and an amount known only in part marks the sum.

use crate::domain::{Cost, Money};

use super::Totals;

/// Money of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Account {
    own_spent: Cost,
    own_reserved: Money,
    claims: u32,
    /// As the shared store last told.
    pub(super) others: Totals,
    /// The greatest share the user was told of, in percent.
    pub(super) told: u32,
}

impl Account {
    pub(super) fn spent(&self) -> Cost {
        self.own_spent + self.others.spent
    }

    pub(super) fn reserved(&self) -> Money {
        self.own_reserved + self.others.reserved
    }

    /// Nothing of this run is under way there.
    pub(super) fn is_idle(&self) -> bool {
        self.claims == 0
    }

    pub(super) fn reserve(&mut self, amount: Money) {
        self.own_reserved += amount;
        self.claims += 1;
    }

    pub(super) fn release(&mut self, amount: Money) {
        self.own_reserved = (self.own_reserved - amount).max(Money::ZERO);
        self.claims = self.claims.saturating_sub(1);
    }

    pub(super) fn settle(&mut self, amount: Money, cost: Cost) {
        self.release(amount);
        self.own_spent = self.own_spent + cost;
    }
}
