//! The documents in the browser, below `/docs/`: Swagger UI from this binary, working against this emulator.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use utoipa_swagger_ui::Config;

use super::openapi::{names, served};
use crate::account::Account;
use crate::app::App;
use crate::control::forbidden;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("docs/")))
        .route("/docs/", get(page))
        .route("/docs/page.js", get(script))
        .route("/docs/token", get(token))
        .route("/docs/openapi/{file}", get(document))
        .route("/docs/assets/{file}", get(asset))
}

async fn page() -> Response {
    (
        [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            // Nothing from anywhere else, whatever a document contains.
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
            ),
        ],
        include_str!("docs/index.html"),
    )
        .into_response()
}

async fn script() -> Response {
    let kind = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    let documents = names()
        .map(|(file, title)| json!({"name": title, "url": format!("openapi/{file}")}))
        .collect::<Value>();
    let script = include_str!("docs/page.js").replace("DOCUMENTS", &documents.to_string());
    (kind, script).into_response()
}

/// What the page signs in with: an account of this emulator only, and for pages of this emulator only.
async fn token(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !app.addresses.admit(&headers) {
        return forbidden();
    }
    let token = (!app.addresses.remote).then(|| Account::first(&app).token(&app));
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, axum::Json(json!({ "token": token }))).into_response()
}

/// A document, with this emulator as its first server.
async fn document(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Response {
    let Some(text) = served(&file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(mut document) = serde_json::from_str::<Value>(&text) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(members) = document.as_object_mut() {
        let here =
            json!({"url": app.addresses.prefix(&headers) + "/", "description": "This emulator"});
        let others = members.remove("servers");
        let others = others
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let servers: Vec<Value> = std::iter::once(here).chain(others.cloned()).collect();
        members.insert("servers".to_owned(), Value::from(servers));
    }
    axum::Json(document).into_response()
}

async fn asset(Path(file): Path<String>) -> Response {
    match utoipa_swagger_ui::serve(&file, Arc::new(Config::default())) {
        Ok(Some(asset)) => ([(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
