//! What the shared tier tells of itself: its figures, and what is wrong with it. Its words never reach
//! anybody: they may be anything, and its address may hold a password.

use std::fmt;

use crate::domain::Money;

/// What the shared tier holds and has given, over all processes that use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Survey {
    /// Answers held.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// There are more than were counted.
    pub more: bool,
    /// What it counted.
    pub count: Count,
}

/// Hits and what they saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Answers that were not asked for again.
    pub hits: u64,
    /// What they would have cost.
    pub saved: Money,
}

/// What is wrong with the shared tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Its address cannot be read.
    Address,
    /// This program was built without it.
    NotBuilt,
    /// No connection.
    Unreached,
    /// It did not answer in time.
    Slow,
    /// It refused the user or password, or what was to be done.
    Denied,
    /// It takes nothing more to keep: full, or read-only.
    Full,
    /// Anything else, by the server's own code.
    Other(String),
}

impl Trouble {
    /// Is it no use to ask it anything before it was tried again?
    pub const fn stops(&self) -> bool {
        match self {
            Self::Address | Self::NotBuilt | Self::Unreached | Self::Slow | Self::Denied => true,
            Self::Full | Self::Other(_) => false,
        }
    }
}

impl Trouble {
    /// What may help.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Address => "write it as redis://host:6379, a user and password before the host",
            Self::NotBuilt => "build it with the feature redis, or take [cache.redis] out",
            Self::Unreached => "start a Redis there or mend cache.redis.url",
            Self::Slow => {
                "it must answer within a tenth of a second: see how busy and how far it is"
            }
            Self::Denied => {
                "give a user that may do what is needed: cache.redis.url = \
                 \"redis://user:password@host:6379\""
            }
            Self::Full => {
                "raise its maxmemory, or let it drop old entries: maxmemory-policy allkeys-lru"
            }
            Self::Other(_) => "see what that Redis says in its own log",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("its address in cache.redis.url cannot be read"),
            Self::NotBuilt => f.write_str("this wheelhouse was built without Redis"),
            Self::Unreached => f.write_str("no connection"),
            Self::Slow => f.write_str("no answer in time"),
            Self::Denied => f.write_str(
                "it refused the user or password in cache.redis.url, or what that user may do",
            ),
            Self::Full => f.write_str("it takes no new entries: full or read-only"),
            Self::Other(code) => write!(f, "it answered {code}"),
        }
    }
}

impl std::error::Error for Trouble {}
