//! Routes of a single instance.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{ControlError, Done, bad_request};
use super::extract::{Body, Segment};
use crate::app::App;
use crate::domain::{InstanceStatus, LONGEST_REASON};

/// The status to put an instance into.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusChange {
    /// The status. A transient one ends after its usual duration.
    status: InstanceStatus,
    /// The reason of a failed status.
    fail_reason: Option<String>,
}

#[utoipa::path(
    put, path = "/_emulator/instances/{id}/status", operation_id = "setStatus", tag = "State",
    summary = "Put an instance into a status",
    params(("id" = String, Path, description = "ID of an instance of either generation.")),
    request_body = StatusChange,
    responses(
        (status = 204, description = "Done."),
        (status = 400, description = "There is no such status, or the reason is too long.", body = ControlError),
        (status = 404, description = "There is no instance with this ID.", body = ControlError)
    )
)]
pub(super) async fn set_status(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    Body(change): Body<StatusChange>,
) -> Done {
    let reason = change.fail_reason.as_deref().unwrap_or_default();
    if reason.len() > LONGEST_REASON {
        return Err(bad_request(format!(
            "fail_reason must have at most {LONGEST_REASON} bytes"
        )));
    }
    let known = app
        .write(|state, now| Ok(state.force_status(&id, change.status, change.fail_reason, now)))
        .await?;
    found(known)
}

#[utoipa::path(
    post, path = "/_emulator/instances/{id}/activity", operation_id = "noteActivity", tag = "State",
    summary = "Mark an instance as in use",
    description = "Restarts the countdown of a lease of the type `idle`.",
    params(("id" = String, Path, description = "ID of an instance of either generation.")),
    responses(
        (status = 204, description = "Done."),
        (status = 404, description = "There is no instance with this ID.", body = ControlError)
    )
)]
pub(super) async fn note_activity(State(app): State<Arc<App>>, Segment(id): Segment) -> Done {
    let known = app
        .write(|state, now| Ok(state.note_activity(&id, now)))
        .await?;
    found(known)
}

fn found(known: bool) -> Done {
    if known {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ControlError::new(
        StatusCode::NOT_FOUND,
        "there is no instance with this id",
    ))
}
