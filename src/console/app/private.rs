//! Whether the open chat is private.
//!
//! Must not know: who asks for it, what it looks like.

use crate::domain::Privacy;

/// A private chat asks models on this machine only, and nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateChat {
    /// It is like any other.
    #[default]
    Off,
    /// From here on it is private; nothing was said since.
    Fresh,
    /// Something was said in private.
    Begun,
}

impl PrivateChat {
    /// What goes with the chat's requests.
    pub const fn privacy(self) -> Privacy {
        match self {
            Self::Off => Privacy::Open,
            Self::Fresh | Self::Begun => Privacy::Private,
        }
    }
}
