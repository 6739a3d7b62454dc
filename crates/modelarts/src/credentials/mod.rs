//! The caller's credentials: a token, a user with a password, or an access key.

mod access_key;
mod authenticator;
mod cache;
mod login;
mod password;
mod token;

use std::sync::Arc;

use modelarts_client::Secret;

pub use access_key::AccessKey;
pub(crate) use access_key::AccessKeyAuthenticator;
pub use authenticator::Authenticator;
pub(crate) use authenticator::{SECURITY_TOKEN, TOKEN};
pub use cache::TokenCache;
pub use login::Login;
pub(crate) use login::{Named, TokenScope};
pub(crate) use password::PasswordAuthenticator;
pub(crate) use token::TokenAuthenticator;

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
pub struct Credentials(pub(crate) CredentialsKind);

#[derive(Clone, Debug)]
pub(crate) enum CredentialsKind {
    Token(Secret),
    Password(Login),
    AccessKey(AccessKey),
    Custom(Arc<dyn Authenticator>),
}

impl Credentials {
    /// Creates credentials from a token that was obtained elsewhere. It expires after 24 hours at most and is not
    /// renewed.
    pub fn token(token: impl Into<Secret>) -> Self {
        Self(CredentialsKind::Token(token.into()))
    }

    /// Creates credentials from a user and a password. The client fetches a token, keeps it in memory and renews it
    /// before it expires.
    pub fn password(login: Login) -> Self {
        Self(CredentialsKind::Password(login))
    }

    /// Creates credentials from an access key and its secret key, with which every request is signed.
    pub fn access_key(key: AccessKey) -> Self {
        Self(CredentialsKind::AccessKey(key))
    }

    /// Creates credentials from any other source.
    pub fn custom(authenticator: Arc<dyn Authenticator>) -> Self {
        Self(CredentialsKind::Custom(authenticator))
    }
}
