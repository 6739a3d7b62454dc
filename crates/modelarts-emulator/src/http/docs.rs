//! The documentation pages below `/docs/`: those of `cargo xtask site`, with a token for this emulator.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use super::openapi::{names, served};
use crate::account::Account;
use crate::app::App;
use crate::control::forbidden;

/// Includes files of the folder `pages`.
macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../pages/", $name)))),+]
    };
}

/// The pages that `cargo xtask regen` writes.
const PAGES: &[(&str, &str)] = pages![
    "basics.html",
    "emulator.html",
    "errata.html",
    "errors.html",
    "generations.html",
    "index.html",
    "licences.txt",
    "reference.html",
    "reference.js",
    "search.js",
    "style.css",
];
/// The script that renders the documents, compressed.
const RENDERER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scalar.js.gz"));

const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Allows no content from other hosts, whatever a document contains.
const POLICY: (HeaderName, &str) = (
    CONTENT_SECURITY_POLICY,
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:",
);

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("docs/")))
        .route("/docs/", get(async || page("index.html")))
        .route(
            "/docs/{file}",
            get(async |Path(file): Path<String>| page(&file)),
        )
        .route("/docs/scalar.js", get(renderer))
        .route("/docs/context.js", get(context))
        .route("/docs/token", get(token))
        .route("/docs/openapi/{file}", get(document))
}

fn page(file: &str) -> Response {
    let Some((name, text)) = PAGES.iter().find(|(name, _)| *name == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => SCRIPT,
        _ => "text/plain; charset=utf-8",
    };
    ([(CONTENT_TYPE, kind), POLICY], *text).into_response()
}

/// Always compressed: only browsers load it, and all of them accept gzip.
async fn renderer() -> Response {
    let headers = [(CONTENT_TYPE, SCRIPT), (CONTENT_ENCODING, "gzip")];
    (headers, RENDERER).into_response()
}

/// The list of documents, and the URL of the token. It contains no token, since pages of any host may load a script.
async fn context() -> Response {
    let documents = names()
        .map(|(file, title)| {
            let slug = file.trim_end_matches(".json");
            json!({"title": title, "slug": slug, "url": format!("openapi/{file}")})
        })
        .collect::<Value>();
    let context = json!({"documents": documents, "token": "token"});
    let script = format!("window.reference = {context};\n");
    ([(CONTENT_TYPE, SCRIPT)], script).into_response()
}

/// A token for the page, which only pages of this emulator get.
async fn token(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !app.addresses.admit(&headers) {
        return forbidden();
    }
    let account = Account::first(&app);
    let token = (!app.addresses.remote).then(|| account.token(&app));
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let account = json!({"token": token, "project": account.project});
    (headers, axum::Json(account)).into_response()
}

/// A document in which this emulator is the first server.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_generated_page_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let served: BTreeSet<String> = PAGES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, served);
    }

    #[test]
    fn the_renderer_is_compressed() {
        assert!(RENDERER.starts_with(&[0x1f, 0x8b]), "gzip");
        assert!(RENDERER.len() < 2_000_000, "{} bytes", RENDERER.len());
    }
}
