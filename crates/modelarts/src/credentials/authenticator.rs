//! The trait that adds credentials to requests.

use std::fmt;

use http::header::HeaderName;
use jiff::{SignedDuration, Timestamp};

use crate::clock::BoxFuture;
use crate::error::Result;

pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
pub(crate) const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");

/// How far apart this machine's clock and the service's may be without a correction.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// Adds credentials to requests. Implement it for a source of credentials that this crate does not support.
///
/// [`authorize`](Authenticator::authorize) is called for every attempt, so that dates are current.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Adds credentials to a request that is about to be sent and is otherwise complete.
    ///
    /// Returns the generation of the credentials: a number that changes when they are renewed.
    fn authorize<'a>(&'a self, request: &'a mut reqwest::Request) -> BoxFuture<'a, Result<u64>>;

    /// Called when the service refused the credentials of this generation with 401. Returns whether there are
    /// different ones now, so that the request is worth sending again.
    ///
    /// Many calls may ask at once. The credentials should be renewed only once for all of them.
    fn renew(&self, refused: u64) -> BoxFuture<'_, Result<bool>>;

    /// Called when the service refused the credentials of this generation with 401 while its clock showed
    /// `service_time`. Returns whether dates now follow that clock, so that the request is worth sending again.
    ///
    /// This is for credentials that contain a date, such as signatures. Other credentials have nothing to correct.
    fn correct_clock(&self, refused: u64, service_time: Timestamp) -> bool {
        let _ = (refused, service_time);
        false
    }
}
