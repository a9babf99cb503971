//! The answer cache: the key, the memory tier, what may be cached and why.
