//! Responses without a type.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// A response as it came, from [`ModelArts::call`](crate::ModelArts::call) or [`ModelArts::request`](crate::ModelArts::request). The status is a success.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which can hold secrets such as the token of a notebook.
    pub body: Bytes,
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}
