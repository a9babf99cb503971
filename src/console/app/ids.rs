//! Ids without a clock: time-ordered ids made from the moment of a message, a seed given once at
//! the start, and a counter. The same messages mint the same ids, which keeps `update` pure.

use uuid::{Builder, Uuid};

use crate::domain::{MessageId, RequestId, SessionId, UnixMs};

/// Odd, so that no two counts become the same number: 2³² over the golden ratio, which sets those that
/// follow each other far apart.
const APART: u32 = 0x9e37_79b1;

/// Mints ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMint {
    seed: [u8; 6],
    count: u32,
}

impl IdMint {
    /// Two runs with different seeds never mint the same id.
    pub fn new(seed: u64) -> Self {
        let bytes = seed.to_be_bytes();
        Self { seed: [bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]], count: 0 }
    }

    fn next(&mut self, now: UnixMs) -> Uuid {
        self.count = self.count.wrapping_add(1);
        let mut random = [0; 10];
        random[..4].copy_from_slice(&self.count.to_be_bytes());
        random[4..].copy_from_slice(&self.seed);
        // An id is known by its last digits on screen and on the command line, so these must differ.
        let apart = self.count.wrapping_mul(APART).to_be_bytes();
        random[6..].iter_mut().zip(apart).for_each(|(byte, more)| *byte ^= more);
        let ms = u64::try_from(now.0).unwrap_or(0);
        Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }

    /// An id for a request.
    pub fn request(&mut self, now: UnixMs) -> RequestId {
        RequestId(self.next(now))
    }

    /// An id for a message.
    pub fn message(&mut self, now: UnixMs) -> MessageId {
        MessageId(self.next(now))
    }

    /// An id for a conversation.
    pub fn session(&mut self, now: UnixMs) -> SessionId {
        SessionId(self.next(now))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_differ_and_order_by_time() {
        let mut mint = IdMint::new(7);
        let a = mint.request(UnixMs(1_000));
        let b = mint.request(UnixMs(1_000));
        let c = mint.request(UnixMs(2_000));
        assert!(a != b && a < c && b < c);
        assert_eq!(a.0.get_version_num(), 7);
    }

    #[test]
    fn chats_of_one_run_can_be_told_apart_by_their_short_ids() {
        let mut mint = IdMint::new(7);
        let ids: BTreeSet<String> = (0..70_000).map(|n| mint.session(UnixMs(n)).short()).collect();
        assert_eq!(ids.len(), 70_000);
    }
}
