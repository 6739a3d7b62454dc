//! Shared test utilities: a scripted HTTP server, a small HTTP client, the emulator as a process, and a collector of
//! tracing output.
//!
//! This crate depends on no other member of the workspace, so all of them can use it in their tests. All functions
//! block; servers run on their own threads, so sync and async tests can use them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "nothing here runs outside tests, and a panic is how a test fails"
)]

pub mod capture;
pub mod connection;
pub mod process;
pub mod server;

mod bench_server;
mod listener;

pub use bench_server::BenchServer;
