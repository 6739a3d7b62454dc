//! A client for ModelArts notebooks on Huawei Cloud and Open Telekom Cloud.
//!
//! It is designed for unattended jobs: it signs in and renews its token, retries transient failures and
//! nothing else, waits for operations that take minutes, and reports errors in one line.
//!
//! # The first call
//!
//! ```no_run
//! use modelarts::ModelArts;
//!
//! # async fn run() -> modelarts::Result<()> {
//! let client = ModelArts::from_env().await?;
//! let running = client.notebooks().list().status("RUNNING");
//! // Reads all pages before the loop begins.
//! for notebook in running.collect().await? {
//!     println!("{}", notebook.name.unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`from_env`](ModelArts::from_env) takes credentials from `OS_*`, `OTC_*` or `HUAWEICLOUD_SDK_*` variables or from
//! `clouds.yaml`; [`Profile`] documents all sources and their precedence. A setting is either honoured or rejected
//! with an error; [`warnings`](ModelArts::warnings) lists anything else that looks wrong. [`ModelArts::builder`]
//! takes credentials explicitly: a [token](Credentials::token), a [password](Login) or an [access key](AccessKey);
//! all other settings are still discovered.
//!
//! ```no_run
//! # async fn run() -> modelarts::Result<()> {
//! use modelarts::{Credentials, Login, ModelArts};
//!
//! let login = Login::new("bert-trainer", std::env::var("PASSWORD").unwrap_or_default());
//! let client = ModelArts::builder()
//!     .region("eu-de")
//!     .credentials(Credentials::password(login.domain_name("OTC-EU-DE-00000000001000000001")))
//!     .build()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Groups
//!
//! | group | for |
//! |---|---|
//! | [`notebooks`](ModelArts::notebooks) | creating, starting, stopping, deleting, changing, listing |
//! | [`leases`](ModelArts::leases) | how long a notebook may run |
//! | [`flavors`](ModelArts::flavors), [`images`](ModelArts::images) | what a notebook runs on, and what it runs |
//! | [`storage`](ModelArts::storage) | OBS folders mounted to a notebook |
//! | [`instances`](ModelArts::instances) | instances, the older generation of notebooks |
//! | [`devenviron`](ModelArts::devenviron), [`call`](ModelArts::call), [`request`](ModelArts::request) | everything else, through the same pipeline |
//!
//! # Types
//!
//! Each API family has a module of the same name: [`devenviron`] is the one for notebooks. Its
//! [`types`](devenviron::types) are the request and response bodies. Request types have a `builder()`; in responses
//! every field is an `Option`, since a service may omit any of them. Its [`enums`](devenviron::enums) are string
//! values such as `RUNNING`; values that are newer than this crate are preserved. Everything outside such a module,
//! from [`ModelArtsBuilder`] to [`Error`], is shared by all families.
//!
//! # Creating and waiting
//!
//! ```no_run
//! # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
//! use modelarts::AutoStop;
//! use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
//!
//! let request = CreateNotebookRequest::builder()
//!     .name("train-bert")
//!     .flavor("modelarts.vm.cpu.2u")
//!     .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
//!     .volume(VolumeReq::builder().category("EVS").ownership("MANAGED").capacity(50))
//!     .build()?;
//! let id = client.notebooks().create(&request).await?.id.unwrap_or_default();
//! let notebook = client.notebooks().wait_until_running(&id).await?;
//!
//! client.notebooks().ensure_stopped(&id).await?;
//! client.notebooks().ensure_running_with(&id, AutoStop::hours(8)).await?;
//! client.notebooks().ensure_deleted(&id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! When a call to create, start or stop returns, the operation has only begun. A [`Waiter`] waits when it is awaited,
//! or [streams](Waiter::events) what it sees. The `ensure_…` methods do whatever is necessary to reach a state; they
//! may be called twice, and from two places at once. A stale read is not mistaken for the result of this client's
//! latest action: see [`PollPolicy::read_lag`].
//!
//! # Errors
//!
//! There is one [`Error`] type. Its methods help you decide what to do: [`is_not_found`](Error::is_not_found),
//! [`is_conflict`](Error::is_conflict), [`is_quota`](Error::is_quota),
//! [`is_outcome_unknown`](Error::is_outcome_unknown) and others document what the error means for you, and
//! [`remedy`](Error::remedy) returns the advice of the error catalogue. [`kind`](Error::kind) says what happened.
//!
//! ```no_run
//! # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
//! match client.notebooks().start(id).await {
//!     Ok(_) => {}
//!     Err(error) if error.is_capacity() => println!("{}", error.remedy().unwrap_or("try later")),
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Retries and time limits
//!
//! [`RetryPolicy`] has a table of what is retried; a creation is sent again only if it was refused or was never sent.
//! Set defaults in the [builder](ModelArtsBuilder), and override them with [`with`](ModelArts::with) and
//! [`CallOptions`]. All clones of a client share a [budget](RetryBudget) of retries, so that a service in trouble is
//! not loaded further. A waiter follows the same policy: each poll makes one attempt, and the policy limits how many
//! polls in a row may fail. [`Error::retry_limit`] says what ended the retries.
//!
//! # Many at once
//!
//! A list has a setter for every filter of the service, and two ways to read it. `items()` is a stream that fetches
//! each page when it is needed; use it to look at what is listed. `collect()` reads all pages first; use it to change
//! what is listed, since a notebook that you stop leaves the list of running ones, and all notebooks after it move
//! up. Lists that no group has are in the family's module, such as [`devenviron::lists`], and an untyped request is
//! read as a list by [`RawRequest::pages`] and [`RawRequest::items`].
//!
//! ```no_run
//! # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
//! use futures::TryStreamExt;
//!
//! let mut images = client.images().list().name("pytorch").sort_key("updateTime").items();
//! while let Some(image) = images.try_next().await? {
//!     println!("{}", image.name.unwrap_or_default());
//! }
//! for notebook in client.notebooks().list().status("RUNNING").collect().await? {
//!     client.notebooks().stop(&notebook.id.unwrap_or_default()).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`map_concurrent`] calls a function for many items, a limited number at a time, and collects every result:
//!
//! ```no_run
//! # async fn run(client: modelarts::ModelArts, ids: Vec<String>) {
//! let notebooks = client.notebooks();
//! let outcomes = modelarts::map_concurrent(ids, 8, |id| {
//!     let notebooks = notebooks.clone();
//!     async move { notebooks.ensure_stopped(&id).await }
//! })
//! .await;
//! let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
//! # }
//! ```
//!
//! # Units
//!
//! One generation of the API uses milliseconds, the other seconds, and memory is in KiB. [`AutoStop`], [`Memory`] and
//! the traits [`NotebookExt`], [`LeaseExt`], [`InstanceExt`] and [`FlavorExt`] use durations, timestamps and sizes;
//! no conversion overflows or truncates silently.
//!
//! # Observing
//!
//! Each call is a [`tracing`](https://docs.rs/tracing) span `call` (operation, method) with a span `attempt` (number,
//! status, milliseconds) for each attempt, at level debug; [`RETRY_EVENTS`] announce each retry. At level trace,
//! [`EXCHANGE_EVENTS`] show requests and responses. Credentials are never logged, nor shown by `Debug` or `Display`.
//!
//! # Testing
//!
//! The crate `modelarts-emulator` emulates the service in your process, including its states, limits and errors; its
//! feature `client` adds the method `Emulator::client`.
//! With its manual clock, a start that takes minutes completes at once.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = modelarts_emulator::Emulator::builder().manual().start().await?;
//! let client = emulator.client().await?;
//! let error = client.notebooks().start("no-such-notebook").await.unwrap_err();
//! assert!(error.is_not_found());
//! # Ok(())
//! # }
//! ```
//!
//! To test against your own server, note that an [`endpoint`](ModelArtsBuilder::endpoint) on this machine may be
//! plain HTTP, and that a [`ManualClock`] skips delays.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `devenviron` (default) | the notebook family: its module, groups and waiters |
//! | `iam` | the module for the identity service; signing in needs no feature |
//! | `rustls` (default) | TLS by rustls, with reqwest's default provider; trusts the platform's certificates, and others added with [`root_certificate`](ModelArtsBuilder::root_certificate) or `cacert` |
//! | `native-tls` | TLS by the platform's own library |
//! | `blocking` | `blocking::ModelArts`, the same client without async |
//!
//! If both TLS features are enabled, rustls is used; without either, only plain HTTP works, which is enough for a
//! service on this machine. No feature changes what a program's own `reqwest::Client::new()` or `serde_json::json!`
//! does.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Waiters and lists are not bound to a family, and this is the one that has them.
#![cfg_attr(
    not(feature = "devenviron"),
    allow(dead_code, unreachable_pub, unused_imports, unused_macros)
)]

/// The crates whose types appear in this crate's public signatures.
pub use {bytes, http, jiff, reqwest, serde_json};

mod authority;
mod builder;
mod client;
mod clock;
mod concurrent;
mod config;
mod credentials;
mod endpoint;
mod error;
mod exchange_log;
// Formatted by its generator.
#[rustfmt::skip]
mod generated;
#[cfg(feature = "devenviron")]
mod groups;
mod history;
mod http_client;
mod identity;
#[cfg(feature = "devenviron")]
mod lifecycle;
mod limit;
mod line_end;
mod options;
mod pages;
mod poll_status;
mod raw_request;
mod resolve;
mod retry;
// For this workspace's benchmarks and tests; not part of the API.
#[doc(hidden)]
pub mod signing;
mod transport;
#[cfg(feature = "devenviron")]
mod units;
mod wait;

#[cfg(feature = "blocking")]
pub mod blocking;

pub use builder::ModelArtsBuilder;
pub use client::ModelArts;
pub use clock::{BoxFuture, Clock, ManualClock, SystemClock};
pub use concurrent::{ItemError, Outcome, map_concurrent};
pub use config::{Environment, Profile};
pub use credentials::{AccessKey, Authenticator, Credentials, Login, TokenCache};
pub use error::{Error, ErrorKind, Result};
pub use exchange_log::EXCHANGE_EVENTS;
// One public module per document of `openapi/documents.toml`.
pub use generated::*;
#[cfg(feature = "devenviron")]
pub use groups::{Flavors, Images, Instances, Leases, Notebooks, Storage};
/// The HTTP method that [`ModelArts::request`] takes.
pub use http::Method;
pub use http_client::http_client_builder;
pub use jiff::Timestamp;
pub use modelarts_client::{
    ErrorClass, ErrorCode, ErrorEntry, IntoOptional, Open, OpenEnum, Operation, RawResponse,
    RequestError, ResponseValue, Secret, Shape,
};
pub use options::CallOptions;
pub use pages::{Items, Pages, Pagination, RawPage};
pub use poll_status::{PollStatus, Progress};
pub use raw_request::RawRequest;
pub use retry::{Backoff, RetryBudget, RetryLimit, RetryPolicy};
pub use transport::RETRY_EVENTS;
#[cfg(feature = "devenviron")]
pub use units::{AutoStop, FlavorExt, InstanceExt, LeaseExt, Memory, NotebookExt};
pub use wait::{PollEvent, PollEvents, PollPolicy, Waiter};
