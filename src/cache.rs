//! The answer cache: the key, the memory tier, the Redis tier, what may be cached and why.
//!
//! Owns: which answers are kept, under which key, for how long. Must not know: the engine, how an
//! answer was had. Invariant: two requests share a key only if nothing that can change the answer
//! differs between them.

mod breaker;
mod fields;
mod key;
mod memory;
mod policy;
#[cfg(feature = "redis")]
mod redis;
#[cfg(not(feature = "redis"))]
#[path = "cache/redis_off.rs"]
mod redis;
#[cfg(test)]
mod sample;
mod survey;
#[cfg(any(feature = "redis", test))]
mod value;
mod why;

pub use breaker::{Breaker, Turned};
pub use fields::{Field, Fields};
pub use key::{CacheKey, Canon, KeyParts};
pub use memory::{CachedAnswer, MemoryCache};
pub use policy::{Demand, Refusal, Unkept, is_whole, may_cache};
pub use redis::RedisTier;
pub use survey::{Count, Survey, Trouble};
pub use why::{Near, Tier, Why};
