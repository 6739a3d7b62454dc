//! Routes of the available capacity.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::error::{ControlError, ControlResult};
use super::extract::Body;
use crate::app::App;
use crate::error::ApiError;
use crate::fixtures::Capacity;

#[utoipa::path(
    get, path = "/_emulator/capacity", operation_id = "showCapacity", tag = "Capacity",
    summary = "Get the available capacity",
    responses((status = 200, description = "The capacity.", body = Capacity))
)]
pub(super) async fn show_capacity(State(app): State<Arc<App>>) -> Json<Capacity> {
    Json(app.read(|state, _| state.core.capacity.clone()))
}

#[utoipa::path(
    put, path = "/_emulator/capacity", operation_id = "setCapacity", tag = "Capacity",
    summary = "Set the available capacity",
    request_body = Capacity,
    responses(
        (status = 200, description = "The new capacity.", body = Capacity),
        (status = 400, description = "The capacity names a flavor that does not exist.", body = ControlError)
    )
)]
pub(super) async fn set_capacity(
    State(app): State<Arc<App>>,
    Body(capacity): Body<Capacity>,
) -> ControlResult<Capacity> {
    let set = capacity.clone();
    app.write(|state, now| {
        state
            .check_capacity(&set)
            .map_err(|error| ApiError::value("flavors", error))?;
        state.set_capacity(set, now);
        Ok(())
    })
    .await?;
    Ok(Json(capacity))
}
