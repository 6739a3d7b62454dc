//! The generated client and types of the ModelArts API.
//!
//! Most users want the `modelarts` crate, which adds credentials, retries, errors and waiters. This
//! crate is what the documents in `openapi/` say, in Rust, and nothing else: one module per API family,
//! each with a `Client` whose methods return builders, a module `types` with the bodies and a module
//! `enums` with the [open enumerations](Open).
//!
//! This crate chooses no TLS library. A client for `https` addresses is built with `Client::new_with_client` and a
//! `reqwest::Client` that has one; `modelarts::http_client_builder()` makes such a client. A [`Transport`] adds what every
//! request needs, such as a token.
//!
//! # Types
//!
//! A later release may add a field to any type, so they are `#[non_exhaustive]`. What is sent is built, and what only comes
//! back is, where a test or a server makes one, a `Default` with some fields set:
//!
//! ```
//! use modelarts_client::devenviron::{enums::NotebookStatus, types::{LeaseReq, Notebook}};
//!
//! let lease = LeaseReq::builder().duration(7_200_000).build()?;
//! let mut notebook = Notebook::default();
//! notebook.status = Some(NotebookStatus::Running.into());
//! # assert_eq!(lease.duration, Some(7_200_000));
//! # Ok::<(), modelarts_client::RequestError>(())
//! ```
//!
//! A literal would break with the next field and is refused today:
//!
//! ```compile_fail,E0639
//! use modelarts_client::devenviron::types::LeaseReq;
//!
//! let lease = LeaseReq { duration: Some(7_200_000), type_: None };
//! ```
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `devenviron`, `iam` (default) | a module for each API family |
//! | `documents` | the documents as JSON |
//! | `reflect` | encoding and decoding by the name of a type, for tools: it links the code of every type |
//! | `utoipa` | `utoipa::ToSchema` for every type |
//!
//! The code under `src/generated` is written by `cargo xtask regen`. To change it, change the document.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error_code;
mod family;
// Formatted by its generator.
#[rustfmt::skip]
mod generated;
mod lifecycle;
mod number;
mod object;
mod open;
mod operation;
mod optional;
mod request;
mod response;
mod secret;
mod transport;

pub use error_code::{ErrorClass, ErrorCode, ErrorEntry};
pub use family::{Family, Service, operation, operations};
#[cfg(feature = "reflect")]
pub use family::{RoundTrip, round_trip};
// One public module per document of `openapi/documents.toml`, and their list.
pub use generated::actions::Action;
pub use generated::*;
pub use lifecycle::Phase;
pub use open::{Open, OpenEnum};
pub use operation::{Operation, Shape};
pub use optional::IntoOptional;
pub use request::{BaseUrl, NoContent, Prepared, RequestError};
pub use response::{RawResponse, ResponseValue};
pub use secret::Secret;
pub use transport::{Error, Transport, decode};
