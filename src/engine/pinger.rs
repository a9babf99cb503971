//! The keep-warm schedule: when a provider is due for a free call that keeps its connection warm.
//! Pure; the actor makes the calls.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{ProviderName, UnixMs};

/// How often a quiet provider is called.
pub const EVERY: Duration = Duration::from_mins(1);

/// After so long without any real traffic nobody is kept warm: the user is away.
const IDLE_AFTER: Duration = Duration::from_mins(30);

/// When each provider was last used or called.
#[derive(Debug, Default)]
pub(super) struct Pinger {
    touched: BTreeMap<ProviderName, UnixMs>,
    last_traffic: Option<UnixMs>,
}

impl Pinger {
    /// Real traffic went to a provider: it is warm without our doing.
    pub(super) fn traffic(&mut self, provider: &ProviderName, now: UnixMs) {
        self.touched.insert(provider.clone(), now);
        self.last_traffic = Some(now);
    }

    /// The user is there (a key, a draft): warmth is worth having.
    pub(super) fn presence(&mut self, now: UnixMs) {
        self.last_traffic = Some(now);
    }

    /// Which of these providers are due now. They count as called.
    pub(super) fn due<'a>(
        &mut self,
        providers: impl Iterator<Item = &'a ProviderName>,
        now: UnixMs,
    ) -> Vec<ProviderName> {
        if self.idle(now) {
            return Vec::new();
        }
        let due: Vec<ProviderName> = providers
            .filter(|name| {
                self.touched.get(*name).is_none_or(|touched| now.since(*touched) >= EVERY)
            })
            .cloned()
            .collect();
        for name in &due {
            self.touched.insert(name.clone(), now);
        }
        due
    }

    /// When the next of these providers is due; `None` while idle or with no provider.
    pub(super) fn next<'a>(
        &self,
        providers: impl Iterator<Item = &'a ProviderName>,
        now: UnixMs,
    ) -> Option<Duration> {
        if self.idle(now) {
            return None;
        }
        providers
            .map(|name| {
                self.touched
                    .get(name)
                    .map_or(Duration::ZERO, |touched| EVERY.saturating_sub(now.since(*touched)))
            })
            .min()
    }

    fn idle(&self, now: UnixMs) -> bool {
        self.last_traffic.is_none_or(|last| now.since(last) >= IDLE_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    #[test]
    fn a_quiet_provider_is_called_every_minute_and_a_busy_one_never() {
        let (quiet, busy) = (ProviderName::from("quiet"), ProviderName::from("busy"));
        let mut pinger = Pinger::default();
        pinger.presence(at(0));
        assert_eq!(pinger.due([&quiet, &busy].into_iter(), at(0)).len(), 2);
        pinger.traffic(&busy, at(50));
        assert_eq!(pinger.due([&quiet, &busy].into_iter(), at(60)), vec![quiet.clone()]);
        assert_eq!(pinger.next([&quiet, &busy].into_iter(), at(70)), Some(Duration::from_secs(40)));
    }

    #[test]
    fn nobody_is_kept_warm_for_a_user_who_is_away() {
        let name = ProviderName::from("p");
        let mut pinger = Pinger::default();
        assert!(pinger.due([&name].into_iter(), at(0)).is_empty());
        pinger.traffic(&name, at(0));
        assert!(!pinger.due([&name].into_iter(), at(1700)).is_empty());
        assert!(pinger.due([&name].into_iter(), at(1900)).is_empty());
        assert_eq!(pinger.next([&name].into_iter(), at(1900)), None);
        pinger.presence(at(2000));
        assert!(!pinger.due([&name].into_iter(), at(2000)).is_empty());
    }
}
