//! Who is calling: a token, a user with a password, or an access key.

mod access_key;
mod cache;
mod password;
mod token;

use std::fmt;
use std::sync::Arc;

use http::header::HeaderName;
use jiff::{SignedDuration, Timestamp};
use modelarts_client::Secret;

use crate::clock::BoxFuture;
use crate::error::Result;

pub use access_key::AccessKey;
pub(crate) use access_key::AccessKeyAuthenticator;
pub use cache::TokenCache;
pub use password::Login;
pub(crate) use password::{Named, PasswordAuthenticator};
pub(crate) use token::TokenAuthenticator;

pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
pub(crate) const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");

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

/// As far apart two clocks may be without anybody minding.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// The credentials of a client.
///
/// ```
/// use modelarts::{AccessKey, Credentials, Login};
///
/// let token = Credentials::token("MIIF…");
/// let password = Credentials::password(Login::new("trainer", "s3cr3t").domain_name("nlp-department"));
/// let key = Credentials::access_key(AccessKey::new("AK", "SK"));
/// assert!(!format!("{token:?} {password:?} {key:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug)]
pub struct Credentials(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Token(Secret),
    Password(Login),
    AccessKey(AccessKey),
    Custom(Arc<dyn Authenticator>),
}

impl Credentials {
    /// A token that somebody else obtained. It ends after 24 hours at most and is not renewed.
    pub fn token(token: impl Into<Secret>) -> Self {
        Self(Kind::Token(token.into()))
    }

    /// A user with a password. A token is fetched, kept in memory and renewed before it ends.
    pub fn password(login: Login) -> Self {
        Self(Kind::Password(login))
    }

    /// A pair of access key and secret key. Every request is signed.
    pub fn access_key(key: AccessKey) -> Self {
        Self(Kind::AccessKey(key))
    }

    /// Any other source.
    pub fn custom(authenticator: Arc<dyn Authenticator>) -> Self {
        Self(Kind::Custom(authenticator))
    }
}
