//! The `modelarts` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod api;
mod cli;
mod nouns;
mod support;
