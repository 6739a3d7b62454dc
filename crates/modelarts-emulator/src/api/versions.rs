//! The versions of the identity service, which clients look up before they sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::app::App;
use crate::http::response::json_response;

/// `GET /`: lists the versions of the identity service. A browser is redirected to the documentation.
pub(crate) async fn versions(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|kinds| kinds.to_str().ok());
    if cfg!(feature = "docs") && accepted.is_some_and(|kinds| kinds.contains("text/html")) {
        let vary = [(header::VARY, "Accept")];
        return (vary, Redirect::temporary("docs/")).into_response();
    }
    let version = describe(&app, &headers);
    json_response(
        StatusCode::MULTIPLE_CHOICES,
        &json!({ "versions": { "values": [version] } }),
    )
}

/// `GET /v3`: describes version 3 of the identity service.
pub(crate) async fn version(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    json_response(
        StatusCode::OK,
        &json!({ "version": describe(&app, &headers) }),
    )
}

fn describe(app: &App, headers: &HeaderMap) -> serde_json::Value {
    let url = format!("{}/v3/", app.base_url(headers));
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{ "rel": "self", "href": url }],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}
