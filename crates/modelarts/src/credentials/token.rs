//! A token that was obtained elsewhere.

use http::HeaderValue;
use modelarts_client::Secret;

use super::authenticator::{Authenticator, TOKEN};
use crate::clock::BoxFuture;
use crate::error::{Error, Result};

/// Sends the same token with every request.
#[derive(Debug)]
pub(crate) struct TokenAuthenticator(HeaderValue);

impl TokenAuthenticator {
    pub(crate) fn new(token: &Secret) -> Result<Self> {
        header("token", token).map(Self)
    }
}

impl Authenticator for TokenAuthenticator {
    fn authorize<'a>(&'a self, request: &'a mut reqwest::Request) -> BoxFuture<'a, Result<u64>> {
        request.headers_mut().insert(TOKEN, self.0.clone());
        Box::pin(std::future::ready(Ok(0)))
    }

    fn renew(&self, _refused: u64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }
}

/// Returns the token as a header value that logs and `Debug` do not show.
pub(super) fn header(what: &str, token: &Secret) -> Result<HeaderValue> {
    let text = token.expose().trim();
    if text.is_empty() {
        return Err(Error::configuration(format!("the {what} is empty")));
    }
    let value = match text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        true => None,
        false => HeaderValue::from_str(text).ok(),
    };
    let Some(mut value) = value else {
        return Err(Error::configuration(format!(
            "the {what} contains spaces, line ends or other characters that are not allowed in a header"
        )));
    };
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_token() {
        let token = TokenAuthenticator::new(&Secret::from(" t0p-s3cret\n")).unwrap();
        assert!(!format!("{token:?}").contains("t0p-s3cret"));
        assert_eq!(token.0.to_str().unwrap(), "t0p-s3cret");
    }

    #[test]
    fn a_token_that_is_no_header_value_is_refused() {
        assert!(TokenAuthenticator::new(&Secret::from("")).is_err());
        let error = TokenAuthenticator::new(&Secret::from("a\nb")).unwrap_err();
        assert!(error.is_usage());
    }
}
