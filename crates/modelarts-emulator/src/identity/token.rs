//! Tokens that contain their claims and a signature.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::bounded_cache::BoundedCache;
use crate::clock::Millis;

/// The lifetime of a token: 24 hours.
pub(crate) const LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// The user, the project and the lifetime of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    #[serde(rename = "u")]
    pub(crate) user: String,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    #[serde(rename = "i")]
    pub(crate) issued: Millis,
    #[serde(rename = "e")]
    pub(crate) expires: Millis,
}

/// Issues and verifies tokens.
///
/// A token consists of its claims and their signature, so tokens are not stored: those that were issued before a
/// restart stay valid.
pub(crate) struct Tokens {
    mac: Hmac<Sha256>,
    /// Tokens that were verified before.
    known: BoundedCache<String, Arc<Claims>>,
}

impl Tokens {
    pub(crate) fn new(key: &[u8; 32]) -> Option<Self> {
        let mac = Hmac::new_from_slice(key).ok()?;
        Some(Self {
            mac,
            known: BoundedCache::default(),
        })
    }

    pub(crate) fn issue(&self, claims: &Claims) -> String {
        // Claims are strings and numbers: serializing them cannot fail.
        let payload = serde_json::to_vec(claims).unwrap_or_default();
        let mut mac = self.mac.clone();
        mac.update(&payload);
        let proof = mac.finalize().into_bytes();
        format!("{}.{}", BASE64.encode(payload), BASE64.encode(proof))
    }

    /// Returns the claims, expired or not, if this emulator issued the token.
    pub(crate) fn read(&self, token: &str) -> Option<Arc<Claims>> {
        if let Some(claims) = self.known.get(token) {
            return Some(claims);
        }
        let claims = Arc::new(self.verify(token)?);
        self.known.insert(token.to_owned(), Arc::clone(&claims));
        Some(claims)
    }

    fn verify(&self, token: &str) -> Option<Claims> {
        let (payload, proof) = token.split_once('.')?;
        let payload = BASE64.decode(payload).ok()?;
        let mut mac = self.mac.clone();
        mac.update(&payload);
        mac.verify_slice(&BASE64.decode(proof).ok()?).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            user: "u".into(),
            project: Some("p".into()),
            issued: 1,
            expires: 2,
        }
    }

    #[test]
    fn a_token_is_read_only_by_its_issuer() {
        let tokens = Tokens::new(&[1; 32]).unwrap();
        let token = tokens.issue(&claims());
        assert_eq!(tokens.read(&token).as_deref(), Some(&claims()));
        assert_eq!(tokens.read(&token).as_deref(), Some(&claims()));
        assert_eq!(Tokens::new(&[2; 32]).unwrap().read(&token), None);
    }

    #[test]
    fn an_altered_token_is_rejected() {
        let tokens = Tokens::new(&[1; 32]).unwrap();
        let token = tokens.issue(&claims());
        for broken in [&token[1..], &token[..token.len() - 2], "x.y", "", "ü.ü"] {
            assert_eq!(tokens.read(broken), None, "{broken}");
        }
    }
}
