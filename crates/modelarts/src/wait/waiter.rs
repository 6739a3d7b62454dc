//! `Waiter`: the future of the result, and the stream of its events.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};

use super::policy::PollPolicy;
use super::poll::{PollEvent, PollFn};
use super::run::{PollSettings, Run};
use crate::error::{Error, Result};

/// Waits until a resource reaches a state.
///
/// It does nothing until it is polled as a future, or its [events](Waiter::events) are polled as a stream. It is a
/// `Future` that needs no pinning: it can be awaited, spawned, joined with others, and polled by `&mut` in a
/// `select!`.
///
/// A waiter fails at once, with the reason, when its target can no longer be reached. It tolerates reads that lag
/// behind, for up to [`PollPolicy::read_lag`], and transient failures: after as many failed polls in a row as the
/// [`RetryPolicy`](crate::RetryPolicy) allows attempts, it fails with the last error, and its [`retry_limit`](Error::retry_limit) is set.
/// Each poll is one request, or two if it also sends an action; polls honour `Retry-After`. The last poll is at the
/// deadline.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
/// use futures::TryStreamExt;
/// use std::time::Duration;
///
/// let waiter = client.notebooks().wait_until_running(id).deadline(Duration::from_secs(600));
/// let mut events = waiter.events();
/// while let Some(event) = events.try_next().await? {
///     println!("{:>4} s  {}", event.status.elapsed.as_secs(), event.status.status);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a waiter does nothing unless awaited"]
pub struct Waiter<T, O = T> {
    target: String,
    pub(super) settings: PollSettings,
    /// `None` once the waiter has been polled.
    pub(super) poll: Option<Box<dyn PollFn<T>>>,
    finish: fn(Option<T>) -> Option<O>,
    /// `None` until the waiter is polled.
    events: Option<PollEvents<T>>,
    last: Option<PollEvent<T>>,
}

/// None of its fields is ever pinned.
impl<T, O> Unpin for Waiter<T, O> {}

impl<T, O> fmt::Debug for Waiter<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("target", &self.target)
            .field("policy", &self.settings.policy)
            .finish_non_exhaustive()
    }
}

impl<T, O> Waiter<T, O> {
    /// Waits until `poll` reports that it is done; `finish` makes the result from the last poll.
    pub(crate) fn new(
        target: String,
        settings: PollSettings,
        poll: impl PollFn<T> + 'static,
        finish: fn(Option<T>) -> Option<O>,
    ) -> Self {
        Self {
            target,
            settings,
            poll: Some(Box::new(poll)),
            finish,
            events: None,
            last: None,
        }
    }
}

impl<T: Send + 'static, O> Waiter<T, O> {
    /// Sets when and for how long to poll. It has an effect only if the waiter has not been polled yet.
    pub fn policy(mut self, policy: PollPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Sets the maximum time to wait. Like [`policy`](Waiter::policy), it must be called before the first poll.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.settings.policy = self.settings.policy.deadline(limit);
        self
    }

    /// Sets the delay between polls. Like [`policy`](Waiter::policy), it must be called before the first poll.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.settings.policy = self.settings.policy.interval(delay);
        self
    }

    /// Returns a stream with one item for every successful poll. The last item reports the target reached, or is an
    /// error.
    ///
    /// If the waiter has been polled before, the stream has the remaining events only.
    pub fn events(mut self) -> PollEvents<T> {
        self.begin();
        self.events.unwrap_or_else(PollEvents::ended)
    }

    fn begin(&mut self) {
        let Some(poll) = self.poll.take() else {
            return;
        };
        let run = Run::new(self.target.clone(), self.settings.clone(), poll);
        let items = stream::unfold(run, |mut run| async move {
            let item = run.next().await?;
            Some((item, run))
        });
        // A stream that has ended may be polled again.
        self.events = Some(PollEvents(items.fuse().boxed()));
    }
}

impl<T: Send + 'static, O> Future for Waiter<T, O> {
    type Output = Result<O>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<O>> {
        let this = self.get_mut();
        this.begin();
        if let Some(events) = &mut this.events {
            while let Some(event) = ready!(events.poll_next_unpin(context)) {
                match event {
                    Ok(event) => this.last = Some(event),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        let target = &this.target;
        let Some(last) = this.last.take() else {
            let message = format!("the waiter for {target} has already finished");
            return Poll::Ready(Err(Error::argument(message)));
        };
        let status = last.status;
        let result = (this.finish)(last.resource);
        Poll::Ready(
            result.ok_or_else(|| {
                Error::wait_failed(format!("waiting for {target}: it is gone"), status)
            }),
        )
    }
}

/// The stream of polls of a [`Waiter`], from [`events`](Waiter::events). It needs no pinning.
#[must_use = "a stream does nothing unless polled"]
pub struct PollEvents<T>(BoxStream<'static, Result<PollEvent<T>>>);

impl<T: Send + 'static> PollEvents<T> {
    fn ended() -> Self {
        Self(stream::empty().boxed())
    }
}

impl<T> fmt::Debug for PollEvents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollEvents").finish_non_exhaustive()
    }
}

impl<T> Stream for PollEvents<T> {
    type Item = Result<PollEvent<T>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_next_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::{TryStreamExt, future};

    use super::super::testing::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn events_end_with_the_target() {
        let clock = ManualClock::default();
        let items: Vec<_> = waiter(&clock, &["CREATING", "503", "RUNNING"])
            .events()
            .map_ok(|event| {
                let status = event.status;
                (status.status, status.elapsed.as_secs(), event.done)
            })
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            items,
            [("CREATING".into(), 10, false), ("RUNNING".into(), 30, true)]
        );
    }

    #[tokio::test]
    async fn a_waiter_is_polled_where_it_is() {
        let clock = ManualClock::default();
        let mut waiter = waiter(&clock, &["RUNNING"]);
        assert_eq!((&mut waiter).await.unwrap(), "RUNNING");
        assert!((&mut waiter).await.unwrap_err().is_usage());
        assert!(waiter.events().try_next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_waiter_survives_a_lost_race_and_goes_on() {
        let clock = ManualClock::default();
        let mut waiter = waiter(&clock, &["CREATING", "STARTING", "RUNNING"]);
        let timer = future::ready("timer");
        let first = tokio::select! {
            biased;
            timer = timer => timer,
            _ = &mut waiter => "waiter",
        };
        assert_eq!(first, "timer");
        let mut events = waiter.events();
        let mut seen = Vec::new();
        loop {
            tokio::select! {
                event = events.try_next() => match event.unwrap() {
                    Some(event) => seen.push(event.status.status),
                    None => break,
                },
            }
        }
        assert_eq!(seen, ["CREATING", "STARTING", "RUNNING"]);
    }

    #[tokio::test]
    async fn waiters_are_joined_and_spawned() {
        let clock = ManualClock::default();
        let names = [["CREATING", "RUNNING"], ["FROZEN", "FROZEN"]];
        let waiters = names.map(|script| waiter(&clock, &script));
        let results = future::join_all(waiters).await;
        assert!(results[0].is_ok() && results[1].is_err());
        let task = tokio::spawn(waiter(&clock, &["CREATING", "RUNNING"]));
        assert_eq!(task.await.unwrap().unwrap(), "RUNNING");
    }
}
