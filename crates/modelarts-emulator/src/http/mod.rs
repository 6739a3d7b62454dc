//! The road of a request: sockets, connections, what happens to every request, and how it is answered.

pub(crate) mod authority;
pub(crate) mod call;
#[cfg(feature = "docs")]
mod docs;
pub(crate) mod openapi;
pub(crate) mod pipeline;
pub(crate) mod response;
pub(crate) mod server;
pub(crate) mod validate;
mod worded;
