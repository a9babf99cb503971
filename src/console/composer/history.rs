//! Earlier prompts and the way back from them. Owns their order. Invariant: the draft that was
//! begun is never lost by walking through earlier ones; what was written in a private chat goes with it.

use super::Draft;

/// Prompts kept.
const KEPT: usize = 1_000;

/// Earlier prompts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Oldest first.
    entries: Vec<Draft>,
    walk: Walk,
    /// Those from here on were written in private.
    private_from: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Walk {
    #[default]
    No,
    At {
        /// Index of the entry shown.
        index: usize,
        /// The draft that was begun.
        begun: Draft,
    },
}

impl History {
    /// Keeps a draft; the same one twice in a row is kept once.
    pub fn push(&mut self, draft: Draft) {
        self.walk = Walk::No;
        if draft.text.trim().is_empty() || self.entries.last() == Some(&draft) {
            return;
        }
        if self.entries.len() == KEPT {
            self.entries.remove(0);
            self.private_from = self.private_from.map(|from| from.saturating_sub(1));
        }
        self.entries.push(draft);
    }

    /// What is kept from here on is forgotten at [`Self::end_private`].
    pub fn begin_private(&mut self) {
        self.private_from.get_or_insert(self.entries.len());
    }

    /// What was written in private goes: it would else be one key away from a chat that is not.
    pub fn end_private(&mut self) {
        if let Some(from) = self.private_from.take() {
            self.entries.truncate(from);
            self.walk = Walk::No;
        }
    }

    /// Prompts, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Draft> {
        self.entries.iter().rev()
    }

    /// Ends walking: the draft was sent or cleared.
    pub fn rest(&mut self) {
        self.walk = Walk::No;
    }

    /// The prompt before; `current` is what stands in the draft now.
    pub fn earlier(&mut self, current: Draft) -> Option<Draft> {
        let (index, begun) = match std::mem::take(&mut self.walk) {
            Walk::No => (self.entries.len().checked_sub(1)?, current),
            Walk::At { index: 0, begun } => {
                self.walk = Walk::At { index: 0, begun };
                return None;
            }
            Walk::At { index, begun } => (index - 1, begun),
        };
        let draft = self.entries.get(index).cloned();
        self.walk = Walk::At { index, begun };
        draft
    }

    /// The prompt after; past the newest comes the draft that was begun.
    pub fn later(&mut self) -> Option<Draft> {
        match std::mem::take(&mut self.walk) {
            Walk::No => None,
            Walk::At { index, begun } if index + 1 < self.entries.len() => {
                let draft = self.entries.get(index + 1).cloned();
                self.walk = Walk::At { index: index + 1, begun };
                draft
            }
            Walk::At { begun, .. } => Some(begun),
        }
    }
}
