//! The automatic stop of a notebook, and starting a notebook with one.

use std::fmt;
use std::time::Duration;

use modelarts::AutoStop;
use modelarts::devenviron::enums::LeaseType;
use serde_json::{Value, json};

use crate::exchange::Request;
use crate::failure::Failure;
use crate::lifecycle::{Generation, Target};
use crate::output;
use crate::session::Session;
use crate::text;
use crate::waiting::Wait;

/// When a notebook is stopped automatically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Off,
    After(Duration),
    /// When it has not been used for this time.
    Idle(Duration),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::After(time) => f.write_str(&text::brief(*time)),
            Self::Idle(time) => write!(f, "idle {}", text::brief(*time)),
        }
    }
}

impl Stop {
    /// Returns the body of a request that sets it.
    pub(crate) fn body(self) -> Result<Value, Failure> {
        let (auto_stop, kind) = match self {
            Self::Off => (AutoStop::Off, LeaseType::Timing),
            Self::After(time) => (AutoStop::After(time), LeaseType::Timing),
            Self::Idle(time) => (AutoStop::After(time), LeaseType::Idle),
        };
        Ok(json!({"duration": auto_stop.as_millis()?, "type": kind.as_str()}))
    }
}

/// Sets the lease of a running notebook.
pub(crate) async fn renew(
    session: &Session,
    id: &str,
    stop: Stop,
) -> Result<Option<Value>, Failure> {
    let request = Request::of("renewLease")?.path("id", id).body(stop.body()?);
    session.send(request).await
}

/// Starts a notebook; returns its last known state.
///
/// A start does not accept an idle time: a start with a duration always makes the lease one of the type `timing`. So
/// an idle time is set once the notebook runs, which requires a wait.
pub(crate) async fn start(
    session: &Session,
    id: &str,
    name: &str,
    stop: Option<Stop>,
    wait: &Wait,
) -> Result<Value, Failure> {
    let mut request = Request::of("startNotebook")?.path("id", id);
    let at_once = stop.filter(|stop| !matches!(stop, Stop::Idle(_)));
    if let Some(stop) = at_once {
        let body = stop.body()?;
        let duration = body.get("duration").map(Value::to_string);
        request = request.query("duration", duration.unwrap_or_default());
    }
    let started = session.send(request).await?.unwrap_or_default();
    let idle = stop.filter(|stop| matches!(stop, Stop::Idle(_)));
    if idle.is_none() && !wait.wait {
        return Ok(started);
    }
    if !wait.wait {
        output::note("waiting until it is running, because an idle time can only be set then");
    }
    let running = Generation::Notebook
        .wait(
            session,
            id,
            &format!("notebook {name}"),
            Target::Running,
            wait.interval.interval,
        )
        .await?;
    if let Some(stop) = idle {
        renew(session, id, stop).await?;
    }
    Ok(running.unwrap_or(started))
}
