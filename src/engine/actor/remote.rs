//! What the actor hears of the shared cache tier, and tells people.

use std::sync::Arc;

use crate::domain::UnixMs;

use super::super::remote::Remoteness;
use super::super::{Forget, NoticeLevel, recall};
use super::{Actor, ToActor};

impl Actor {
    /// Takes over the cache's settings.
    pub(super) fn configure_cache(&mut self, now: UnixMs) {
        if let Err(trouble) = self.shared.shelf.configure(&self.config.cache) {
            let text = format!("{} is not used: {trouble}; {}", self.redis(), trouble.hint());
            self.notice(NoticeLevel::Warn, text, now);
        }
    }

    /// The shared tier and where it is, in words.
    fn redis(&self) -> String {
        match &self.config.cache.redis {
            Some(redis) => format!("the Redis cache at {}", redis.address()),
            None => "the Redis cache".to_owned(),
        }
    }

    /// In a task: the shared tier may take its time.
    pub(super) fn forget(&self, what: Forget) {
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            let forgot = tokio::select! {
                () = shared.closing.cancelled() => return,
                forgot = recall::forget(&shared.shelf, &what) => forgot,
            };
            shared.tell(ToActor::Remote(Remoteness::Forgot(forgot))).await;
        });
    }

    pub(super) fn hear_of_remote(&mut self, news: Remoteness, now: UnixMs) {
        match news {
            Remoteness::Gone(trouble) => {
                let text = format!(
                    "{} is gone, requests go on without: {trouble}; {}",
                    self.redis(),
                    trouble.hint()
                );
                self.notice(NoticeLevel::Warn, text, now);
            }
            Remoteness::Back => {
                self.notice(NoticeLevel::Info, format!("{} is back", self.redis()), now);
            }
            Remoteness::Full(trouble) => {
                let text = format!("{} only gives: {trouble}; {}", self.redis(), trouble.hint());
                self.notice(NoticeLevel::Warn, text, now);
            }
            Remoteness::Forgot(Ok(gone)) => {
                let text = format!(
                    "kept answers forgotten: {} in memory, {} in Redis",
                    gone.memory, gone.redis
                );
                self.notice(NoticeLevel::Info, text, now);
            }
            Remoteness::Forgot(Err(trouble)) => {
                let text = format!(
                    "forgotten in memory; {} could not be told: {trouble}; {}",
                    self.redis(),
                    trouble.hint()
                );
                self.notice(NoticeLevel::Warn, text, now);
            }
            // The snapshot that follows shows it.
            Remoteness::Changed => {}
        }
    }
}
