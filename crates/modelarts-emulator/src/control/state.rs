//! The state as a whole.

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

/// The health of the emulator, and what it holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    pub(crate) status: String,
    /// The version of the emulator.
    pub(crate) version: String,
    /// How many instances there are, of both generations.
    pub(crate) instances: usize,
    /// How many images there are, the built-in ones included.
    pub(crate) images: usize,
}

#[utoipa::path(
    get, path = "/_emulator/health", operation_id = "health", tag = "Emulator", summary = "Check that the emulator runs",
    responses((status = 200, description = "It runs.", body = Health))
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
    description = "Everything that was created since is gone, with a state file since the file was made; accounts, tokens and the time stay. Faults and log are emptied.",
    responses(
        (status = 204, description = "Done."),
        (status = 409, description = "The state file is too old to say what it began with.", body = ControlError)
    )
)]
pub(super) async fn reset(State(app): State<Arc<App>>) -> Done {
    app.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/_emulator/fixtures", operation_id = "addFixtures", tag = "State", summary = "Add what fixtures describe",
    request_body = Fixtures,
    responses(
        (status = 200, description = "Added.", body = Health),
        (status = 400, description = "The fixtures contradict each other or what is there.", body = ControlError)
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
        (status = 500, description = "It cannot be written.", body = ControlError)
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
        (status = 400, description = "It is not a snapshot.", body = ControlError)
    )
)]
pub(super) async fn restore(State(app): State<Arc<App>>, Body(snapshot): Body<Snapshot>) -> Done {
    app.restore(snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}
