//! The generated client and types of the ModelArts API.
//!
//! Most users want the `modelarts` crate, which adds credentials, retries, errors and waiters. This crate contains only
//! what the documents in `openapi/` describe: one module per API family, with a `Client` whose methods return builders,
//! a module `types` with the types of request and response bodies, and a module `enums` with the
//! [open enumerations](Open).
//!
//! This crate does not choose a TLS library. To use `https` addresses, call `Client::new_with_client` with a
//! `reqwest::Client` that has one, such as a client from `modelarts::http_client_builder()`. A [`Transport`] adds what
//! every request needs, such as a token.
//!
//! # Types
//!
//! A later release may add a field to any type, so all types are `#[non_exhaustive]`. Types that are sent have
//! builders. To create a type that is only returned, for example in a test or a server, start with its `Default` and
//! set fields:
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
//! A struct literal would break when a field is added, so it does not compile:
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
//! | `reflect` | encoding and decoding by type name, for tools; it links the code of every type |
//! | `utoipa` | `utoipa::ToSchema` for every type |
//!
//! The code under `src/generated` is written by `cargo xtask regen`. To change it, change the document.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
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
mod path;
mod request;
mod request_error;
mod response;
mod secret;
mod transport;

pub use base_url::BaseUrl;
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
pub use request::{NoContent, Prepared};
pub use request_error::RequestError;
pub use response::{RawResponse, ResponseValue};
pub use secret::Secret;
pub use transport::{Error, Transport, decode};
