//! The part of a URL that names the server.

use reqwest::Url;

/// Returns the host, with the port unless it is the default of the scheme.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
