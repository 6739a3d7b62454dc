//! The source of time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A boxed future, as the traits of this crate return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The source of time for signatures, token lifetimes, retries, waiters and deadlines.
///
/// [`SystemClock`] is the default. Tests use a [`ManualClock`], or implement the trait.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the wall-clock time, for dates that leave the process.
    fn now(&self) -> Timestamp;

    /// Returns the time since some fixed moment. It never goes backwards.
    fn elapsed(&self) -> Duration;

    /// Completes once `duration` has passed on this clock. Used for the delays between attempts or polls.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Completes once `limit` has passed on this clock. Used as the timeout of work in progress.
    ///
    /// A clock that skips delays must not skip this one, since the work (an exchange over the network) takes real
    /// time.
    fn timer(&self, limit: Duration) -> BoxFuture<'static, ()> {
        self.sleep(limit)
    }
}

/// The clock of the machine. Its delays need a tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn instant() -> Instant {
        Instant::now()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let origin = *ORIGIN.get_or_init(Self::instant);
        Self::instant().saturating_duration_since(origin)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock for tests, which only advances when code sleeps on it or calls [`advance`](ManualClock::advance).
///
/// A sleep returns at once and advances the clock by its duration, so a test with twenty minutes of waiting takes
/// milliseconds. [Timers](Clock::timer), which limit work in progress, fire when the clock passes them.
/// Clones share their time.
///
/// ```
/// use modelarts::{Clock, ManualClock};
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() {
/// let clock = ManualClock::default();
/// clock.sleep(Duration::from_secs(600)).await;
/// assert_eq!(clock.elapsed(), Duration::from_secs(600));
/// assert_eq!(clock.sleeps(), [Duration::from_secs(600)]);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: Timestamp,
    state: Arc<Mutex<ManualState>>,
}

#[derive(Debug, Default)]
struct ManualState {
    elapsed: Duration,
    sleeps: Vec<Duration>,
    timers: Vec<Waker>,
}

impl ManualClock {
    /// Creates a clock whose wall-clock time begins at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self {
            start,
            state: Arc::default(),
        }
    }

    /// Advances the clock.
    pub fn advance(&self, duration: Duration) {
        let timers = {
            let mut state = self.state();
            state.elapsed = state.elapsed.saturating_add(duration);
            std::mem::take(&mut state.timers)
        };
        timers.into_iter().for_each(Waker::wake);
    }

    /// Returns the sleeps so far, in order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.state().sleeps.clone()
    }

    fn state(&self) -> MutexGuard<'_, ManualState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Begins at 2025-11-03 08:15:00 UTC.
    fn default() -> Self {
        Self::new(Timestamp::constant(1_762_157_700, 0))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        // Past the range of dates, the best value is its end.
        self.start
            .saturating_add(self.elapsed())
            .unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            clock.state().sleeps.push(duration);
            clock.advance(duration);
            // Let other tasks run, as they would during a real delay.
            yield_once().await;
        })
    }

    fn timer(&self, limit: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let due = clock.elapsed().saturating_add(limit);
        Box::pin(std::future::poll_fn(move |context| {
            let mut state = clock.state();
            if state.elapsed >= due {
                return Poll::Ready(());
            }
            state.timers.push(context.waker().clone());
            Poll::Pending
        }))
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context: &mut Context<'_>| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timer_fires_when_the_clock_passes_it() {
        let clock = ManualClock::default();
        let mut timer = clock.timer(Duration::from_secs(60));
        assert!(futures::poll!(&mut timer).is_pending());
        clock.sleep(Duration::from_secs(59)).await;
        assert!(futures::poll!(&mut timer).is_pending());
        clock.advance(Duration::from_secs(1));
        assert!(futures::poll!(&mut timer).is_ready());
        assert_eq!(clock.now().to_string(), "2025-11-03T08:16:00Z");
    }

    #[test]
    fn the_system_clock_does_not_go_back() {
        let earlier = SystemClock.elapsed();
        assert!(SystemClock.elapsed() >= earlier);
    }
}
