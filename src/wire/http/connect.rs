//! A limit on connecting (name, TCP, TLS) that each call sets for itself, while all share one pool.
//! The HTTP library knows only one limit per client; connecting runs within the task that asks, so the
//! call's own limit travels as a task-local value.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static LIMIT: Duration;
}

/// Runs `call` with this limit on any connecting it does.
pub(super) async fn within<F: Future>(limit: Duration, call: F) -> F::Output {
    LIMIT.scope(limit, call).await
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
        match LIMIT.try_with(|limit| *limit) {
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
