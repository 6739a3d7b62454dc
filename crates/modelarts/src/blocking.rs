//! The same client without async, for scripts, and for threads that may block, as those of
//! [`spawn_blocking`](tokio::task::spawn_blocking). In async code it is refused with an error, since it would block it.
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

/// A client whose calls return when they are done. Connections live while a call runs.
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
    /// Builds what a [`ModelArtsBuilder`] describes.
    ///
    /// # Errors
    /// As [`ModelArtsBuilder::build`]; when called from async code, which it would block.
    pub fn build(builder: ModelArtsBuilder) -> Result<Self> {
        outside_async()?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Error::configuration(format!("there is no runtime to be had: {error}"))
            })?;
        let runtime = Background(Some(runtime));
        let client = block_on(&runtime, builder.build())?;
        Ok(Self {
            runtime: Arc::new(runtime),
            client,
        })
    }

    /// A client with the credentials of the environment or of `clouds.yaml`.
    ///
    /// # Errors
    /// As [`build`](ModelArts::build).
    pub fn from_env() -> Result<Self> {
        Self::build(crate::ModelArts::builder())
    }

    /// Runs a call or a waiter to its end.
    ///
    /// # Errors
    /// Those of the call; when called from async code.
    pub fn run<A, T>(&self, call: impl FnOnce(crate::ModelArts) -> A) -> Result<T>
    where
        A: IntoFuture<Output = Result<T>>,
    {
        block_on(&self.runtime, call(self.client.clone()).into_future())
    }

    /// Goes through a list as it comes, page by page, or through the [events](crate::Waiter::events) of a waiter.
    ///
    /// Who stops or deletes what is listed takes `collect()` instead, which reads all of it first.
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

/// Items of a list, each page fetched when it is needed.
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
        // What has ended, or cannot be asked from here, is not asked again.
        if !matches!(next, Ok(Some(_))) {
            self.stream = None;
        }
        next.unwrap_or_else(|error| Some(Err(error)))
    }
}

impl<T> FusedIterator for Iter<T> {}

/// A runtime that may be dropped anywhere; dropped as it is in async code, it would panic.
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

/// Tokio panics where this returns an error.
///
/// A thread for blocking work ([`spawn_blocking`](tokio::task::spawn_blocking)) knows its runtime, too, and may block: what
/// tells it from async code is that only the latter has a budget of steps until it must yield.
fn outside_async() -> Result<()> {
    let is_async = Handle::try_current().is_ok() && has_budget();
    match is_async {
        false => Ok(()),
        true => Err(Error::argument(
            "a blocking client cannot be used in async code: use `modelarts::ModelArts` there, or `spawn_blocking`",
        )),
    }
}

/// Whether the caller runs within a budget, by using it up. It is restored before this returns.
fn has_budget() -> bool {
    /// More than a budget ever holds.
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
    // The first step remembers the whole budget: it must be the last to be restored.
    while steps.pop().is_some() {}
    is_over
}
