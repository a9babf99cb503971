//! What a person or program can tell the engine, besides asking.

use std::sync::Arc;

use crate::config::Config;
use crate::domain::{BudgetLimit, BudgetScope, ModelName, PinScope, SessionId, UnixMs};

/// A model or provider that is not to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// A model's or provider's name.
    pub name: String,
    /// Until when; `None` until it is undone.
    pub until: Option<UnixMs>,
}

/// A command to the engine. Each changes the published snapshot, or says why not by a notice.
#[derive(Debug, Clone)]
pub enum Command {
    /// Pin a model.
    Pin {
        /// Which.
        model: ModelName,
        /// For what.
        scope: PinScope,
        /// The session, for [`PinScope::Session`] and [`PinScope::Message`].
        session: Option<SessionId>,
        /// Until when; `None` until it is undone.
        until: Option<UnixMs>,
    },
    /// Undo the pins that apply to a session (or all), and vetoes stay.
    Unpin {
        /// The session whose pins go; global ones go too.
        session: Option<SessionId>,
    },
    /// Change the policy for this run.
    Policy(String),
    /// Do not use a model or provider.
    Avoid(Veto),
    /// Pretend on this side that a model or provider fails, in place of an earlier drill of that name.
    Drill(super::Drill),
    /// End the drill of this name, or all; what it did to health and circuits is forgotten.
    EndDrill(Option<String>),
    /// Undo a veto.
    Allow(String),
    /// Bring back the traffic that was moved away from a slow model.
    UndoShift(ModelName),
    /// Give a provider no new work, or give it work again.
    Drain {
        /// Its name.
        provider: String,
        /// On or off.
        on: bool,
        /// When it comes back by itself.
        until: Option<UnixMs>,
    },
    /// Take a provider's key from memory for this run (never written anywhere), or re-read keys.
    RecheckKeys,
    /// Close a model's circuit and probe it now with its free call.
    Probe(String),
    /// Replace the configuration.
    Reconfigure(Arc<Config>),
    /// Forget kept answers, in memory and in the shared tier; a notice says how many.
    Forget(super::Forget),
    /// Set a budget, or take it away, for this run.
    Budget {
        /// Whose; a conversation's is every conversation's.
        scope: BudgetScope,
        /// The budget.
        limit: Option<BudgetLimit>,
    },
    /// A conversation is on the screen now: what was spent in it, by others as well, is to be known.
    Opened(SessionId),
    /// A private chat was left: what the routing log says of it loses its words.
    LeavePrivate(SessionId),
    /// Dismiss the newest notice.
    DismissNotice,
}
