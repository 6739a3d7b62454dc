//! An emulator without its socket: its state, clock, faults and log, and who may use them.

mod config;
mod persistence;
mod session;
mod state;

pub(crate) use config::{ServerConfig, Timeouts};
pub(crate) use session::Session;
pub(crate) use state::{App, initial};
