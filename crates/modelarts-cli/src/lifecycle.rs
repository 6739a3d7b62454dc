//! Starting, stopping, restarting, deleting and waiting: the same for both generations.

use std::time::Duration;

use clap::ValueEnum;
use modelarts::PollPolicy;
use modelarts::devenviron::types::DevEnvInstanceAction;
use serde_json::{Value, json};

use crate::exchange::Request;
use crate::failure::Failure;
use crate::noun::{INSTANCE, NOTEBOOK, Noun};
use crate::session::Session;
use crate::waiting::follow;

/// The two generations of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    Notebook,
    Instance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Stop,
    Delete,
}

/// A state to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    Running,
    Stopped,
    Deleted,
}

impl Action {
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn target(self) -> Target {
        match self {
            Self::Stop => Target::Stopped,
            Self::Delete => Target::Deleted,
        }
    }
}

impl Target {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }
}

impl Generation {
    pub(crate) fn noun(self) -> &'static Noun {
        match self {
            Self::Notebook => &NOTEBOOK,
            Self::Instance => &INSTANCE,
        }
    }

    /// Returns the request that starts an action.
    pub(crate) fn request(self, action: Action, id: &str) -> Result<Request, Failure> {
        Ok(match (self, action) {
            (Self::Notebook, Action::Stop) => Request::of("stopNotebook")?.path("id", id),
            (Self::Notebook, Action::Delete) => Request::of("deleteNotebook")?.path("id", id),
            (Self::Instance, Action::Stop) => manage(id, DevEnvInstanceAction::Stop)?,
            (Self::Instance, Action::Delete) => {
                Request::of("deleteDevEnvInstance")?.path("instance_id", id)
            }
        })
    }

    /// Waits for a state; returns the resource, if it still exists.
    pub(crate) async fn wait(
        self,
        session: &Session,
        id: &str,
        what: &str,
        target: Target,
        interval: Option<Duration>,
    ) -> Result<Option<Value>, Failure> {
        let policy = session.policy(interval);
        let (notebooks, instances) = (session.client.notebooks(), session.client.instances());
        let reached = match (self, target) {
            (Self::Notebook, Target::Running) => {
                value(follow(notebooks.wait_until_running(id).policy(policy), what).await?)
            }
            (Self::Notebook, Target::Stopped) => {
                value(follow(notebooks.wait_until_stopped(id).policy(policy), what).await?)
            }
            (Self::Notebook, Target::Deleted) => {
                value(follow(notebooks.wait_until_deleted(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Running) => {
                value(follow(instances.wait_until_running(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Stopped) => {
                value(follow(instances.wait_until_stopped(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Deleted) => {
                value(follow(instances.wait_until_deleted(id).policy(policy), what).await?)
            }
        };
        Ok(reached)
    }

    /// Brings a resource from any state to the target, sending the necessary actions.
    pub(crate) async fn ensure(
        self,
        session: &Session,
        id: &str,
        what: &str,
        target: Target,
        policy: PollPolicy,
    ) -> Result<Option<Value>, Failure> {
        let (notebooks, instances) = (session.client.notebooks(), session.client.instances());
        Ok(match (self, target) {
            (Self::Notebook, Target::Running) => {
                value(follow(notebooks.ensure_running(id).policy(policy), what).await?)
            }
            (Self::Notebook, Target::Stopped) => {
                value(follow(notebooks.ensure_stopped(id).policy(policy), what).await?)
            }
            (Self::Notebook, Target::Deleted) => {
                value(follow(notebooks.ensure_deleted(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Running) => {
                value(follow(instances.ensure_running(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Stopped) => {
                value(follow(instances.ensure_stopped(id).policy(policy), what).await?)
            }
            (Self::Instance, Target::Deleted) => {
                value(follow(instances.ensure_deleted(id).policy(policy), what).await?)
            }
        })
    }
}

/// Returns the request for an action of the old generation.
pub(crate) fn manage(id: &str, action: DevEnvInstanceAction) -> Result<Request, Failure> {
    let request = Request::of("manageDevEnvInstance")?.path("instance_id", id);
    Ok(request.body(json!({ "action": action.to_string() })))
}

fn value<T: serde::Serialize>(resource: Option<T>) -> Option<Value> {
    serde_json::to_value(resource?).ok()
}
