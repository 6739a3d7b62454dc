//! Routes of the state as a whole: health, reset, fixtures and snapshots.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ControlError, ControlResult, Done};
use super::extract::Body;
use crate::app::App;
use crate::domain::Snapshot;
use crate::error::ApiError;
use crate::fixtures::Fixtures;

/// The health of the emulator, and the number of its resources.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    pub(crate) status: String,
    /// The version of the emulator.
    pub(crate) version: String,
    /// The number of instances, of both generations.
    pub(crate) instances: usize,
    /// The number of images, including the built-in ones.
    pub(crate) images: usize,
}

#[utoipa::path(
    get, path = "/_emulator/health", operation_id = "health", tag = "Emulator", summary = "Check that the emulator is running",
    responses((status = 200, description = "The emulator is running.", body = Health))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Json<Health> {
    let (instances, images) = app.read(|state, _| state.size());
    Json(Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instances,
        images,
    })
}

#[utoipa::path(
    post, path = "/_emulator/reset", operation_id = "reset", tag = "State", summary = "Reset the state",
    description = "Restores the state at the start; with a state file, the state at its first start. Accounts, tokens and the time are kept. Faults and log are cleared.",
    responses(
        (status = 204, description = "The state is reset."),
        (status = 409, description = "The state file is too old to contain its initial state.", body = ControlError)
    )
)]
pub(super) async fn reset(State(app): State<Arc<App>>) -> Done {
    app.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/_emulator/fixtures", operation_id = "addFixtures", tag = "State", summary = "Add fixtures",
    request_body = Fixtures,
    responses(
        (status = 200, description = "Added.", body = Health),
        (status = 400, description = "The fixtures contradict each other or the present state.", body = ControlError)
    )
)]
pub(super) async fn add_fixtures(
    State(app): State<Arc<App>>,
    Body(fixtures): Body<Fixtures>,
) -> ControlResult<Health> {
    app.write(|state, now| {
        state
            .add_fixtures(fixtures, now)
            .map_err(|error| ApiError::value("fixtures", error))
    })
    .await?;
    Ok(health(State(app)).await)
}

#[utoipa::path(
    get, path = "/_emulator/snapshot", operation_id = "takeSnapshot", tag = "State", summary = "Take a snapshot",
    responses(
        (status = 200, description = "The whole state.", body = Snapshot),
        (status = 500, description = "The state cannot be serialized.", body = ControlError)
    )
)]
pub(super) async fn snapshot(State(app): State<Arc<App>>) -> ControlResult<Snapshot> {
    app.read(|state, now| state.save(now))
        .map(Json)
        .map_err(|error| ControlError::new(StatusCode::INTERNAL_SERVER_ERROR, error))
}

#[utoipa::path(
    put, path = "/_emulator/snapshot", operation_id = "restoreSnapshot", tag = "State", summary = "Restore a snapshot",
    request_body = Snapshot,
    responses(
        (status = 204, description = "Restored."),
        (status = 400, description = "The body is not a valid snapshot.", body = ControlError)
    )
)]
pub(super) async fn restore(State(app): State<Arc<App>>, Body(snapshot): Body<Snapshot>) -> Done {
    app.restore(snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}
