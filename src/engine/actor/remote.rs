//! What the actor hears of the shared cache tier, and tells people.

use crate::domain::UnixMs;

use super::super::NoticeLevel;
use super::super::remote::Remoteness;
use super::Actor;

impl Actor {
    /// Takes over the cache's settings.
    pub(super) fn configure_cache(&mut self, now: UnixMs) {
        if let Err(trouble) = self.shared.shelf.configure(&self.config.cache) {
            self.notice(NoticeLevel::Warn, format!("the Redis cache is not used: {trouble}"), now);
        }
    }

    pub(super) fn hear_of_remote(&mut self, news: Remoteness, now: UnixMs) {
        match news {
            Remoteness::Gone(trouble) => {
                let text = format!("the Redis cache is gone, requests go on without: {trouble}");
                self.notice(NoticeLevel::Warn, text, now);
            }
            Remoteness::Back => {
                self.notice(NoticeLevel::Info, "the Redis cache is back".to_owned(), now);
            }
            Remoteness::Full(trouble) => {
                let text = format!("the Redis cache only gives: {trouble}");
                self.notice(NoticeLevel::Warn, text, now);
            }
            // The snapshot that follows shows it.
            Remoteness::Changed => {}
        }
    }
}
