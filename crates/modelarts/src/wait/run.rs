//! The polling loop of a waiter: delays, failed polls, the deadline, and the errors that end it.

use std::sync::Arc;
use std::time::Duration;

use super::policy::PollPolicy;
use super::poll::{PollContext, PollEvent, PollFn, Polled, Verdict};
use crate::clock::Clock;
use crate::error::redact::one_line;
use crate::error::{Error, Result};
use crate::poll_status::PollStatus;
use crate::retry::{RetryLimit, RetryPolicy};

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

/// The state of a waiter that has been polled.
pub(super) struct Run<T> {
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
    pub(super) fn new(target: String, settings: PollSettings, poll: Box<dyn PollFn<T>>) -> Self {
        Self {
            began: settings.clock.elapsed(),
            target,
            settings,
            poll,
            polls: 0,
            failures: 0,
            delay: None,
            status: None,
            cause: None,
            ended: false,
        }
    }

    /// Polls until there is something to report; `None` after the end.
    pub(super) async fn next(&mut self) -> Option<Result<PollEvent<T>>> {
        while !self.ended {
            let polled_before = self.polls > 0 || self.failures > 0;
            let delay = match polled_before {
                true => self.delay.take().unwrap_or(self.settings.policy.interval),
                false => self.settings.policy.initial_delay,
            };
            let left = self.left();
            // Poll one last time at the deadline, unless it has passed, or `Retry-After` reaches beyond it.
            if polled_before && (left.is_zero() || self.must_wait_longer(left)) {
                self.sleep(left).await;
                let error = self.timed_out();
                return Some(self.end(error));
            }
            self.sleep(delay.min(left)).await;
            match self.poll.poll(self.context()).await {
                Ok(polled) => return Some(self.succeed(polled)),
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
    fn must_wait_longer(&self, left: Duration) -> bool {
        let after = self.cause.as_ref().and_then(Error::retry_after);
        self.failures > 0 && after.is_some_and(|after| after > left)
    }

    /// Handles a failed poll: sets the delay before the next one, or returns the error that ends the waiting.
    fn fail(&mut self, error: Error) -> Result<()> {
        self.failures += 1;
        // A poll makes one attempt. Whether another poll follows is decided here.
        let error = error.after_attempts(self.failures).ended_by(None);
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

    /// Handles a successful poll.
    fn succeed(&mut self, polled: Polled<T>) -> Result<PollEvent<T>> {
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
            return Err(self.unreachable(why, status));
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

    /// Returns the error of a status from which the target cannot be reached.
    fn unreachable(&self, why: &str, status: PollStatus) -> Error {
        let reason = match &status.fail_reason {
            Some(reason) => format!(": {}", one_line(reason)),
            None => String::new(),
        };
        let shown = one_line(&status.status);
        let message = format!("waiting for {}: {shown} {why}{reason}", self.target);
        self.with_host(Error::wait_failed(message, status))
    }

    /// Adds the host, unless there is a cause, which names its own host.
    fn with_host(&self, error: Error) -> Error {
        match &self.settings.address {
            Some(address) if error.cause().is_none() => error.at_host(address),
            _ => error,
        }
    }

    /// Returns the error of the deadline, with the last status and the cause.
    fn timed_out(&mut self) -> Error {
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
        self.with_host(Error::wait_timed_out(message, self.status.clone(), cause))
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
    use std::future::ready;

    use super::super::testing::*;
    use super::*;
    use crate::clock::{BoxFuture, ManualClock};

    #[tokio::test]
    async fn polls_every_ten_seconds_after_the_first_ten() {
        let clock = ManualClock::default();
        let last = waiter(&clock, &["CREATING", "CREATING", "RUNNING"]).await;
        assert_eq!(last.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [10, 10, 10]);
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
                "; while waiting for n1 to be RUNNING, last status CREATING \
                 (after 5 attempts, the maximum)"
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
