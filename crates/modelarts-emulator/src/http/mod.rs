//! The path of a request: sockets, connections, the checks of every request, and its response.

pub(crate) mod authority;
mod compat;
mod connection;
mod context;
#[cfg(feature = "docs")]
mod docs;
mod fault;
pub(crate) mod openapi;
mod operation;
pub(crate) mod pipeline;
mod query;
mod refusal;
mod request;
pub(crate) mod response;
pub(crate) mod router;
mod rule;
mod rule_reader;
pub(crate) mod server;
mod validate;

// For the generated modules, of which some need only a part.
#[allow(unused_imports, reason = "for generated code")]
pub(crate) use {
    operation::Operation,
    refusal::not_emulated,
    request::{AcceptedRequest, Cx, FromText, Handler, OperationRequest, ResponseFuture, Server},
    response::{Reply, empty, set_header, set_secret_header},
};
