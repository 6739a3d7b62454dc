//! Signing with an access key.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use modelarts_client::Secret;
use reqwest::Request;

use super::{Authenticator, SECURITY_TOKEN, token};
use crate::clock::{BoxFuture, Clock};
use crate::error::{Error, Result};
use crate::signing::{Signable, SigningKey, format_date, sign};

const DATE: HeaderName = HeaderName::from_static("x-sdk-date");
const PROJECT: HeaderName = HeaderName::from_static("x-project-id");

/// A pair of access key and secret key, permanent, or temporary with a security token.
///
/// ```
/// use modelarts::AccessKey;
///
/// let temporary = AccessKey::new("AK", "SK").security_token("gQpjbi1u…");
/// assert_eq!(format!("{temporary:?}"), r#"AccessKey { access_key: "AK", .. }"#);
/// ```
#[derive(Clone)]
pub struct AccessKey {
    access_key: String,
    secret_key: Secret,
    security_token: Option<Secret>,
}

impl AccessKey {
    /// A permanent pair.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<Secret>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            security_token: None,
        }
    }

    /// Makes it a temporary pair, which is valid together with this token only.
    #[must_use]
    pub fn security_token(mut self, token: impl Into<Secret>) -> Self {
        self.security_token = Some(token.into());
        self
    }
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Signs every request.
#[derive(Debug)]
pub(crate) struct AccessKeyAuthenticator {
    key: SigningKey,
    security_token: Option<HeaderValue>,
    project_id: Option<HeaderValue>,
    clock: Arc<dyn Clock>,
}

impl AccessKeyAuthenticator {
    /// Without `project_id` for requests that look it up.
    pub(crate) fn new(
        key: &AccessKey,
        project_id: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        if key.access_key.is_empty() || key.secret_key.is_empty() {
            return Err(Error::configuration(
                "an access key needs both halves: access key (AK) and secret key (SK)",
            ));
        }
        if !key
            .access_key
            .chars()
            .all(|c| c.is_ascii_graphic() && c != ',')
        {
            return Err(Error::configuration(
                "the access key (AK) holds characters that a header cannot carry",
            ));
        }
        let project_id = project_id.map(HeaderValue::from_str).transpose();
        Ok(Self {
            key: SigningKey::new(&key.access_key, &key.secret_key),
            security_token: key.security_token.as_ref().map(token::header).transpose()?,
            project_id: project_id.map_err(|_| {
                Error::configuration("the project id holds characters that a header cannot carry")
            })?,
            clock,
        })
    }

    fn sign(&self, request: &mut Request) -> Result<()> {
        let date = format_date(self.clock.now());
        let headers = request.headers_mut();
        headers.insert(DATE, value(&date)?);
        if let Some(project_id) = &self.project_id {
            headers.insert(PROJECT, project_id.clone());
        }
        if let Some(token) = &self.security_token {
            headers.insert(SECURITY_TOKEN, token.clone());
        }

        let host = host(request.url());
        let mut signed = signed_headers(request.headers());
        signed.push(("host", &host));
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let signature = sign(
            &self.key,
            &date,
            &Signable {
                method: request.method().as_str(),
                path: request.url().path(),
                query: request.url().query().unwrap_or_default(),
                headers: &signed,
                body: body.unwrap_or_default(),
            },
        );
        let mut authorization = value(&signature.authorization)?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, authorization);
        Ok(())
    }
}

impl Authenticator for AccessKeyAuthenticator {
    fn authorize<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Result<u64>> {
        Box::pin(std::future::ready(self.sign(request).map(|()| 0)))
    }

    fn renew(&self, _refused: u64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }
}

/// The headers that say something about the request. What a proxy may rewrite is not signed.
fn signed_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers
        .iter()
        .filter(|(name, _)| *name == CONTENT_TYPE || name.as_str().starts_with("x-"))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
}

/// As the header `Host` says it: with the port if that is not the scheme's own.
fn host(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::configuration("the access key cannot be sent in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn request() -> Request {
        let url = "https://modelarts.eu-nl.otc.t-systems.com/v1/ffffeeeeddddccccbbbbaaaa99998888/notebooks/6f1f4a52-6f0c-4b9e-8d0e-0d8d2e7a1c11";
        let mut request = Request::new(http::Method::GET, url.parse().unwrap());
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        request
            .headers_mut()
            .insert("user-agent", HeaderValue::from_static("me"));
        request
    }

    fn authenticator() -> AccessKeyAuthenticator {
        let key = AccessKey::new(
            "DEVAKEXAMPLE00000001",
            "devSecretKeyExample0123456789abcdefGHIJ",
        );
        let project = Some("ffffeeeeddddccccbbbbaaaa99998888");
        AccessKeyAuthenticator::new(&key, project, Arc::new(ManualClock::default())).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_signed_like_the_first_vector() {
        let mut request = request();
        authenticator().authorize(&mut request).await.unwrap();
        assert_eq!(request.headers()["x-sdk-date"], "20251103T081500Z");
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(
            authorization,
            "SDK-HMAC-SHA256 Access=DEVAKEXAMPLE00000001, \
             SignedHeaders=content-type;host;x-project-id;x-sdk-date, \
             Signature=2b3bbf9b44f07bd0a9380c39cd67c22e7a90852c465ccb20021da1278eddab69"
        );
    }

    #[tokio::test]
    async fn a_security_token_is_sent_signed_and_hidden() {
        let key = AccessKey::new("AK", "SK").security_token("t0p-s3cret");
        let clock = Arc::new(ManualClock::default());
        let signer = AccessKeyAuthenticator::new(&key, None, clock).unwrap();
        let mut request = request();
        signer.authorize(&mut request).await.unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(
            authorization.contains("host;x-sdk-date;x-security-token,"),
            "{authorization}"
        );
        assert!(!request.headers().contains_key("x-project-id"));
        assert!(!format!("{signer:?} {key:?} {request:?}").contains("t0p-s3cret"));
    }

    #[test]
    fn half_a_pair_is_refused() {
        let clock = Arc::new(ManualClock::default());
        let error =
            AccessKeyAuthenticator::new(&AccessKey::new("AK", ""), None, clock).unwrap_err();
        assert!(error.to_string().contains("secret key"), "{error}");
    }
}
