//! What the tests of all members share: a scripted HTTP server, a small HTTP client, the emulator as a process, and a
//! collector of traces.
//!
//! It depends on none of the other members, so each of them can use it in its tests. Everything here blocks its thread; the
//! servers have threads of their own, so tests with and without async can use them.

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
