//! What a person asks of the cache itself: would this be a hit, forget that. Off every request's path;
//! may take as long as the shared tier's own timeouts.

use std::sync::Arc;

use crate::cache::{CacheKey, CachedAnswer, Near, Refusal, Tier, Trouble, Why};
use crate::domain::{CacheMode, ModelName, Request};
use crate::route;

use super::actor::Shared;
use super::counting::Unknown;
use super::run::{Wanted, may};
use super::shelf::Shelf;

/// What the cache would do for a request.
#[derive(Debug, Clone)]
pub struct Recall {
    /// The first model whose answer would do, and the key it would lie under.
    pub wanted: Option<(ModelName, CacheKey)>,
    /// Hit, miss or refusal.
    pub why: Why,
    /// The answer, where it is a hit.
    pub answer: Option<Arc<CachedAnswer>>,
    /// The first choice, where it is another: its answer would not be kept, and why not.
    pub unkept: Option<(ModelName, Refusal)>,
    /// Why the shared tier had no say, where there should be one.
    pub trouble: Option<Trouble>,
}

/// Which answers to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    /// All.
    All,
    /// Those whose key in hex begins so.
    Like(String),
}

/// How many answers were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// In memory.
    pub memory: u64,
    /// In the shared tier.
    pub redis: u64,
}

/// Looks without counting.
pub(super) async fn recall(shared: &Arc<Shared>, request: &Request) -> Recall {
    let snapshot = shared.snapshot_for(request).await;
    let config = Arc::clone(&snapshot.config);
    let now = super::clock::now();
    let seed = shared.seed ^ (request.id.0.as_u128() as u64);
    let mut input = snapshot.decision_input(request, now, seed);
    // As for the request itself: who is asked first must not depend on who wants to know.
    shared.counting.refine(&mut input, request, &snapshot, Unknown::Leave);
    let decision = route::decide(&input);
    let wanted = match Wanted::of(request, &config, &decision) {
        Ok(wanted) => wanted,
        Err(refusal) => {
            let why = Why::Refused(refusal);
            return Recall { wanted: None, why, answer: None, unkept: None, trouble: None };
        }
    };
    let keys = wanted.keys();
    let unkept = decision.chosen().filter(|chosen| !wanted.names(&chosen.model));
    let unkept = unkept.and_then(|chosen| {
        let model = config.models.get(&chosen.model)?;
        Some((model.name.clone(), may(request, &config, model).err()?))
    });
    let first = wanted.places.first().map(|(key, model)| (model.clone(), *key));
    if request.cache == CacheMode::Refresh {
        let why = Why::Refreshed;
        return Recall { wanted: first, why, answer: None, unkept, trouble: None };
    }
    let hit = |tier, found| {
        let (key, answer) = wanted.renamed(found, &config);
        let why = Why::Hit(tier, key);
        let unkept = unkept.clone();
        Recall { wanted: first.clone(), why, answer: Some(answer), unkept, trouble: None }
    };
    if let Some(found) = shared.shelf.find(&keys, now) {
        return hit(Tier::Memory, found);
    }
    let fields = wanted.fields(request, &config);
    let mut nearest = shared.shelf.nearest(&fields, now);
    let mut trouble = None;
    if let Some(remote) = shared.shelf.remote() {
        match remote.tier().find(&keys, now).await {
            Ok(Some((key, answer))) => return hit(Tier::Redis, (key, Arc::new(answer))),
            Ok(None) => match remote.tier().nearest(&fields, now).await {
                Ok(near) => nearest = closer(nearest, near),
                Err(error) => trouble = Some(error),
            },
            Err(error) => trouble = Some(error),
        }
    }
    let key = first.as_ref().map(|(_, key)| *key);
    let why = key.map_or(Why::Refreshed, |key| Why::Miss { key, nearest });
    Recall { wanted: first, why, answer: None, unkept, trouble }
}

fn closer(a: Option<Near>, b: Option<Near>) -> Option<Near> {
    a.into_iter().chain(b).min_by_key(|near| near.differs.len())
}

/// Forgets in memory first, which cannot fail.
pub(super) async fn forget(shelf: &Shelf, what: &Forget) -> Result<Forgotten, Trouble> {
    let mut forgotten = Forgotten::default();
    match what {
        Forget::All => forgotten.memory = shelf.clear() as u64,
        Forget::Like(prefix) => {
            for key in shelf.keys_like(prefix) {
                forgotten.memory += u64::from(shelf.remove(&key));
            }
        }
    }
    let Some(remote) = shelf.remote() else { return Ok(forgotten) };
    match what {
        Forget::All => forgotten.redis = remote.tier().clear().await?,
        Forget::Like(prefix) => {
            for key in remote.tier().keys_like(prefix).await? {
                forgotten.redis += u64::from(remote.tier().remove(&key).await?);
            }
        }
    }
    Ok(forgotten)
}
