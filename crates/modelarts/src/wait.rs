//! Waiting until a resource has reached a state.
//!
//! One [`Waiter`] serves both who wants the result (`.await` it) and who wants to see the progress
//! ([`observations`](Waiter::observations)).

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};

use crate::clock::{BoxFuture, Clock};
use crate::error::{Error, Result, one_line};

/// When and how long a waiter looks.
///
/// ```
/// use modelarts::Pace;
/// use std::time::Duration;
///
/// let eager = Pace::default().first(Duration::ZERO).interval(Duration::from_secs(2));
/// # let _ = eager;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Pace {
    first: Duration,
    interval: Duration,
    deadline: Duration,
    tolerated: u32,
}

impl Default for Pace {
    /// A first look after 10 seconds, then one every 10 seconds, for up to 20 minutes; five transient errors
    /// in a row are tolerated.
    ///
    /// Right after an operation was accepted a read can still show the state from before it, hence the first pause.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            interval: Duration::from_secs(10),
            deadline: Duration::from_secs(20 * 60),
            tolerated: 5,
        }
    }
}

impl Pace {
    /// The pause before the first look.
    pub fn first(mut self, pause: Duration) -> Self {
        self.first = pause;
        self
    }

    /// The pause between looks; a second at least.
    pub fn interval(mut self, pause: Duration) -> Self {
        self.interval = pause.max(Duration::from_secs(1));
        self
    }

    /// The longest that waiting may take.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// How many looks in a row may fail for passing reasons, each of them after its own retries.
    pub fn tolerated_errors(mut self, count: u32) -> Self {
        self.tolerated = count;
        self
    }
}

/// What a look showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The status in the service's spelling; `gone` when the resource does not exist any more.
    pub status: String,
    /// Why it failed, in the service's words.
    pub fail_reason: Option<String>,
    /// How far a start or a creation has come.
    pub progress: Option<Progress>,
    /// The time since waiting began.
    pub elapsed: Duration,
    /// The number of looks, this one included.
    pub looks: u32,
}

/// Steps of a start or a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Steps that are done.
    pub done: u32,
    /// All steps.
    pub of: u32,
    /// The step under way, in the service's words.
    pub step: Option<String>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.done, self.of)?;
        match &self.step {
            Some(step) => write!(f, ", {step}"),
            None => Ok(()),
        }
    }
}

/// An item of [`Waiter::observations`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation<T> {
    /// What matters of it.
    pub observed: Observed,
    /// The resource itself; `None` when it does not exist any more.
    pub resource: Option<T>,
    /// Whether the goal is reached, which makes this the last item.
    pub done: bool,
}

/// What a look means for the goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Done,
    /// The goal cannot be reached from here, and why.
    Fail(&'static str),
}

/// One look at a resource.
#[derive(Debug)]
pub(crate) struct Look<T> {
    pub(crate) resource: Option<T>,
    pub(crate) status: String,
    pub(crate) fail_reason: Option<String>,
    pub(crate) progress: Option<Progress>,
    pub(crate) verdict: Verdict,
    /// What the service had against an action that followed the look.
    pub(crate) refusal: Option<Error>,
}

impl<T> Look<T> {
    /// The resource does not exist any more.
    pub(crate) fn gone(verdict: Verdict) -> Self {
        Self {
            resource: None,
            status: "gone".to_owned(),
            fail_reason: None,
            progress: None,
            verdict,
            refusal: None,
        }
    }
}

/// Looks, within the time that is given.
type Looker<T> = Arc<dyn Fn(Duration) -> BoxFuture<'static, Result<Look<T>>> + Send + Sync>;

/// Waits for a state. Nothing happens until it is awaited or its observations are.
///
/// A waiter fails at once when the goal cannot be reached any more, with the reason; it tolerates
/// transient errors, and keeps to `Retry-After`. Its last look is at the deadline.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
/// use futures::TryStreamExt;
/// use std::time::Duration;
///
/// let waiter = client.notebooks().wait_until_running(id).deadline(Duration::from_secs(600));
/// let mut observations = std::pin::pin!(waiter.observations());
/// while let Some(seen) = observations.try_next().await? {
///     println!("{:>4} s  {}", seen.observed.elapsed.as_secs(), seen.observed.status);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a waiter does nothing unless awaited"]
pub struct Waiter<T, O = T> {
    goal: String,
    clock: Arc<dyn Clock>,
    pace: Pace,
    look: Looker<T>,
    finish: fn(Option<T>) -> Option<O>,
}

impl<T, O> fmt::Debug for Waiter<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("goal", &self.goal)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl<T> Waiter<T> {
    /// Waits for a state of something that exists.
    pub(crate) fn new(goal: String, clock: Arc<dyn Clock>, pace: Pace, look: Looker<T>) -> Self {
        Self {
            goal,
            clock,
            pace,
            look,
            finish: std::convert::identity,
        }
    }
}

impl<T> Waiter<T, ()> {
    /// Waits for the end of something.
    pub(crate) fn until_gone(
        goal: String,
        clock: Arc<dyn Clock>,
        pace: Pace,
        look: Looker<T>,
    ) -> Self {
        Self {
            goal,
            clock,
            pace,
            look,
            finish: |_| Some(()),
        }
    }
}

impl<T: Send + 'static, O: 'static> Waiter<T, O> {
    /// Changes when and how long to look.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Changes the longest that waiting may take.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.pace = self.pace.deadline(limit);
        self
    }

    /// Changes the pause between looks.
    pub fn interval(mut self, pause: Duration) -> Self {
        self.pace = self.pace.interval(pause);
        self
    }

    /// Every look as an item. The last one is the goal reached, or an error.
    pub fn observations(self) -> impl Stream<Item = Result<Observation<T>>> + Send {
        let items = stream::unfold(self.begin(), |mut run| async move {
            let item = run.next().await?;
            Some((item, run))
        });
        // Whoever asks once more is told again that it is over.
        items.fuse()
    }

    /// Looks until the goal is reached.
    async fn run(self) -> Result<O> {
        let finish = self.finish;
        let goal = self.goal.clone();
        let mut items = std::pin::pin!(self.observations());
        let mut last = None;
        while let Some(item) = items.next().await {
            last = Some(item?);
        }
        let missing = || Error::argument(format!("waiting for {goal} ended without a result"));
        let last = last.ok_or_else(missing)?;
        let observed = last.observed;
        finish(last.resource)
            .ok_or_else(|| Error::wait_failed(format!("waiting for {goal}: it is gone"), observed))
    }

    fn begin(self) -> Run<T> {
        Run {
            began: self.clock.elapsed(),
            goal: self.goal,
            clock: self.clock,
            pace: self.pace,
            look: self.look,
            looks: 0,
            errors: 0,
            hint: Duration::ZERO,
            observed: None,
            last_error: None,
            ended: false,
        }
    }
}

impl<T: Send + 'static, O: Send + 'static> IntoFuture for Waiter<T, O> {
    type Output = Result<O>;
    type IntoFuture = BoxFuture<'static, Result<O>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A waiter on its way.
struct Run<T> {
    goal: String,
    clock: Arc<dyn Clock>,
    pace: Pace,
    look: Looker<T>,
    began: Duration,
    looks: u32,
    /// Failed looks in a row.
    errors: u32,
    /// How long the service asked to wait.
    hint: Duration,
    observed: Option<Observed>,
    last_error: Option<Error>,
    ended: bool,
}

impl<T> Run<T> {
    async fn next(&mut self) -> Option<Result<Observation<T>>> {
        while !self.ended {
            let looked_before = self.looks > 0 || self.errors > 0;
            if looked_before && self.left().is_zero() {
                self.ended = true;
                return Some(Err(self.out_of_time()));
            }
            self.pause(looked_before).await;
            match (self.look)(self.left()).await {
                Ok(look) => return Some(self.judge(look)),
                Err(error) if error.is_retryable() && self.errors < self.pace.tolerated => {
                    self.errors += 1;
                    self.hint = error.retry_after().unwrap_or_default();
                    tracing::debug!(%error, goal = self.goal, "looking again in spite of an error");
                    self.last_error = Some(error);
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn pause(&mut self, looked_before: bool) {
        let pause = match looked_before {
            true => self.pace.interval.max(std::mem::take(&mut self.hint)),
            false => self.pace.first,
        };
        let pause = pause.min(self.left());
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
    }

    fn judge(&mut self, look: Look<T>) -> Result<Observation<T>> {
        self.looks += 1;
        self.errors = 0;
        self.last_error = look.refusal;
        let observed = Observed {
            status: look.status,
            fail_reason: look.fail_reason,
            progress: look.progress,
            elapsed: self.elapsed(),
            looks: self.looks,
        };
        self.observed = Some(observed.clone());
        self.ended = look.verdict != Verdict::Wait;
        if let Verdict::Fail(why) = look.verdict {
            return Err(self.failed(why, observed));
        }
        Ok(Observation {
            observed,
            resource: look.resource,
            done: look.verdict == Verdict::Done,
        })
    }

    fn failed(&self, why: &str, observed: Observed) -> Error {
        let reason = match &observed.fail_reason {
            Some(reason) => format!(": {}", one_line(reason)),
            None => String::new(),
        };
        let status = one_line(&observed.status);
        let message = format!("waiting for {}: {status} {why}{reason}", self.goal);
        Error::wait_failed(message, observed)
    }

    fn out_of_time(&mut self) -> Error {
        let seen = match &self.observed {
            Some(observed) => format!("the last status was {}", one_line(&observed.status)),
            None => "no look succeeded".to_owned(),
        };
        let message = format!(
            "waiting for {}: not reached in {:?}; {seen}",
            self.goal, self.pace.deadline
        );
        Error::wait_timed_out(message, self.observed.clone(), self.last_error.take())
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.began)
    }

    fn left(&self) -> Duration {
        self.pace.deadline.saturating_sub(self.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::clock::ManualClock;

    fn look(status: &str) -> Result<Look<String>> {
        let verdict = match status {
            "RUNNING" => Verdict::Done,
            "FROZEN" => Verdict::Fail("does not become RUNNING by itself"),
            "503" => return Err(unavailable("0")),
            "429" => return Err(unavailable("45")),
            _ => Verdict::Wait,
        };
        Ok(Look {
            resource: Some(status.to_owned()),
            status: status.to_owned(),
            fail_reason: (status == "FROZEN").then(|| "in\narrears".to_owned()),
            progress: None,
            verdict,
            refusal: None,
        })
    }

    fn unavailable(after: &str) -> Error {
        Error::status_answer(
            http::StatusCode::SERVICE_UNAVAILABLE,
            http::HeaderMap::new(),
            bytes::Bytes::new(),
            after.parse().ok().map(Duration::from_secs),
            &[],
        )
    }

    /// Sees these in order, the last one for ever.
    fn waiter(clock: &ManualClock, script: &[&'static str]) -> Waiter<String> {
        let script: Mutex<VecDeque<&str>> = Mutex::new(script.iter().copied().collect());
        let looker: Looker<String> = Arc::new(move |_| {
            let mut script = script.lock().unwrap();
            let status = match script.len() {
                1 => script[0],
                _ => script.pop_front().unwrap(),
            };
            Box::pin(std::future::ready(look(status)))
        });
        let clock = Arc::new(clock.clone());
        Waiter::new("n1 to be RUNNING".into(), clock, Pace::default(), looker)
    }

    fn seconds(clock: &ManualClock) -> Vec<u64> {
        clock.sleeps().iter().map(Duration::as_secs).collect()
    }

    #[tokio::test]
    async fn looks_every_ten_seconds_after_the_first_ten() {
        let clock = ManualClock::default();
        let last = waiter(&clock, &["CREATING", "CREATING", "RUNNING"]).await;
        assert_eq!(last.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [10, 10, 10]);
    }

    #[tokio::test]
    async fn observations_end_with_the_goal() {
        let clock = ManualClock::default();
        let items: Vec<_> = waiter(&clock, &["CREATING", "503", "RUNNING"])
            .observations()
            .map(|item| {
                item.map(|seen| {
                    (
                        seen.observed.status,
                        seen.observed.elapsed.as_secs(),
                        seen.done,
                    )
                })
            })
            .collect()
            .await;
        let items: Result<Vec<_>> = items.into_iter().collect();
        assert_eq!(
            items.unwrap(),
            [("CREATING".into(), 10, false), ("RUNNING".into(), 30, true)]
        );
    }

    #[tokio::test]
    async fn an_unreachable_goal_fails_at_once_with_the_reason() {
        let clock = ManualClock::default();
        let error = waiter(&clock, &["CREATING", "FROZEN"]).await.unwrap_err();
        assert!(error.is_wait_failed() && !error.is_wait_timeout());
        assert_eq!(
            error.to_string(),
            "waiting for n1 to be RUNNING: FROZEN does not become RUNNING by itself: in arrears"
        );
        let observed = error.last_observation().unwrap();
        assert_eq!(observed.looks, 2);
        assert_eq!(observed.fail_reason.as_deref(), Some("in\narrears"));
    }

    #[tokio::test]
    async fn the_last_look_is_at_the_deadline() {
        let clock = ManualClock::default();
        let error = waiter(&clock, &["CREATING"])
            .deadline(Duration::from_secs(25))
            .await
            .unwrap_err();
        assert!(error.is_wait_timeout() && error.is_timeout());
        assert_eq!(seconds(&clock), [10, 10, 5]);
        assert_eq!(error.last_observation().unwrap().status, "CREATING");
    }

    #[tokio::test]
    async fn a_hint_sets_the_pace_and_errors_are_tolerated_only_so_long() {
        let clock = ManualClock::default();
        let running = waiter(&clock, &["429", "503", "503", "RUNNING"]).await;
        assert_eq!(running.unwrap(), "RUNNING");
        assert_eq!(seconds(&clock), [10, 45, 10, 10]);
        let error = waiter(&clock, &["503"]).await.unwrap_err();
        assert_eq!(error.status(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
    }
}
