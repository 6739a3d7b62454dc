//! The `modelarts` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod api;
mod apply;
mod auth;
mod cli;
mod embedded;
mod ends;
mod exchanges;
mod formats;
mod input;
mod nouns;
mod shells;
mod support;
mod week;
