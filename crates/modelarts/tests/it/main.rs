//! The client against a scripted server on this machine, on a clock that skips over pauses.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]
#![allow(unreachable_pub, reason = "modules of one binary")]

#[cfg(feature = "blocking")]
mod blocking;
mod calls;
mod config;
mod edges;
// Its recording proxy sees https as tunnels only.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod hostile;
mod life;
mod other_families;
mod outcome;
mod raw_list;
mod responses;
mod sign_in;
mod support;
#[cfg(feature = "rustls")]
mod tls;
