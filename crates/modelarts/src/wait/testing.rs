//! A waiter whose polls follow a script, for the tests of this folder.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use super::policy::PollPolicy;
use super::poll::{PollContext, PollFn, Polled, Verdict};
use super::run::PollSettings;
use super::waiter::Waiter;
use crate::clock::{BoxFuture, ManualClock};
use crate::error::{Error, Result};
use crate::retry::RetryPolicy;

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

pub(super) fn refusal(status: u16, after: &str) -> Error {
    Error::from_status(
        http::StatusCode::from_u16(status).unwrap(),
        http::HeaderMap::new(),
        bytes::Bytes::new(),
        after.parse().ok().map(Duration::from_secs),
        &[],
    )
}

pub(super) fn waiter(clock: &ManualClock, script: &[&'static str]) -> Waiter<String> {
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

pub(super) fn seconds(clock: &ManualClock) -> Vec<u64> {
    clock.sleeps().iter().map(Duration::as_secs).collect()
}
