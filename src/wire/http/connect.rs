//! A limit on connecting (name, TCP, TLS) that each call sets for itself, while all share one pool.
//! The HTTP library knows only one limit per client; connecting runs within the task that asks, so the
//! call's own limit travels as a task-local value, and so does what the call needs to know of it: was a
//! connection made, or was a kept one used?

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

/// What a call went out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// Made for it, or nearly.
    New,
    /// Left over from a call before.
    Kept,
}

struct Connecting {
    limit: Duration,
    made: Cell<Connection>,
}

tokio::task_local! {
    static CALL: Connecting;
}

/// Runs `call` with this limit on any connecting it does, and tells what it went out on.
pub(super) async fn within<F: Future>(limit: Duration, call: F) -> (F::Output, Connection) {
    let connecting = Connecting { limit, made: Cell::new(Connection::Kept) };
    let call = async {
        let output = call.await;
        (output, CALL.with(|call| call.made.get()))
    };
    CALL.scope(connecting, call).await
}

/// Connecting took longer than the call allows.
#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
pub(super) struct TooSlow;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bounds a connector by the limit of the call that connects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound;

impl<S> Layer<S> for Bound {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded(inner)
    }
}

/// A connector under [`Bound`].
#[derive(Debug, Clone)]
pub(super) struct Bounded<S>(S);

impl<S, R> Service<R> for Bounded<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = self.0.call(target);
        let limit = CALL.try_with(|call| {
            call.made.set(Connection::New);
            call.limit
        });
        match limit {
            Ok(limit) => Box::pin(async move {
                match tokio::time::timeout(limit, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => Err(TooSlow.into()),
                }
            }),
            Err(_) => Box::pin(connecting),
        }
    }
}
