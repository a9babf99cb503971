//! What is kept only so long: removed when the engine starts, every hour while it runs, and at once
//! when the configuration says another time.
//!
//! Must not know: the database. Invariants: it goes to the ledger's writer in small parts, so that what
//! is asked meanwhile is kept no later for it; sums of money stay; where nothing was ever kept no file
//! is made.

use std::sync::Arc;
use std::time::Duration;

use crate::config::LedgerSettings;
use crate::domain::UnixMs;
use crate::ledger::{Ledger, Purge};

use super::actor::Shared;

/// Looked at so often. Where nothing is old enough that costs the writer three looks into indices.
const EVERY: Duration = Duration::from_hours(1);

/// Milliseconds in a day.
const DAY: i64 = 86_400_000;

/// Until the engine closes.
pub(super) async fn watch(shared: Arc<Shared>) {
    let Some(ledger) = &shared.ledger else { return };
    loop {
        let settings = shared.snapshot().config.ledger;
        let round = async {
            retain(ledger, &settings, super::clock::now()).await;
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = shared.closing.cancelled() => return,
            () = changed(&shared, &settings) => {}
            () = round => {}
        }
    }
}

/// Resolves once other settings are in force.
async fn changed(shared: &Shared, settings: &LedgerSettings) {
    let mut published = shared.published.clone();
    if published.wait_for(|snapshot| snapshot.config.ledger != *settings).await.is_err() {
        // The engine has ended, which whoever waits hears too.
        std::future::pending::<()>().await;
    }
}

/// What is removed, and up to which moment.
fn due(settings: &LedgerSettings, now: UnixMs) -> impl Iterator<Item = (Purge, UnixMs)> {
    let before = move |days: u32| UnixMs(now.0.saturating_sub(i64::from(days) * DAY));
    let talks = settings.keep_days.map(|days| (Purge::Conversations, before(days)));
    let records = settings.record_days.map(|days| (Purge::Records, before(days)));
    talks.into_iter().chain(records)
}

async fn retain(ledger: &Ledger, settings: &LedgerSettings, now: UnixMs) {
    for (what, before) in due(settings, now) {
        if !ledger.path().exists() {
            return;
        }
        match ledger.retain(before, what).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, ?what, "old enough to go"),
            // Told by the ledger's health; what stays goes another time.
            Err(error) => tracing::warn!(%error, ?what, "not removed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_number_of_days_stays_for_ever() {
        let now = UnixMs(100 * DAY);
        let none = LedgerSettings::default();
        assert_eq!(due(&none, now).count(), 0);
        let talks = LedgerSettings { keep_days: Some(30), ..none };
        let found: Vec<_> = due(&talks, now).collect();
        assert_eq!(found, [(Purge::Conversations, UnixMs(70 * DAY))]);
        let both = LedgerSettings { record_days: Some(36_500), ..talks };
        assert_eq!(due(&both, now).nth(1), Some((Purge::Records, UnixMs(-36_400 * DAY))));
    }
}
