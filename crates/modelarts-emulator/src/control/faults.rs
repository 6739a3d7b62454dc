//! Routes of the faults, in responses and in transitions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::error::{ControlError, Done, bad_request};
use super::extract::{Body, Segment};
use crate::app::App;
use crate::domain::TransitionFault;
use crate::faults::Fault;

#[utoipa::path(
    get, path = "/_emulator/faults/responses", operation_id = "listResponseFaults", tag = "Faults", summary = "List the response faults",
    responses((status = 200, description = "The active faults.", body = Vec<Fault>))
)]
pub(super) async fn list_response_faults(State(app): State<Arc<App>>) -> Json<Vec<Fault>> {
    Json(app.faults.list())
}

#[utoipa::path(
    post, path = "/_emulator/faults/responses", operation_id = "addResponseFault", tag = "Faults", summary = "Add a response fault",
    request_body = Fault,
    responses(
        (status = 201, description = "Added.", body = Fault),
        (status = 400, description = "The fault could never act as described, or there are too many.", body = ControlError)
    )
)]
pub(super) async fn add_response_fault(
    State(app): State<Arc<App>>,
    Body(fault): Body<Fault>,
) -> Result<(StatusCode, Json<Fault>), ControlError> {
    let added = app.faults.add(fault).map_err(bad_request)?;
    Ok((StatusCode::CREATED, Json(added)))
}

#[utoipa::path(
    delete, path = "/_emulator/faults/responses", operation_id = "clearResponseFaults", tag = "Faults", summary = "Remove all response faults",
    responses((status = 204, description = "Removed."))
)]
pub(super) async fn clear_response_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

#[utoipa::path(
    delete, path = "/_emulator/faults/responses/{id}", operation_id = "removeResponseFault", tag = "Faults", summary = "Remove a response fault",
    params(("id" = u64, Path, description = "Number of the fault.")),
    responses(
        (status = 204, description = "Removed."),
        (status = 404, description = "There is no fault with this number.", body = ControlError)
    )
)]
pub(super) async fn remove_response_fault(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
) -> Done {
    let removed = id.parse().is_ok_and(|id| app.faults.remove(id));
    if removed {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ControlError::new(
        StatusCode::NOT_FOUND,
        "there is no fault with this number",
    ))
}

#[utoipa::path(
    get, path = "/_emulator/faults/transitions", operation_id = "listTransitionFaults", tag = "Faults",
    summary = "List the transition faults",
    responses((status = 200, description = "The active transition faults.", body = Vec<TransitionFault>))
)]
pub(super) async fn list_transition_faults(
    State(app): State<Arc<App>>,
) -> Json<Vec<TransitionFault>> {
    Json(app.read(|state, _| state.transition_faults()))
}

#[utoipa::path(
    post, path = "/_emulator/faults/transitions", operation_id = "addTransitionFault", tag = "Faults",
    summary = "Add a transition fault",
    description = "The next creation, start, stop or other automatic transition ends in its failed status.",
    request_body = TransitionFault,
    responses(
        (status = 201, description = "Added.", body = TransitionFault),
        (status = 400, description = "The fault could never act as described, or there are too many.", body = ControlError)
    )
)]
pub(super) async fn add_transition_fault(
    State(app): State<Arc<App>>,
    Body(fault): Body<TransitionFault>,
) -> Result<(StatusCode, Json<TransitionFault>), ControlError> {
    let added = fault.clone();
    app.write(|state, _| state.add_transition_fault(added))
        .await?;
    Ok((StatusCode::CREATED, Json(fault)))
}

#[utoipa::path(
    delete, path = "/_emulator/faults/transitions", operation_id = "clearTransitionFaults", tag = "Faults",
    summary = "Remove all transition faults",
    responses((status = 204, description = "Removed."))
)]
pub(super) async fn clear_transition_faults(State(app): State<Arc<App>>) -> Done {
    app.write(|state, _| {
        state.clear_transition_faults();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
