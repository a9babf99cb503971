//! The answer cache: the key, the memory tier, what may be cached and why.
//!
//! Owns: which answers are kept, under which key, for how long. Must not know: the engine, how an
//! answer was had. Invariant: two requests share a key only if nothing that can change the answer
//! differs between them.

mod key;
mod memory;
mod policy;

pub use key::{CacheKey, KeyParts};
pub use memory::{CachedAnswer, MemoryCache};
pub use policy::{Demand, Refusal, may_cache};
