//! Sessions: who sends a request, proven by a token or a signature.

use std::sync::Arc;

use http::StatusCode;

use super::state::App;
use crate::clock::{Millis, system_millis};
use crate::error::{ApiError, ApiResult, code};
use crate::identity::signature::{Authorization, Refusal};
use crate::identity::token::{Claims, LIFETIME};

/// The authenticated sender of a request.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    Token(Arc<Claims>),
    /// The user whose access key made the signature.
    Signature(String),
}

impl Session {
    pub(crate) fn user(&self) -> &str {
        match self {
            Self::Token(claims) => &claims.user,
            Self::Signature(user) => user,
        }
    }

    /// The project that the token is limited to.
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Self::Token(claims) => claims.project.as_deref(),
            Self::Signature(_) => None,
        }
    }

    /// The kind of its credentials, for the log.
    pub(crate) fn by(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Signature(_) => "signature",
        }
    }
}

impl App {
    /// Issues a token for a user, limited to a project if one is given, and returns it with its claims.
    pub(crate) fn issue(&self, user: &str, project: Option<&str>, now: Millis) -> (String, Claims) {
        let claims = Claims {
            user: user.to_owned(),
            project: project.map(ToOwned::to_owned),
            issued: now,
            expires: now + LIFETIME,
        };
        (self.tokens.issue(&claims), claims)
    }

    pub(crate) fn random_hex(&self) -> String {
        self.rng.lock().hex32()
    }

    /// Verifies a token.
    pub(crate) fn by_token(&self, token: &str, now: Millis) -> ApiResult<Session> {
        let claims = self.tokens.read(token).ok_or_else(|| {
            ApiError::new(
                code::BAD_TOKEN,
                "The token cannot be read or was issued elsewhere; sign in again.",
            )
        })?;
        if claims.expires <= now {
            return Err(ApiError::new(
                code::EXPIRED_TOKEN,
                "The token has expired; sign in again.",
            ));
        }
        Ok(Session::Token(claims))
    }

    /// Verifies the signature of a request.
    pub(crate) fn by_signature(
        &self,
        parts: &http::request::Parts,
        body: &bytes::Bytes,
        text: &str,
    ) -> ApiResult<Session> {
        let verify = || -> Result<Session, Refusal> {
            let authorization = Authorization::parse(text)?;
            let key = self
                .with_accounts(|accounts| accounts.keys.get(authorization.access_key).cloned())
                .ok_or(Refusal::AccessKey)?;
            if let Some(expected) = &key.security_token {
                let sent = parts.headers.get("x-security-token");
                if sent.map(http::HeaderValue::as_bytes) != Some(expected.expose().as_bytes()) {
                    return Err(Refusal::SecurityToken);
                }
            }
            authorization.verify(parts, body, key.secret.expose(), |signed_at| {
                self.nearest_present(signed_at)
            })?;
            Ok(Session::Signature(key.user))
        };
        verify().map_err(|refusal| {
            ApiError::with_status(
                StatusCode::UNAUTHORIZED,
                code::GATEWAY_SIGN_IN,
                format!("Incorrect IAM authentication information: {refusal}."),
            )
        })
    }

    /// Returns the present time of the clock that is closer to a date: emulated time, with which clients in this
    /// process sign, or real time, the only one that other clients know.
    fn nearest_present(&self, date: Millis) -> Millis {
        let (emulated, real) = (self.clock.now_millis(), system_millis());
        if (real - date).abs() < (emulated - date).abs() {
            real
        } else {
            emulated
        }
    }
}
