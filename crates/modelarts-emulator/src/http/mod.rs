//! The road of a request: sockets, connections, what happens to every request, and its response.

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

// What the generated modules are made of; a document need not ask for all of it.
#[allow(unused_imports, reason = "of generated code")]
pub(crate) use {
    operation::Operation,
    refusal::not_emulated,
    request::{AcceptedRequest, Cx, FromText, Handler, OperationRequest, ResponseFuture, Server},
    response::{Reply, empty, set_header, set_secret_header},
};
