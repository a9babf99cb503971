//! Budgets as plain data: whose money is limited, by how much, and what happens there; and the local
//! day that spending belongs to.
//!
//! Must not know: clocks, time zones, what was spent. Invariant: a [`LocalDay`] is a day of the user's
//! calendar, found out once when money is spent and kept with it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ModelName, Money, ProviderName, SessionId};

/// What happens at a budget's limit, the laxest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// Say so and go on.
    Warn,
    /// Ask first.
    #[default]
    Ask,
    /// Refuse.
    Stop,
}

impl AtLimit {
    /// The word used in files and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Ask => "ask",
            Self::Stop => "stop",
        }
    }
}

impl FromStr for AtLimit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Warn, Self::Ask, Self::Stop]
            .into_iter()
            .find(|each| each.name() == text)
            .ok_or_else(|| format!("expected warn, ask or stop, found {text:?}"))
    }
}

/// One budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetLimit {
    /// The amount.
    pub limit: Money,
    /// What happens there.
    pub at_limit: AtLimit,
}

/// All budgets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// Per local day.
    pub day: Option<BudgetLimit>,
    /// Per month.
    pub month: Option<BudgetLimit>,
    /// Per session.
    pub session: Option<BudgetLimit>,
    /// Per provider and day.
    pub providers: BTreeMap<ProviderName, BudgetLimit>,
    /// Per model and day.
    pub models: BTreeMap<ModelName, BudgetLimit>,
}

impl Budget {
    /// The budget of this scope, if there is one.
    pub fn limit(&self, scope: &BudgetScope) -> Option<BudgetLimit> {
        match scope {
            BudgetScope::Day => self.day,
            BudgetScope::Month => self.month,
            BudgetScope::Session(_) => self.session,
            BudgetScope::Provider(name) => self.providers.get(name).copied(),
            BudgetScope::Model(name) => self.models.get(name).copied(),
        }
    }

    /// Is nothing limited?
    pub fn is_empty(&self) -> bool {
        self.day.is_none()
            && self.month.is_none()
            && self.session.is_none()
            && self.providers.is_empty()
            && self.models.is_empty()
    }

    /// Sets or takes away the budget of this scope; a session's is every session's.
    pub fn set(&mut self, scope: &BudgetScope, limit: Option<BudgetLimit>) {
        match scope {
            BudgetScope::Day => self.day = limit,
            BudgetScope::Month => self.month = limit,
            BudgetScope::Session(_) => self.session = limit,
            BudgetScope::Provider(name) => {
                self.providers.remove(name);
                self.providers.extend(limit.map(|limit| (name.clone(), limit)));
            }
            BudgetScope::Model(name) => {
                self.models.remove(name);
                self.models.extend(limit.map(|limit| (name.clone(), limit)));
            }
        }
    }
}

/// Whose spending a budget limits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// All of a local day.
    Day,
    /// All of a local month.
    Month,
    /// One conversation, however long it lasts.
    Session(SessionId),
    /// One provider, per local day.
    Provider(ProviderName),
    /// One model, per local day.
    Model(ModelName),
}

impl fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str("the day's budget"),
            Self::Month => f.write_str("the month's budget"),
            Self::Session(_) => f.write_str("the chat's budget"),
            Self::Provider(name) => write!(f, "{name}'s budget for the day"),
            Self::Model(name) => write!(f, "{name}'s budget for the day"),
        }
    }
}

/// Whether a request may go over a budget that asks first. A budget that stops is never gone over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverBudget {
    /// Nobody is there to ask: whoever fits into the budget answers.
    #[default]
    Within,
    /// Ask the user first, also where somebody fits but would not have been the choice.
    Ask,
    /// The user has said yes to this one.
    Allowed,
}

/// A day of the user's calendar, as days since 1970-01-01; shown and parsed as `2026-11-26`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LocalDay(pub i32);

/// A month of the user's calendar, as months since January of the year 0; shown as `2026-11`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LocalMonth(pub i32);

impl LocalDay {
    /// The day of this date.
    pub fn of(year: i32, month: u32, day: u32) -> Self {
        // Years begin in March, so that a leap day is the last of one.
        let year = i64::from(year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
        let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        Self(i32::try_from(era * 146_097 + days - 719_468).unwrap_or(i32::MAX))
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub fn date(self) -> (i32, u32, u32) {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        (year as i32, month as u32, day as u32)
    }

    /// The month it belongs to.
    pub fn month(self) -> LocalMonth {
        let (year, month, _) = self.date();
        LocalMonth(year * 12 + i32::try_from(month).unwrap_or(1) - 1)
    }
}

impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl fmt::Display for LocalMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_is_shown_as_its_date_and_knows_its_month() {
        assert_eq!(LocalDay(0).to_string(), "1970-01-01");
        // 1 795 651 200 s, 20 783 days: 2026-11-26.
        assert_eq!(LocalDay(20_783).to_string(), "2026-11-26");
        assert_eq!(LocalDay::of(2026, 11, 26), LocalDay(20_783));
        assert_eq!(LocalDay(20_783).month().to_string(), "2026-11");
        assert_eq!(LocalDay::of(2028, 2, 29).to_string(), "2028-02-29");
    }

    proptest! {
        #[test]
        fn every_day_is_its_own_date(day in -200_000i32..200_000) {
            let (y, m, d) = LocalDay(day).date();
            prop_assert_eq!(LocalDay::of(y, m, d), LocalDay(day));
        }
    }
}
