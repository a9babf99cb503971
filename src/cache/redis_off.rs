//! The shared tier of a program that was built without it: there is none, and opening one says so.

use std::time::Duration;

use crate::domain::UnixMs;

use super::{CacheKey, CachedAnswer, Count, Fields, Near, Survey, Trouble};

/// The shared tier; never there.
#[derive(Debug)]
pub enum RedisTier {}

#[allow(missing_docs, clippy::unused_async, reason = "as in the tier that is there")]
impl RedisTier {
    pub fn open(_: &str, _: Duration) -> Result<Self, Trouble> {
        Err(Trouble::NotBuilt)
    }

    pub async fn retry(&self) -> Result<(), Trouble> {
        match *self {}
    }

    pub async fn find(
        &self,
        _: &[CacheKey],
        _: UnixMs,
    ) -> Result<Option<(CacheKey, CachedAnswer)>, Trouble> {
        match *self {}
    }

    pub async fn keep(&self, _: &CacheKey, _: &CachedAnswer, _: UnixMs) -> Result<bool, Trouble> {
        match *self {}
    }

    pub async fn count(&self, _: Count) -> Result<(), Trouble> {
        match *self {}
    }

    pub async fn remove(&self, _: &CacheKey) -> Result<bool, Trouble> {
        match *self {}
    }

    pub async fn clear(&self) -> Result<u64, Trouble> {
        match *self {}
    }

    pub async fn survey(&self) -> Result<Survey, Trouble> {
        match *self {}
    }

    pub async fn keys_like(&self, _: &str) -> Result<Vec<CacheKey>, Trouble> {
        match *self {}
    }

    pub async fn nearest(&self, _: &Fields, _: UnixMs) -> Result<Option<Near>, Trouble> {
        match *self {}
    }
}
