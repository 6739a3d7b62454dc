//! What the tests share: the documents and their samples, comparisons that name paths, snapshots
//! that cannot be forgotten, and a server that records what it was sent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "nothing here runs outside tests, and a panic is how a test fails"
)]

// The examples of the READMEs are compiled, and run where they need no account.
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
pub mod capture;
pub mod described;
pub mod documents;
pub mod json;
pub mod program;
pub mod server;
pub mod snapshots;
pub mod values;
pub mod world;
