//! The simulated fleet: loopback HTTP servers that speak the real dialects with the habits of their originals.
