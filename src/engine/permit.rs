//! Permits: every attempt holds one, and gives back what it reserved when it is settled or dropped.
//! The board is synchronous because a drop cannot await; the actor empties it whenever it wakes.
//! Bounded by the number of permits out.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::{AttemptId, ModelName};
use crate::route::Admission;

use super::purse::Reservation;

/// What a permit gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) model: ModelName,
    pub(super) admission: Admission,
    pub(super) begun: Begun,
}

/// Whether the attempt a permit was for has begun, and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It never began, or its end was told.
    No,
    /// It began and its task went away before telling how it ended.
    Unended,
}

/// Where dropped permits are noted until the actor folds them.
#[derive(Debug, Default)]
pub(super) struct Board {
    returned: Mutex<Vec<Returned>>,
    changed: Notify,
}

impl Board {
    /// What came back since the last time.
    pub(super) fn take(&self) -> Vec<Returned> {
        std::mem::take(&mut *self.returned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Resolves when something came back.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Leave to make one attempt. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    board: Arc<Board>,
    returned: Option<Returned>,
    /// The money held for it.
    money: Option<Reservation>,
}

impl Permit {
    pub(super) fn new(board: &Arc<Board>, model: &ModelName, admission: Admission) -> Self {
        let returned = Returned { model: model.clone(), admission, begun: Begun::No };
        Self { board: Arc::clone(board), returned: Some(returned), money: None }
    }

    /// The attempt is paid for with this.
    pub(super) fn paid_with(mut self, money: Reservation) -> Self {
        self.money = Some(money);
        self
    }

    /// The attempt it is for, where money is held for one.
    pub(super) fn attempt(&self) -> Option<AttemptId> {
        self.money.as_ref().map(Reservation::attempt)
    }

    /// The attempt has begun: if its task is dropped now, somebody must still count it as over.
    pub(super) fn began(&mut self) {
        if let Some(money) = &mut self.money {
            money.began();
        }
        self.set(Begun::Unended);
    }

    /// How the attempt ended has been told.
    pub(super) fn ended(&mut self) {
        self.set(Begun::No);
    }

    fn set(&mut self, begun: Begun) {
        if let Some(returned) = &mut self.returned {
            returned.begun = begun;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(returned) = self.returned.take() {
            self.board.returned.lock().unwrap_or_else(PoisonError::into_inner).push(returned);
            self.board.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_permit_comes_back_on_every_path() {
        let board = Arc::new(Board::default());
        let mut permit = Permit::new(&board, &"small".into(), Admission::Free);
        permit.began();
        let task = tokio::spawn(async move {
            let _held = permit;
            std::future::pending::<()>().await;
        });
        task.abort();
        let _ = task.await;
        board.changed().await;
        let returned =
            Returned { model: "small".into(), admission: Admission::Free, begun: Begun::Unended };
        assert_eq!(board.take(), vec![returned]);
        assert!(board.take().is_empty());
    }
}
