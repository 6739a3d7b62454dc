//! All routes of the control plane, with their descriptions.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{accounts, capacity, clock, faults, instances, log, state};
use crate::app::App;

/// Routes and their OpenAPI description.
pub(crate) type Api = OpenApiRouter<Arc<App>>;

/// The maximum size of a body, except for a snapshot.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The maximum size of a snapshot.
const SNAPSHOT_LIMIT: usize = 512 * 1024 * 1024;

pub(crate) fn api() -> Api {
    let snapshots = Api::new()
        .routes(routes!(state::snapshot, state::restore))
        .layer(DefaultBodyLimit::max(SNAPSHOT_LIMIT));
    Api::new()
        .routes(routes!(state::health))
        .routes(routes!(state::reset))
        .routes(routes!(state::add_fixtures))
        .routes(routes!(accounts::accounts))
        .routes(routes!(clock::show_clock, clock::set_clock))
        .routes(routes!(
            faults::list_response_faults,
            faults::add_response_fault,
            faults::clear_response_faults
        ))
        .routes(routes!(faults::remove_response_fault))
        .routes(routes!(
            faults::list_transition_faults,
            faults::add_transition_fault,
            faults::clear_transition_faults
        ))
        .routes(routes!(log::list_requests, log::clear_requests))
        .routes(routes!(capacity::show_capacity, capacity::set_capacity))
        .routes(routes!(instances::set_status))
        .routes(routes!(instances::note_activity))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .merge(snapshots)
}
