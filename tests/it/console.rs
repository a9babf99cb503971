//! The console as a whole: state, layout, frames and drawing together.

mod chat;
mod growth;
