//! What the actor starts and does not wait for: key commands, asking endpoints for their models,
//! keep-warm calls, probes. Each reports back as a message.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::config::{Discovered, Mention, Provider};
use crate::domain::{ErrorReport, OutcomeClass, UnixMs};
use crate::ledger::Reader;
use crate::route::CircuitView;
use crate::wire;

use super::super::pinger::CallFor;
use super::super::{input, keys};
use super::{Actor, Listing, Shared, ToActor};

/// A local server that is there answers its model list within this.
const LOCAL_LIMIT: Duration = Duration::from_millis(800);

/// A remote one within this.
const REMOTE_LIMIT: Duration = Duration::from_secs(10);

/// A model list is read up to this size.
const LIST_BODY: usize = 4 << 20;

/// How often the forecast of a rate limit is made anew while there is one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Actor {
    /// Keys, then what can be found by asking.
    pub(super) fn begin(&mut self) {
        self.read_keys();
        self.read_tokens();
        self.discover();
        self.pinger.presence(super::super::clock::now());
    }

    /// What earlier runs learned of models' tokens, from the disk; nothing is made where there is none.
    /// Told in any case: the first request waits for it.
    fn read_tokens(&self) {
        let shared = Arc::clone(&self.shared);
        let Some(ledger) = shared.ledger.clone() else { return };
        self.shared.tasks.spawn_blocking(move || {
            let read = || ledger.read(Reader::token_factors);
            let rows = ledger.path().exists().then(read).unwrap_or_else(|| Ok(Vec::new()));
            let rows = rows.unwrap_or_else(|error| {
                // Its health says so; what was learned is learned again.
                tracing::warn!(%error, "what was learned of tokens is not known");
                Vec::new()
            });
            shared.tell_blocking(ToActor::Remembered(rows));
        });
    }

    pub(super) fn read_keys(&self) {
        self.shared.keys.read(&self.config, &self.shared.env);
        if self.config.providers.values().any(keys::is_slow) {
            let (shared, config) = (Arc::clone(&self.shared), Arc::clone(&self.config));
            self.shared.tasks.spawn_blocking(move || {
                shared.keys.fetch(&config, &shared.env);
                shared.tell_blocking(ToActor::KeysRead);
            });
        }
    }

    /// Asks endpoints that should say themselves which models they have.
    pub(super) fn discover(&mut self) {
        let mut asked = 0;
        for (_, provider) in self.config.to_discover() {
            let usable = provider.local
                || provider.mention != Mention::Shipped
                || self.shared.keys.found(&provider.name);
            if usable && !self.is_cut_off(&provider.name) {
                asked += 1;
                self.spawn_list(provider, Report::Found);
            }
        }
        self.discovering += asked;
    }

    pub(super) fn spawn_list(&self, provider: &Provider, report: Report) {
        let (shared, provider) = (Arc::clone(&self.shared), provider.clone());
        self.shared.tasks.spawn(async move {
            let started = Instant::now();
            let closing = shared.closing.clone();
            let listing = tokio::select! {
                () = closing.cancelled() => return,
                listing = list(&shared, &provider) => listing,
            };
            let took = started.elapsed();
            let name = provider.name.clone();
            shared
                .tell(match report {
                    Report::Found => ToActor::Found { provider: name, listing },
                    Report::Pinged(why) => ToActor::Pinged { provider: name, why, listing, took },
                })
                .await;
        });
    }

    /// Forgets that a model or provider failed and calls it for free now.
    pub(super) fn probe(&mut self, name: &str) {
        let hits: Vec<_> = self
            .config
            .models
            .values()
            .filter(|m| m.name.as_str() == name || m.provider.as_str() == name)
            .map(|m| (m.provider.clone(), m.name.clone()))
            .collect();
        for (provider, model) in &hits {
            self.router.close_circuit(model);
            self.router.clear_account(provider);
        }
        if let Some((provider, _)) = hits.first()
            && let Some(provider) = self.config.providers.get(provider)
            && !self.is_cut_off(&provider.name)
        {
            self.spawn_list(provider, Report::Pinged(CallFor::Account));
        }
    }

    /// When traffic leaves for maintenance, and when it returns.
    fn maintenance(&self, now: UnixMs) -> impl Iterator<Item = UnixMs> {
        self.config.providers.values().flat_map(move |provider| {
            let until = input::maintenance_until(provider, now);
            [input::maintenance_from(provider, now), until].into_iter().flatten()
        })
    }

    /// When something that is only a matter of time changes next: a circuit's retry, a limit's end.
    pub(super) fn next_change(&self, now: UnixMs) -> Option<Duration> {
        let snapshot = self.publish.borrow();
        snapshot
            .models
            .values()
            .flat_map(|model| {
                let circuit = match model.circuit {
                    CircuitView::Open { until } => Some(until),
                    CircuitView::Closed | CircuitView::HalfOpen => None,
                };
                // A pace is a thing of seconds: a forecast is looked at again and again.
                let forecast = model.forecast.as_ref().map(|_| now + LOOK_AGAIN);
                [circuit, model.limited_until, model.shift.until(), forecast]
            })
            .flatten()
            .chain(snapshot.overrides.drills.iter().map(|drill| drill.until))
            .chain(self.maintenance(now))
            // A new day has whole budgets.
            .chain([snapshot.calendar.today.ends])
            .filter(|until| *until > now)
            .map(|until| now.until(until) + Duration::from_millis(1))
            .min()
    }
}

/// What a model list was asked for.
#[derive(Clone, Copy)]
pub(super) enum Report {
    Found,
    Pinged(CallFor),
}

/// Asks the endpoint for its models.
async fn list(shared: &Shared, provider: &Provider) -> Listing {
    let limit = if provider.local { LOCAL_LIMIT } else { REMOTE_LIMIT };
    let Ok(http) = shared.http() else { return Listing::Unsure };
    let key = shared.keys.key(&provider.name);
    let call = wire::models_call(provider, key.as_ref());
    let answer = async {
        let mut response = http.send(&call, limit).await?;
        let body = response.body(LIST_BODY).await;
        Ok::<_, ErrorReport>((response.status, response.headers, body))
    };
    match timeout(limit, answer).await {
        Ok(Ok((200..300, _, body))) => Listing::Models(
            wire::read_models(&body)
                .unwrap_or_default()
                .into_iter()
                .map(|model| Discovered {
                    id: model.id,
                    context: model.context,
                    max_output: model.max_output,
                })
                .collect(),
        ),
        Ok(Ok((status @ (401 | 403), headers, body))) => {
            let now = super::super::clock::now();
            let mut error = wire::read_error(status, &headers, &body, now);
            shared.keys.name_the_key(provider, &mut error);
            error.provider = Some(provider.name.clone());
            Listing::Refused(Box::new(error))
        }
        Ok(Err(error)) if error.class == OutcomeClass::Network && error.code == "connect" => {
            Listing::Absent
        }
        Ok(Err(error)) if error.unreached() => Listing::Unreached,
        Ok(Ok((status, ..))) => Listing::Other(status),
        Ok(Err(_)) | Err(_) => Listing::Unsure,
    }
}
