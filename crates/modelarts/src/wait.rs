//! Waiting until a resource has reached a state.
//!
//! A [`Waiter`] gives the result when awaited, and the progress as a stream ([`events`](Waiter::events)).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};

use crate::clock::{BoxFuture, Clock};
use crate::error::redact::one_line;
use crate::error::{Error, Result};
use crate::poll_status::{PollStatus, Progress};
use crate::retry::{RetryLimit, RetryPolicy};

/// Configures when and for how long a waiter polls.
///
/// ```
/// use modelarts::PollPolicy;
/// use std::time::Duration;
///
/// let eager = PollPolicy::default()
///     .initial_delay(Duration::ZERO)
///     .interval(Duration::from_secs(2));
/// # let _ = eager;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PollPolicy {
    initial_delay: Duration,
    interval: Duration,
    deadline: Duration,
    read_lag: Duration,
}

impl Default for PollPolicy {
    /// Polls first after 10 seconds, then every 10 seconds, for up to 20 minutes; reads may lag behind for 30 seconds.
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(10),
            interval: Duration::from_secs(10),
            deadline: Duration::from_secs(20 * 60),
            read_lag: Duration::from_secs(30),
        }
    }
}

impl PollPolicy {
    /// Sets the delay before the first poll.
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets the delay between polls, at least one second.
    ///
    /// After a failed poll it is longer if the [`RetryPolicy`] or the service's `Retry-After` requires it.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.interval = delay.max(Duration::from_secs(1));
        self
    }

    /// Sets the maximum time to wait.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Sets how long reads may lag behind, counted from the start of waiting or from when an action of the same client
    /// was accepted.
    ///
    /// Within this time, a waiter continues to poll when it sees a state that may be outdated: "not found" after a
    /// creation, STOPPED after a start, or the failure that a start or a deletion is meant to fix. After this time, it
    /// fails with the state it sees. Within this time, a read that shows the state from before an action of this client
    /// does not reach the target either: RUNNING after a restart, a stop or a deletion, or STOPPED after a start, until
    /// a read shows another state. Zero disables this.
    pub fn read_lag(mut self, limit: Duration) -> Self {
        self.read_lag = limit;
        self
    }

    /// Whether a read may still lag behind an event of this age.
    pub(crate) fn may_lag(&self, age: Duration) -> bool {
        age <= self.read_lag && !self.read_lag.is_zero()
    }
}

/// An item of [`Waiter::events`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollEvent<T> {
    /// What the poll showed.
    pub status: PollStatus,
    /// The resource itself; `None` if it does not exist.
    pub resource: Option<T>,
    /// Whether the target has been reached; if so, this is the last item.
    pub done: bool,
}

/// What a poll means for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Done,
    /// The target cannot be reached from here; holds the reason.
    Fail(&'static str),
}

/// One poll of a resource.
#[derive(Debug)]
pub(crate) struct Polled<T> {
    pub(crate) resource: Option<T>,
    pub(crate) status: String,
    pub(crate) fail_reason: Option<String>,
    pub(crate) progress: Option<Progress>,
    pub(crate) missing: Option<String>,
    pub(crate) verdict: Verdict,
    /// Why the service refused the action that followed the read.
    pub(crate) refusal: Option<Error>,
}

impl<T> Polled<T> {
    /// A resource of which only the status matters.
    pub(crate) fn new(resource: T, status: String, verdict: Verdict) -> Self {
        Self {
            resource: Some(resource),
            status,
            fail_reason: None,
            progress: None,
            missing: None,
            verdict,
            refusal: None,
        }
    }

    /// The resource does not exist: no longer, if that is the target, otherwise not yet.
    pub(crate) fn absent(verdict: Verdict) -> Self {
        let status = match verdict {
            Verdict::Done => "gone",
            _ => "not found",
        };
        Self {
            resource: None,
            status: status.to_owned(),
            fail_reason: None,
            progress: None,
            missing: None,
            verdict,
            refusal: None,
        }
    }
}

/// When a poll takes place.
#[derive(Clone, Debug)]
pub(crate) struct PollContext {
    /// The current time and the time when the waiting began, as given by `Clock::elapsed`.
    pub(crate) now: Duration,
    pub(crate) began: Duration,
    /// The time until the deadline.
    pub(crate) left: Duration,
    pub(crate) policy: PollPolicy,
}

impl PollContext {
    /// Whether a read may still show the state from before the waiting began.
    pub(crate) fn may_lag(&self) -> bool {
        self.may_lag_behind(self.began)
    }

    /// Whether a read may still show the state from before this time.
    pub(crate) fn may_lag_behind(&self, time: Duration) -> bool {
        self.policy.may_lag(self.now.saturating_sub(time))
    }
}

/// How a resource is polled.
pub(crate) trait PollFn<T>: Send {
    /// Polls once. An error means that the poll failed; the waiter decides whether that ends the waiting.
    fn poll(&mut self, context: PollContext) -> BoxFuture<'_, Result<Polled<T>>>;
}

/// The settings that a waiter takes over from its client.
#[derive(Clone)]
pub(crate) struct PollSettings {
    pub(crate) policy: PollPolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    /// Random fractions, for the jitter of delays.
    pub(crate) fraction: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// The address of the service.
    pub(crate) address: Option<reqwest::Url>,
}

/// Waits until a resource reaches a state.
///
/// It does nothing until it is polled as a future, or its [events](Waiter::events) are polled as a stream. It is a
/// `Future` that needs no pinning: it can be awaited, spawned, joined with others, and polled by `&mut` in a `select!`.
///
/// A waiter fails at once, with the reason, when its target can no longer be reached. It tolerates reads that lag
/// behind, for up to [`PollPolicy::read_lag`], and transient failures: after as many failed polls in a row as the
/// [`RetryPolicy`] allows attempts, it fails with the last error, and its [`retry_limit`](Error::retry_limit) is set.
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
    settings: PollSettings,
    /// `None` once the waiter has been polled.
    poll: Option<Box<dyn PollFn<T>>>,
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
        let run = Run {
            began: self.settings.clock.elapsed(),
            target: self.target.clone(),
            settings: self.settings.clone(),
            poll,
            polls: 0,
            failures: 0,
            delay: None,
            status: None,
            cause: None,
            ended: false,
        };
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

/// The state of a waiter that has been polled.
struct Run<T> {
    target: String,
    settings: PollSettings,
    poll: Box<dyn PollFn<T>>,
    began: Duration,
    polls: u32,
    /// Failed polls in a row.
    failures: u32,
    /// The delay before the next poll, if it is not the interval.
    delay: Option<Duration>,
    status: Option<PollStatus>,
    /// The error of the last poll, if it failed, or the last refusal of an action.
    cause: Option<Error>,
    ended: bool,
}

impl<T> Run<T> {
    async fn next(&mut self) -> Option<Result<PollEvent<T>>> {
        while !self.ended {
            let polled_before = self.polls > 0 || self.failures > 0;
            let delay = match polled_before {
                true => self.delay.take().unwrap_or(self.settings.policy.interval),
                false => self.settings.policy.initial_delay,
            };
            let left = self.left();
            // Poll one last time at the deadline, unless it has passed, or `Retry-After` reaches beyond it.
            if polled_before && (left.is_zero() || self.cause_lasts(left)) {
                self.sleep(left).await;
                let error = self.out_of_time();
                return Some(self.end(error));
            }
            self.sleep(delay.min(left)).await;
            match self.poll.poll(self.context()).await {
                Ok(polled) => return Some(self.judge(polled)),
                Err(error) => {
                    if let Err(error) = self.fail(error) {
                        return Some(self.end(error));
                    }
                }
            }
        }
        None
    }

    fn context(&self) -> PollContext {
        PollContext {
            now: self.settings.clock.elapsed(),
            began: self.began,
            left: self.left(),
            policy: self.settings.policy.clone(),
        }
    }

    async fn sleep(&mut self, delay: Duration) {
        if !delay.is_zero() {
            self.settings.clock.sleep(delay).await;
        }
    }

    /// Whether the service asked to wait for longer than the time that is left.
    fn cause_lasts(&self, left: Duration) -> bool {
        let after = self.cause.as_ref().and_then(Error::retry_after);
        self.failures > 0 && after.is_some_and(|after| after > left)
    }

    /// Handles a failed poll: sets the delay before the next one, or returns the error that ends the waiting.
    fn fail(&mut self, error: Error) -> Result<()> {
        self.failures += 1;
        let error = error.after_attempts(self.failures);
        if !error.is_retryable() {
            return Err(error.while_waiting(&self.target, self.status.clone()));
        }
        if !self.settings.retry.allows(self.failures) {
            let error = error.ended_by(Some(RetryLimit::Attempts));
            return Err(error.while_waiting(&self.target, self.status.clone()));
        }
        let (failure, after) = (error.failure_kind(), error.retry_after());
        let fraction = (self.settings.fraction)();
        let delay = self
            .settings
            .retry
            .delay(failure, self.failures, after, fraction);
        self.delay = Some(delay.max(self.settings.policy.interval));
        tracing::debug!(%error, target = self.target, "polling again after an error");
        self.cause = Some(error);
        Ok(())
    }

    fn judge(&mut self, polled: Polled<T>) -> Result<PollEvent<T>> {
        self.polls += 1;
        self.failures = 0;
        self.cause = polled.refusal;
        let status = PollStatus {
            status: polled.status,
            fail_reason: polled.fail_reason,
            progress: polled.progress,
            missing: polled.missing,
            elapsed: self.elapsed(),
            polls: self.polls,
        };
        self.status = Some(status.clone());
        self.ended = polled.verdict != Verdict::Wait;
        if let Verdict::Fail(why) = polled.verdict {
            return Err(self.failed(why, status));
        }
        Ok(PollEvent {
            status,
            resource: polled.resource,
            done: polled.verdict == Verdict::Done,
        })
    }

    fn end(&mut self, error: Error) -> Result<PollEvent<T>> {
        self.ended = true;
        Err(error)
    }

    fn failed(&self, why: &str, status: PollStatus) -> Error {
        let reason = match &status.fail_reason {
            Some(reason) => format!(": {}", one_line(reason)),
            None => String::new(),
        };
        let shown = one_line(&status.status);
        let message = format!("waiting for {}: {shown} {why}{reason}", self.target);
        self.located(Error::wait_failed(message, status))
    }

    /// Adds the host, unless there is a cause, which names its own host.
    fn located(&self, error: Error) -> Error {
        match &self.settings.address {
            Some(address) if error.cause().is_none() => error.at_host(address),
            _ => error,
        }
    }

    fn out_of_time(&mut self) -> Error {
        let cause = self.cause.take();
        let mut message = format!(
            "waiting for {}: not reached in {:?}",
            self.target, self.settings.policy.deadline
        );
        match &self.status {
            Some(status) => {
                let polls = status.polls;
                message += &format!("; the last status was {}", one_line(&status.status));
                if let Some(missing) = &status.missing {
                    message += &format!(", but {}", one_line(missing));
                }
                message += &format!(" (successful polls: {polls})");
            }
            None => message += "; no poll succeeded",
        }
        if let Some(cause) = &cause {
            let what = match self.failures {
                0 => "the last refusal",
                _ => "the last poll",
            };
            message += &format!("; {what}: {cause}");
        }
        self.located(Error::wait_timed_out(message, self.status.clone(), cause))
    }

    fn elapsed(&self) -> Duration {
        let now = self.settings.clock.elapsed();
        now.saturating_sub(self.began)
    }

    fn left(&self) -> Duration {
        self.settings.policy.deadline.saturating_sub(self.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::ready;

    use futures::{TryStreamExt, future};

    use super::*;
    use crate::clock::ManualClock;

    /// Returns these in order, and repeats the last one for every further poll.
    struct Script {
        statuses: VecDeque<&'static str>,
        polls: u32,
    }

    impl PollFn<String> for Script {
        fn poll(&mut self, _: PollContext) -> BoxFuture<'_, Result<Polled<String>>> {
            self.polls += 1;
            assert!(self.polls < 1000, "polled without end");
            let status = match self.statuses.len() {
                1 => self.statuses[0],
                _ => self.statuses.pop_front().unwrap(),
            };
            Box::pin(ready(polled(status)))
        }
    }

    fn polled(status: &str) -> Result<Polled<String>> {
        let verdict = match status {
            "RUNNING" => Verdict::Done,
            "FROZEN" => Verdict::Fail("does not become RUNNING by itself"),
            "503" => return Err(refusal(503, "0")),
            "429" => return Err(refusal(429, "45")),
            _ => Verdict::Wait,
        };
        Ok(Polled {
            fail_reason: (status == "FROZEN").then(|| "in\narrears".to_owned()),
            ..Polled::new(status.to_owned(), status.to_owned(), verdict)
        })
    }

    fn refusal(status: u16, after: &str) -> Error {
        Error::from_status(
            http::StatusCode::from_u16(status).unwrap(),
            http::HeaderMap::new(),
            bytes::Bytes::new(),
            after.parse().ok().map(Duration::from_secs),
            &[],
        )
    }

    fn waiter(clock: &ManualClock, script: &[&'static str]) -> Waiter<String> {
        let settings = PollSettings {
            policy: PollPolicy::default(),
            retry: RetryPolicy::default(),
            clock: Arc::new(clock.clone()),
            fraction: Arc::new(|| 0.5),
            address: None,
        };
        let script = Script {
            statuses: script.iter().copied().collect(),
            polls: 0,
        };
        Waiter::new("n1 to be RUNNING".into(), settings, script, |last| last)
    }

    fn seconds(clock: &ManualClock) -> Vec<u64> {
        clock.sleeps().iter().map(Duration::as_secs).collect()
    }

    #[tokio::test]
    async fn polls_every_ten_seconds_after_the_first_ten() {
        let clock = ManualClock::default();
        let last = waiter(&clock, &["CREATING", "CREATING", "RUNNING"]).await;
        assert_eq!(last.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [10, 10, 10]);
    }

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
    async fn an_unreachable_target_fails_at_once_with_the_reason() {
        let clock = ManualClock::default();
        let error = waiter(&clock, &["CREATING", "FROZEN"]).await.unwrap_err();
        assert!(error.is_wait_failed() && !error.is_wait_timeout());
        assert_eq!(
            error.to_string(),
            "waiting for n1 to be RUNNING: FROZEN does not become RUNNING by itself: in arrears"
        );
        let status = error.last_poll().unwrap();
        assert_eq!(status.polls, 2);
        assert_eq!(status.fail_reason.as_deref(), Some("in\narrears"));
    }

    #[tokio::test]
    async fn the_last_poll_is_at_the_deadline() {
        let clock = ManualClock::default();
        let error = waiter(&clock, &["CREATING"])
            .deadline(Duration::from_secs(25))
            .await
            .unwrap_err();
        assert!(error.is_wait_timeout() && error.is_timeout());
        assert!(!error.is_retryable() && error.cause().is_none());
        assert_eq!(seconds(&clock), [10, 10, 5]);
        assert_eq!(error.last_poll().unwrap().status, "CREATING");
    }

    #[tokio::test]
    async fn a_hint_sets_the_interval_and_failures_are_tolerated_only_so_often() {
        let clock = ManualClock::default();
        let running = waiter(&clock, &["429", "503", "503", "RUNNING"]).await;
        assert_eq!(running.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [10, 45, 10, 10]);
        let error = waiter(&clock, &["CREATING", "503"]).await.unwrap_err();
        assert_eq!(error.status(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(error.attempts(), 5);
        assert_eq!(error.retry_limit(), Some(RetryLimit::Attempts));
        assert!(
            error.to_string().ends_with(
                "; while waiting for n1 to be RUNNING, which was CREATING before \
                 (after 5 attempts, no more are allowed)"
            ),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_timeout_is_what_kept_it_from_its_target() {
        let clock = ManualClock::default();
        let error = waiter(&clock, &["CREATING", "CREATING", "429"])
            .deadline(Duration::from_secs(60))
            .await
            .unwrap_err();
        assert!(error.is_wait_timeout() && error.is_throttled() && error.is_retryable());
        assert_eq!(error.status(), Some(http::StatusCode::TOO_MANY_REQUESTS));
        let shown = error.to_string();
        assert!(
            shown.contains("the last status was CREATING (successful polls: 2)"),
            "{shown}"
        );
        assert!(
            shown.contains("the last poll: HTTP 429 Too Many Requests"),
            "{shown}"
        );
        // `Retry-After` reaches beyond the deadline.
        assert_eq!(seconds(&clock), [10, 10, 10, 30]);
        let never = waiter(&clock, &["429"])
            .deadline(Duration::from_secs(20))
            .await;
        assert!(never.unwrap_err().to_string().contains("no poll succeeded"));
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

    #[tokio::test]
    async fn the_delays_are_those_of_the_policy() {
        let clock = ManualClock::default();
        let policy = PollPolicy::default()
            .initial_delay(Duration::from_secs(1))
            .interval(Duration::from_secs(5));
        let script = ["CREATING", "CREATING", "RUNNING"];
        let last = waiter(&clock, &script).policy(policy).await;
        assert_eq!(last.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [1, 5, 5]);
        let clock = ManualClock::default();
        let interval = Duration::from_millis(1);
        waiter(&clock, &script).interval(interval).await.unwrap();
        assert_eq!(seconds(&clock), [10, 1, 1], "a second at least");
    }

    #[tokio::test]
    async fn without_any_time_there_is_one_poll() {
        let clock = ManualClock::default();
        let reached = waiter(&clock, &["RUNNING"]).deadline(Duration::ZERO).await;
        assert_eq!(reached.unwrap(), "RUNNING");
        let late = waiter(&clock, &["CREATING"]).deadline(Duration::ZERO).await;
        assert_eq!(late.unwrap_err().last_poll().unwrap().polls, 1);
        assert_eq!(seconds(&clock), [0; 0]);
    }

    #[tokio::test]
    async fn the_service_may_ask_to_stay_away_until_the_deadline_but_not_until_later() {
        // After the first 10 seconds, the service asks to wait for 45.
        for (deadline, polls, reached) in [(55, 2, true), (54, 1, false)] {
            let clock = ManualClock::default();
            let result = waiter(&clock, &["429", "RUNNING"])
                .deadline(Duration::from_secs(deadline))
                .await;
            assert_eq!(result.is_ok(), reached, "{deadline}");
            assert_eq!(clock.elapsed().as_secs(), deadline);
            if let Err(error) = result {
                assert_eq!(error.cause().unwrap().attempts(), polls);
            }
        }
    }

    /// A poll whose action the service always refuses.
    struct Refused(u32);

    impl PollFn<String> for Refused {
        fn poll(&mut self, _: PollContext) -> BoxFuture<'_, Result<Polled<String>>> {
            self.0 += 1;
            assert!(self.0 < 1000, "polled without end");
            let polled = Polled::new(String::new(), "STOPPED".to_owned(), Verdict::Wait);
            Box::pin(ready(Ok(Polled {
                refusal: Some(refusal(409, "3600")),
                ..polled
            })))
        }
    }

    #[tokio::test]
    async fn a_refused_action_delays_no_poll_and_is_the_cause_of_a_timeout() {
        let clock = ManualClock::default();
        let mut waiter = waiter(&clock, &["unused"]).deadline(Duration::from_secs(25));
        waiter.poll = Some(Box::new(Refused(0)));
        let error = waiter.await.unwrap_err();
        assert_eq!(seconds(&clock), [10, 10, 5]);
        assert!(error.is_conflict() && error.is_wait_timeout());
        assert!(
            error.to_string().contains("; the last refusal: HTTP 409"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_host_is_named_once() {
        let clock = ManualClock::default();
        let error = async |script: &[&'static str]| {
            let mut waiter = waiter(&clock, script).deadline(Duration::from_secs(20));
            waiter.settings.address = reqwest::Url::parse("https://notebooks.test/").ok();
            waiter.await.unwrap_err()
        };
        let failed = error(&["FROZEN"]).await.to_string();
        assert!(failed.ends_with("(host notebooks.test)"), "{failed}");
        let late = error(&["CREATING"]).await.to_string();
        assert!(late.ends_with("(host notebooks.test)"), "{late}");
        // A cause names the host that its request was sent to, which may be another one.
        let late = error(&["429"]).await;
        assert_eq!(late.host(), None);
        assert!(!late.to_string().contains("notebooks.test"), "{late}");
    }
}
