//! The emulator over HTTP, on a clock that only the test moves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

mod client;
mod control;
mod devenv;
mod durable;
mod faults;
mod iam;
mod images;
mod lists;
mod notebooks;
mod other_pages;
mod read_back;
mod robust;
mod seed_pages;
mod tags;
