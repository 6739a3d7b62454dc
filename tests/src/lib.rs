//! Shared parts of the tests that cross crates: the documents and their samples, comparisons of JSON and schemas, and
//! snapshots. Servers and processes are in `modelarts-test-support`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "nothing here runs outside tests, and a panic is how a test fails"
)]

// The examples of the READMEs are compiled; those that need no account are also run.
#[cfg(doctest)]
mod readme {
    #[doc = include_str!("../../README.md")]
    mod project {}
    #[doc = include_str!("../../crates/modelarts/README.md")]
    mod facade {}
    #[doc = include_str!("../../crates/modelarts-emulator/README.md")]
    mod emulator {}
}

pub mod bench;
pub mod described;
pub mod documents;
pub mod environment;
pub mod json;
pub mod snapshots;
pub mod values;
