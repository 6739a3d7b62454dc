//! Waiting until a resource has reached a state.
//!
//! One [`Waiter`] serves both who wants the result (`.await` it) and who wants to see the progress
//! ([`events`](Waiter::events)).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll as TaskPoll, ready};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};

use crate::clock::{BoxFuture, Clock};
use crate::error::{Error, Result, one_line};
use crate::poll_status::{PollStatus, Progress};
use crate::retry::{RetryLimit, RetryPolicy};

/// When and how long a waiter polls.
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
    settle: Duration,
}

impl Default for PollPolicy {
    /// A first poll after 10 seconds, then one every 10 seconds, for up to 20 minutes; reads may lag behind for 30 seconds.
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(10),
            interval: Duration::from_secs(10),
            deadline: Duration::from_secs(20 * 60),
            settle: Duration::from_secs(30),
        }
    }
}

impl PollPolicy {
    /// The delay before the first poll.
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// The delay between polls; a second at least. After a failed poll it is longer if the
    /// [`RetryPolicy`] or the service's `Retry-After` say so.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.interval = delay.max(Duration::from_secs(1));
        self
    }

    /// The longest that waiting may take.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// How long reads may lag behind, counted from when the waiting began or the waiter's last action was accepted.
    ///
    /// Until then a waiter takes for a read that lags, and waits on: "not found" while it waits for something to run, to
    /// stop, to become active or to be mounted; STOPPED while it waits for a start; the failure from before a start or a
    /// deletion. Afterwards it fails with what it sees. Nor does it take the target for reached by a read that shows what
    /// was before an action of the same client: RUNNING after a restart, a stop or a deletion, STOPPED after a start,
    /// until it shows something else. Zero switches it off.
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// Whether a read may lag behind what happened so long ago.
    pub(crate) fn covers(&self, age: Duration) -> bool {
        age <= self.settle && !self.settle.is_zero()
    }
}

/// An item of [`Waiter::events`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollEvent<T> {
    /// What matters of the resource.
    pub status: PollStatus,
    /// The resource itself; `None` when it does not exist.
    pub resource: Option<T>,
    /// Whether the target is reached, which makes this the last item.
    pub done: bool,
}

/// What a poll means for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Done,
    /// The target cannot be reached from here, and why.
    Fail(&'static str),
    /// As [`Fail`](Self::Fail), unless the read lags behind.
    Suspect(&'static str, Lag),
}

/// How long a read can be one that lags behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// Until it must have settled.
    Settle,
    /// Until then, but not after something newer was seen.
    UntilNewer,
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
    /// What the service had against an action that followed the read.
    pub(crate) refusal: Option<Error>,
}

impl<T> Polled<T> {
    /// The resource does not exist: any more, if that is the target, or else not yet.
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

/// Polls once, within the time that is given.
pub(crate) type PollFn<T> =
    Arc<dyn Fn(Duration) -> BoxFuture<'static, Result<Polled<T>>> + Send + Sync>;

/// What a waiter takes over from its client.
#[derive(Clone)]
pub(crate) struct PollSettings {
    pub(crate) policy: PollPolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    /// Random fractions, for the jitter of delays.
    pub(crate) fraction: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Of the service.
    pub(crate) address: Option<reqwest::Url>,
}

/// Waits for a state. Nothing happens until it is awaited or its [events](Waiter::events) are.
///
/// A waiter fails at once when its target cannot be reached any more, with the reason. It tolerates reads that lag behind
/// for as long as [`PollPolicy::settle`] says, and failures that pass: after as many failed polls in a row as the
/// [`RetryPolicy`] allows attempts it fails with the last error, whose
/// [`retry_limit`](Error::retry_limit) says so. Each poll is one request, or two with an action; it keeps to `Retry-After`.
/// Its last poll is at the deadline.
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
    /// Whether "not found" may be a read that lags behind.
    tolerates_absence: bool,
    poll: PollFn<T>,
    finish: fn(Option<T>) -> Option<O>,
    /// Once it was polled.
    events: Option<PollEvents<T>>,
    last: Option<PollEvent<T>>,
}

/// Nothing in it is ever pinned.
impl<T, O> Unpin for Waiter<T, O> {}

impl<T, O> fmt::Debug for Waiter<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("target", &self.target)
            .field("policy", &self.settings.policy)
            .finish_non_exhaustive()
    }
}

impl<T> Waiter<T> {
    /// Waits for a state of something that exists.
    pub(crate) fn new(target: String, settings: PollSettings, poll: PollFn<T>) -> Self {
        Self {
            target,
            settings,
            tolerates_absence: true,
            poll,
            finish: std::convert::identity,
            events: None,
            last: None,
        }
    }

    /// Fails at once with "not found", which `poll` has judged already.
    pub(crate) fn demanding(mut self) -> Self {
        self.tolerates_absence = false;
        self
    }
}

impl<T> Waiter<T, ()> {
    /// Waits for the end of something.
    pub(crate) fn until_gone(target: String, settings: PollSettings, poll: PollFn<T>) -> Self {
        Self {
            target,
            settings,
            tolerates_absence: false,
            poll,
            finish: |_| Some(()),
            events: None,
            last: None,
        }
    }
}

impl<T: Send + 'static, O> Waiter<T, O> {
    /// Changes when and how long to poll.
    pub fn policy(mut self, policy: PollPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Changes the longest that waiting may take.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.settings.policy = self.settings.policy.deadline(limit);
        self
    }

    /// Changes the delay between polls.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.settings.policy = self.settings.policy.interval(delay);
        self
    }

    /// Every poll that succeeds as an item. The last one is the target reached, or an error.
    pub fn events(self) -> PollEvents<T> {
        self.begin()
    }

    fn begin(&self) -> PollEvents<T> {
        let run = Run {
            began: self.settings.clock.elapsed(),
            target: self.target.clone(),
            settings: self.settings.clone(),
            tolerates_absence: self.tolerates_absence,
            poll: self.poll.clone(),
            polls: 0,
            failures: 0,
            delay: None,
            is_newer: false,
            status: None,
            cause: None,
            ended: false,
        };
        let items = stream::unfold(run, |mut run| async move {
            let item = run.next().await?;
            Some((item, run))
        });
        // Whoever asks once more is told again that it is over.
        PollEvents(items.fuse().boxed())
    }
}

impl<T: Send + 'static, O> Future for Waiter<T, O> {
    type Output = Result<O>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> TaskPoll<Result<O>> {
        let this = self.get_mut();
        if this.events.is_none() {
            this.events = Some(this.begin());
        }
        let Some(events) = &mut this.events else {
            return TaskPoll::Pending;
        };
        while let Some(event) = ready!(events.poll_next_unpin(context)) {
            match event {
                Ok(event) => this.last = Some(event),
                Err(error) => return TaskPoll::Ready(Err(error)),
            }
        }
        let target = &this.target;
        let Some(last) = this.last.take() else {
            let message = format!("waiting for {target} has ended before");
            return TaskPoll::Ready(Err(Error::argument(message)));
        };
        let status = last.status;
        TaskPoll::Ready(
            (this.finish)(last.resource).ok_or_else(|| {
                Error::wait_failed(format!("waiting for {target}: it is gone"), status)
            }),
        )
    }
}

/// The polls of a [`Waiter`], from [`events`](Waiter::events).
#[must_use = "a stream does nothing unless polled"]
pub struct PollEvents<T>(BoxStream<'static, Result<PollEvent<T>>>);

impl<T> fmt::Debug for PollEvents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollEvents").finish_non_exhaustive()
    }
}

impl<T> Stream for PollEvents<T> {
    type Item = Result<PollEvent<T>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> TaskPoll<Option<Self::Item>> {
        self.get_mut().0.poll_next_unpin(context)
    }
}

/// A waiter on its way.
struct Run<T> {
    target: String,
    settings: PollSettings,
    tolerates_absence: bool,
    poll: PollFn<T>,
    began: Duration,
    polls: u32,
    /// Failed polls in a row.
    failures: u32,
    /// Before the next poll, if it is not the interval.
    delay: Option<Duration>,
    /// Whether something newer was seen than the state from before.
    is_newer: bool,
    status: Option<PollStatus>,
    /// The last poll, if it failed, or the last refusal.
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
            // A last poll at the deadline, unless it is already over, or the service asked to stay away until later.
            if polled_before && (left.is_zero() || self.cause_lasts(left)) {
                self.sleep(left).await;
                let error = self.out_of_time();
                return Some(self.end(error));
            }
            self.sleep(delay.min(left)).await;
            match (self.poll)(self.left()).await {
                Ok(polled) => return Some(self.judge(polled)),
                Err(error) if self.is_lagging(&error) => {
                    return Some(self.judge(Polled::absent(Verdict::Wait)));
                }
                Err(error) => {
                    if let Err(error) = self.fail(error) {
                        return Some(self.end(error));
                    }
                }
            }
        }
        None
    }

    async fn sleep(&self, delay: Duration) {
        if !delay.is_zero() {
            self.settings.clock.sleep(delay).await;
        }
    }

    fn is_lagging(&self, error: &Error) -> bool {
        self.tolerates_absence
            && error.is_not_found()
            && self.settings.policy.covers(self.elapsed())
    }

    /// Whether the service asked to wait for longer than what is left.
    fn cause_lasts(&self, left: Duration) -> bool {
        let after = self.cause.as_ref().and_then(Error::retry_after);
        self.failures > 0 && after.is_some_and(|after| after > left)
    }

    /// A poll failed: sets the delay before the next one, or returns what ends the waiting.
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
        tracing::debug!(%error, target = self.target, "polling again in spite of an error");
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
        let may_lag = self.settings.policy.covers(self.elapsed());
        let verdict = match polled.verdict {
            Verdict::Suspect(_, Lag::Settle) if may_lag => Verdict::Wait,
            Verdict::Suspect(_, Lag::UntilNewer) if may_lag && !self.is_newer => Verdict::Wait,
            Verdict::Suspect(why, _) => Verdict::Fail(why),
            verdict => {
                self.is_newer |= polled.resource.is_some();
                verdict
            }
        };
        self.ended = verdict != Verdict::Wait;
        if let Verdict::Fail(why) = verdict {
            return Err(self.failed(why, status));
        }
        Ok(PollEvent {
            status,
            resource: polled.resource,
            done: verdict == Verdict::Done,
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

    /// A cause names its host itself.
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
    use std::sync::Mutex;

    use futures::TryStreamExt;

    use super::*;
    use crate::clock::ManualClock;

    fn polled(status: &str) -> Result<Polled<String>> {
        let verdict = match status {
            "RUNNING" => Verdict::Done,
            "FROZEN" => Verdict::Fail("does not become RUNNING by itself"),
            "STOPPED" => Verdict::Suspect("does not change by itself", Lag::Settle),
            "START_FAILED" => Verdict::Suspect("ends it", Lag::UntilNewer),
            "503" => return Err(refusal(503, "0", "")),
            "429" => return Err(refusal(429, "45", "")),
            "404" => {
                return Err(refusal(400, "", r#"{"error_code": "ModelArts.6309"}"#));
            }
            _ => Verdict::Wait,
        };
        Ok(Polled {
            resource: Some(status.to_owned()),
            status: status.to_owned(),
            fail_reason: (status == "FROZEN").then(|| "in\narrears".to_owned()),
            progress: None,
            missing: None,
            verdict,
            refusal: None,
        })
    }

    fn refusal(status: u16, after: &str, body: &'static str) -> Error {
        Error::status_answer(
            http::StatusCode::from_u16(status).unwrap(),
            http::HeaderMap::new(),
            bytes::Bytes::from_static(body.as_bytes()),
            after.parse().ok().map(Duration::from_secs),
            &[],
        )
    }

    /// Sees these in order, the last one for ever.
    fn waiter(clock: &ManualClock, script: &[&'static str]) -> Waiter<String> {
        let script: Mutex<VecDeque<&str>> = Mutex::new(script.iter().copied().collect());
        let poll: PollFn<String> = Arc::new(move |_| {
            let mut script = script.lock().unwrap();
            let status = match script.len() {
                1 => script[0],
                _ => script.pop_front().unwrap(),
            };
            Box::pin(std::future::ready(polled(status)))
        });
        let settings = PollSettings {
            policy: PollPolicy::default(),
            retry: RetryPolicy::default(),
            clock: Arc::new(clock.clone()),
            fraction: Arc::new(|| 0.5),
            address: None,
        };
        Waiter::new("n1 to be RUNNING".into(), settings, poll)
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
    async fn reads_that_lag_behind_are_waited_out_and_no_longer() {
        for script in [
            ["404", "404", "CREATING", "RUNNING"],
            ["STARTING", "404", "STOPPED", "RUNNING"],
            ["STOPPED", "STOPPED", "STOPPED", "RUNNING"],
            ["START_FAILED", "START_FAILED", "STARTING", "RUNNING"],
        ] {
            let last = waiter(&ManualClock::default(), &script).await;
            assert_eq!(last.unwrap(), "RUNNING", "{script:?}");
        }
        for (script, last) in [("404", 40), ("STOPPED", 40), ("START_FAILED", 40)] {
            let clock = ManualClock::default();
            let error = waiter(&clock, &[script]).await.unwrap_err();
            assert!(error.is_not_found() || error.is_wait_failed(), "{error}");
            assert_eq!(clock.elapsed().as_secs(), last, "{script}");
        }
        let clock = ManualClock::default();
        let error = waiter(&clock, &["STARTING", "START_FAILED"]).await;
        assert!(error.unwrap_err().is_wait_failed());
        assert_eq!(clock.elapsed().as_secs(), 20, "it is newer than the start");
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
    async fn a_hint_sets_the_pace_and_failures_are_tolerated_only_so_often() {
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
        let told = error.to_string();
        assert!(
            told.contains("the last status was CREATING (successful polls: 2)"),
            "{told}"
        );
        assert!(
            told.contains("the last poll: HTTP 429 Too Many Requests"),
            "{told}"
        );
        // The service asked to stay away until later than that.
        assert_eq!(seconds(&clock), [10, 10, 10, 30]);
        let never = waiter(&clock, &["429"])
            .deadline(Duration::from_secs(20))
            .await;
        assert!(never.unwrap_err().to_string().contains("no poll succeeded"));
    }

    #[tokio::test]
    async fn a_waiter_is_a_future_that_can_be_polled_where_it_is() {
        let clock = ManualClock::default();
        let mut waiter = waiter(&clock, &["RUNNING"]);
        assert_eq!((&mut waiter).await.unwrap(), "RUNNING");
        assert!((&mut waiter).await.unwrap_err().is_usage());
    }
}
