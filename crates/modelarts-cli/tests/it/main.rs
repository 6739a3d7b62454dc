//! The `modelarts` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod api;
mod auth;
mod cli;
mod embedded;
mod ends;
mod formats;
mod nouns;
mod support;
