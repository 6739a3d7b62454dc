//! A stateful local emulator of the ModelArts DevEnviron API.
//!
//! It serves both generations of the API and as much of the identity service as clients need to sign in, with
//! the states, limits and error codes of the real service, over plain HTTP on the loopback address. In a test it runs
//! in the same process, one per test, on a clock that the test advances:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use modelarts_emulator::{Emulator, Fault};
//!
//! let emulator = Emulator::builder().manual().rng_seed(7).start().await?;
//! emulator.add_fault(Fault::status(429).operation("listNotebooks").times(1))?;
//! println!("{} {}", emulator.base_url(), emulator.project_id());
//! # Ok::<(), modelarts_emulator::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `client`, `Emulator::client()` is a ready client of the crate `modelarts`. Any other client uses
//! [`base_url`](Emulator::base_url) and a [`token`](Emulator::token), or signs in with
//! [`user_name`](Emulator::user_name) and [`password`](Emulator::password) or the
//! [`access_key`](Emulator::access_key).
//!
//! # What a test can set
//! * **Time**: a [`manual`](EmulatorBuilder::manual) clock only advances when the [`clock`](Emulator::clock) is
//!   advanced or its own clients wait, and [`scale`](EmulatorBuilder::scale) makes time run faster;
//!   [`durations`](EmulatorBuilder::durations) sets how long each transition takes.
//! * **Randomness**: with an [`rng_seed`](EmulatorBuilder::rng_seed) ids, secrets and failures are the same in every
//!   run.
//! * **Initial state**: [`fixtures`](EmulatorBuilder::fixtures) sets the accounts, images, flavors, instances and the
//!   available capacity.
//! * **Failures**: a [`Fault`] disturbs responses, from a 429 to a lost connection; a [`TransitionFault`] makes an
//!   automatic transition fail, such as a start.
//! * **The log**: [`requests`](Emulator::requests) lists the requests received, without secrets.
//!
//! Programs in other languages can do all of this with JSON under `/_emulator/`, without a token:
//!
//! ```console
//! $ modelarts emulator --port 8780 --rng-seed 7 --clock manual
//! $ curl http://127.0.0.1:8780/_emulator/clock --json '{"advance_ms": 90000}'
//! $ curl http://127.0.0.1:8780/_emulator/faults/responses \
//!     --json '{"operation": "listNotebooks", "status": 429, "times": 2}'
//! $ curl http://127.0.0.1:8780/_emulator/accounts
//! ```
//!
//! `/_emulator/openapi/control.json` describes it; `devenviron.json` and `iam.json` there describe the API. With the
//! feature `docs` (enabled in the command) `/docs/` is a page from which the API can be called.
//!
//! # Differences from the service
//! * The two generations share one store, apart from quotas, but an instance is visible only to the generation that
//!   created it.
//! * Deleted instances of the old generation have the status DELETED until they are gone; the list of its statuses
//!   has no DELETING.
//! * A property of a request that is null is refused, in lenient mode too, unless the document says that it may be null.
//!   The documentation does not allow it anywhere, and no known client sends it.
//! * The gateway's limits apply: 32 KiB for a URL (414), and 128 KiB and at most 100 headers for a whole head. The
//!   response to a larger head is a 431, where the gateway uses its own status 494. These requests, and others that
//!   are not HTTP/1.1, are refused in JSON and appear only in the log on standard error. A connection that begins
//!   with HTTP/2 is closed.
//! * Bodies of more than 1 MiB are refused with status 400, since the documents list no 413; the gateway accepts 12
//!   MB.
//! * Nothing leaves the machine: images, buckets, key pairs and addresses are accepted as they are given.
//! * An instance has no real load: a lease of the type `idle` counts from the start, the last renewal, or the last
//!   `POST /_emulator/instances/{id}/activity` ([`Emulator::note_activity`]). The documentation only says that such a
//!   lease stops an instance that is idle.
//! * An ML Studio instance is ACTIVE where others are RUNNING, and REBOOTING where they are RESTARTING, as on the
//!   only page that shows one. Instances of the profile `ML-Studio-cpu` are of this kind, and only these can be
//!   restarted.
//! * Where the documentation and practice disagree, [`strict`](EmulatorBuilder::strict) selects which of them to
//!   follow.
//!
//! # Persistence
//! With [`data`](EmulatorBuilder::data) everything is stored in a SQLite file. No response is sent before everything
//! that it may show has been written to that file. So no change is lost when the process is killed, whether it was
//! acknowledged or only seen in a later response. The time is stored as well, however it was moved. While the file
//! cannot be written, every response is a 500 that says so; once it can be written again, everything is written and
//! the emulator continues. A file that was deleted or truncated meanwhile is written again, and one that is damaged
//! in any way is rejected at the start.
//!
//! # Requests in emulated time
//! In every mode of the clock the emulator's credentials work for clients inside and outside of the process. The date
//! of a signature may differ by up to 15 minutes from the emulated time, or from the real time, since a client
//! outside the process knows no other.
//! Tokens expire after 24 hours of emulated time.
//!
//! [`Emulator::client`] and everything else that uses the [`Clock`] as its clock runs in emulated time. A manual
//! clock jumps to the earliest of their waits when none of them has anything else to do: ten concurrent waits of ten
//! seconds take ten seconds. Other clients, which only use HTTP, do not move the time; `POST /_emulator/clock` does.
//!
//! # Types of other crates
//! Fixtures contain types of the documents, and [`Secret`]s; these are re-exported. The types that the control plane reads
//! and writes implement the traits of [serde](https://serde.rs), and [`utoipa::ToSchema`], from which the description of the
//! control plane is generated. A new major version of [`utoipa`] is therefore a new major version of this crate.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `sqlite` (default) | state that survives a restart, in a SQLite file |
//! | `client` | `Emulator::client()`, a client of the crate `modelarts` |
//! | `docs` | a page at `/docs/` from which the API can be called |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod api;
mod app;
mod bounded_cache;
mod builder;
#[cfg(feature = "client")]
mod client;
mod clock;
mod control;
mod domain;
mod emulator;
mod error;
mod faults;
mod fields;
mod fixtures;
// Formatted by its generator.
#[rustfmt::skip]
mod generated;
mod http;
mod identity;
mod ids;
mod log;
mod nearest;
mod store;

pub use builder::EmulatorBuilder;
pub use clock::{Clock, ClockMode, ClockReading};
pub use domain::{
    Durations, FixtureError, Generation, InstanceStatus, Snapshot, Step, TransitionFault,
};
pub use emulator::{Emulator, Error};
pub use faults::Fault;
pub use fixtures::{
    AccessKeyFixture, Capacity, DomainFixture, Fixtures, ImageFixture, InstanceFixture,
    ProjectFixture, UserFixture,
};
pub use log::{LogFilter, LoggedRequest};
/// The crate of the client that `Emulator::client` returns.
#[cfg(feature = "client")]
pub use modelarts;
/// The password, secret key or token of an emulated account.
#[doc(no_inline)]
pub use modelarts_client::Secret;
/// The enumerations of the documents that statuses and fixtures contain.
#[doc(no_inline)]
pub use modelarts_client::devenviron::enums::{
    DevEnvInstanceStatus, ImageStatus, NotebookStatus, OpenImageStatus, OpenVolumeCategory,
    VolumeCategory,
};
/// The types of the documents that fixtures contain.
#[doc(no_inline)]
pub use modelarts_client::devenviron::types::{Image, NotebookFlavor};
/// The crates whose types and traits are part of this crate's public API.
pub use {serde_json, utoipa};
