//! The client without async, for scripts and for threads that may block, such as those of
//! [`spawn_blocking`](tokio::task::spawn_blocking). In async code its calls return an error, since they would block
//! the runtime.
//!
//! ```no_run
//! use modelarts::blocking::ModelArts;
//!
//! let client = ModelArts::from_env()?;
//! for notebook in client.run(|client| client.notebooks().list().collect())? {
//!     println!("{}", notebook.name.unwrap_or_default());
//! }
//! let id = "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55";
//! client.run(|client| async move { client.notebooks().start(id).await })?;
//! client.run(|client| client.notebooks().wait_until_running(id))?;
//! # Ok::<(), modelarts::Error>(())
//! ```

use std::fmt;
use std::future::IntoFuture;
use std::iter::FusedIterator;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{Stream, StreamExt};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::coop::poll_proceed;

use crate::builder::ModelArtsBuilder;
use crate::error::{Error, Result};

/// A client whose calls block until they are done. Connections are only driven while a call runs.
#[derive(Clone)]
pub struct ModelArts {
    runtime: Arc<Background>,
    client: crate::ModelArts,
}

impl fmt::Debug for ModelArts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

impl ModelArts {
    /// Builds a client from a [`ModelArtsBuilder`].
    ///
    /// # Errors
    /// The errors of [`ModelArtsBuilder::build`], and an error if called from async code, which it would block.
    pub fn build(builder: ModelArtsBuilder) -> Result<Self> {
        outside_async()?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Error::configuration(format!("the runtime cannot be created: {error}"))
            })?;
        let runtime = Background(Some(runtime));
        let client = block_on(&runtime, builder.build())?;
        Ok(Self {
            runtime: Arc::new(runtime),
            client,
        })
    }

    /// Builds a client with the credentials from the environment or from `clouds.yaml`.
    ///
    /// # Errors
    /// The errors of [`build`](ModelArts::build).
    pub fn from_env() -> Result<Self> {
        Self::build(crate::ModelArts::builder())
    }

    /// Runs a call or a waiter to completion.
    ///
    /// # Errors
    /// The errors of the call, and an error if called from async code.
    pub fn run<A, T>(&self, call: impl FnOnce(crate::ModelArts) -> A) -> Result<T>
    where
        A: IntoFuture<Output = Result<T>>,
    {
        block_on(&self.runtime, call(self.client.clone()).into_future())
    }

    /// Iterates over a list, fetching it page by page, or over the [events](crate::Waiter::events) of a waiter.
    ///
    /// To stop or delete what you list, use `collect()` instead, which reads the whole list first.
    pub fn iter<S, T>(&self, list: impl FnOnce(crate::ModelArts) -> S) -> Iter<T>
    where
        S: Stream<Item = Result<T>> + Send + 'static,
    {
        Iter {
            runtime: self.runtime.clone(),
            stream: Some(Box::pin(list(self.client.clone()))),
        }
    }
}

/// An iterator over the items of a list. Each page is fetched when it is needed.
pub struct Iter<T> {
    runtime: Arc<Background>,
    stream: Option<Pin<Box<dyn Stream<Item = Result<T>> + Send>>>,
}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<T> Iterator for Iter<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let stream = self.stream.as_mut()?;
        let next = block_on(&self.runtime, async { Ok(stream.next().await) });
        // A stream that has ended, or that cannot be polled from here, is not polled again.
        if !matches!(next, Ok(Some(_))) {
            self.stream = None;
        }
        next.unwrap_or_else(|error| Some(Err(error)))
    }
}

impl<T> FusedIterator for Iter<T> {}

/// A runtime that may be dropped anywhere. A bare tokio runtime panics if it is dropped in async code.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn block_on<T>(runtime: &Background, future: impl Future<Output = Result<T>>) -> Result<T> {
    outside_async()?;
    match &runtime.0 {
        Some(runtime) => runtime.block_on(future),
        None => Err(Error::configuration("the runtime has been shut down")),
    }
}

/// Returns an error in async code, where tokio would panic.
///
/// A thread for blocking work ([`spawn_blocking`](tokio::task::spawn_blocking)) also has a runtime handle, but it may
/// block. Only async code has a budget of steps after which it must yield, so the budget distinguishes the two.
fn outside_async() -> Result<()> {
    let is_async = Handle::try_current().is_ok() && has_budget();
    match is_async {
        false => Ok(()),
        true => Err(Error::argument(
            "a blocking client cannot be used in async code: use `modelarts::ModelArts` there, or `spawn_blocking`",
        )),
    }
}

/// Finds out whether the caller runs within a budget by using it up. The budget is restored before this returns.
fn has_budget() -> bool {
    /// More steps than any budget has.
    const STEPS: usize = 256;
    let mut context = Context::from_waker(Waker::noop());
    let mut steps = Vec::new();
    let is_over = (0..STEPS).any(|_| match poll_proceed(&mut context) {
        Poll::Ready(step) => {
            steps.push(step);
            false
        }
        Poll::Pending => true,
    });
    // The first step holds the whole budget, so it must be restored last.
    while steps.pop().is_some() {}
    is_over
}
