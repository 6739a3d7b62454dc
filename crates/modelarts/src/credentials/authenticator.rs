//! What puts credentials on requests.

use std::fmt;

use http::header::HeaderName;
use jiff::{SignedDuration, Timestamp};

use crate::clock::BoxFuture;
use crate::error::Result;

pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
pub(crate) const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");

/// As far apart two clocks may be without anybody minding.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// Puts credentials on requests; implement it for a source of credentials that this crate does not know.
///
/// [`authorize`](Authenticator::authorize) is called for every attempt, so that dates are fresh.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Adds credentials to a request that is about to be sent and is otherwise complete.
    ///
    /// Returns the generation of the credentials: a number that changes when they are renewed.
    fn authorize<'a>(&'a self, request: &'a mut reqwest::Request) -> BoxFuture<'a, Result<u64>>;

    /// The service refused the credentials of this generation with 401. Returns whether there are other
    /// ones now, so that replaying the request makes sense.
    ///
    /// Many calls may ask at once; credentials should be renewed once for all of them.
    fn renew(&self, refused: u64) -> BoxFuture<'_, Result<bool>>;

    /// The service refused the credentials of this generation with 401, and its clock showed `service_time` then. Returns
    /// whether dates are now those of that clock, so that replaying the request makes sense.
    ///
    /// For credentials that hold a date, such as signatures. Others have nothing to correct.
    fn correct_clock(&self, refused: u64, service_time: Timestamp) -> bool {
        let _ = (refused, service_time);
        false
    }
}
