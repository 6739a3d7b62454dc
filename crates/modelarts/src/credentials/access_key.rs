//! Signing with an access key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use modelarts_client::Secret;
use reqwest::Request;

use super::authenticator::{Authenticator, SECURITY_TOKEN, TOLERANCE};
use super::token;
use crate::authority::authority;
use crate::clock::{BoxFuture, Clock};
use crate::error::{Error, Result};
use crate::signing::{Signable, SigningKey, format_date, sign};

const DATE: HeaderName = HeaderName::from_static("x-sdk-date");
const PROJECT: HeaderName = HeaderName::from_static("x-project-id");

/// An access key and its secret key: a permanent pair, or a temporary one with a security token.
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
    /// Creates a permanent pair.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<Secret>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            security_token: None,
        }
    }

    /// Makes the pair temporary: it is only valid together with this token.
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
    correction: Arc<Mutex<Correction>>,
}

/// What is added to the time of this machine, because the service's clock differs.
#[derive(Clone, Copy, Debug, Default)]
struct Correction {
    offset: SignedDuration,
    /// How many times it has changed.
    generation: u64,
}

impl AccessKeyAuthenticator {
    /// `project_id` is `None` for the requests that look it up.
    pub(crate) fn new(
        key: &AccessKey,
        project_id: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (access_key, secret_key) = (key.access_key.trim(), key.secret_key.expose().trim());
        if access_key.is_empty() || secret_key.is_empty() {
            return Err(Error::configuration(
                "an access key needs both parts: the access key (AK) and the secret key (SK)",
            ));
        }
        if !access_key.chars().all(|c| c.is_ascii_graphic() && c != ',') {
            return Err(Error::configuration(
                "the access key (AK) contains characters that are not allowed in a header",
            ));
        }
        if secret_key
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(Error::configuration(
                "the secret key (SK) contains spaces or control characters",
            ));
        }
        Ok(Self {
            key: SigningKey::new(access_key, &Secret::from(secret_key)),
            security_token: match &key.security_token {
                Some(token) => Some(token::header("security token", token)?),
                None => None,
            },
            project_id: project_id.map(project_header).transpose()?,
            clock,
            correction: Arc::default(),
        })
    }

    /// Returns an authenticator for the requests of a project. It shares the clock correction with this one.
    pub(crate) fn for_project(&self, project_id: &str) -> Result<Self> {
        Ok(Self {
            key: self.key.clone(),
            security_token: self.security_token.clone(),
            project_id: Some(project_header(project_id)?),
            clock: self.clock.clone(),
            correction: self.correction.clone(),
        })
    }

    fn correction(&self) -> MutexGuard<'_, Correction> {
        self.correction
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, request: &mut Request) -> Result<u64> {
        let correction = *self.correction();
        // If the corrected date is out of range, use the uncorrected one.
        let now = self.clock.now();
        let date = format_date(now.checked_add(correction.offset).unwrap_or(now));
        let headers = request.headers_mut();
        headers.insert(DATE, value(&date)?);
        if let Some(project_id) = &self.project_id {
            headers.insert(PROJECT, project_id.clone());
        }
        if let Some(token) = &self.security_token {
            headers.insert(SECURITY_TOKEN, token.clone());
        }

        let host = authority(request.url());
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
        Ok(correction.generation)
    }
}

impl Authenticator for AccessKeyAuthenticator {
    fn authorize<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Result<u64>> {
        Box::pin(std::future::ready(self.sign(request)))
    }

    fn renew(&self, _refused: u64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn correct_clock(&self, refused: u64, service_time: Timestamp) -> bool {
        let mut correction = self.correction();
        // Another request was refused for the same reason and has already corrected the clock.
        if correction.generation != refused {
            return true;
        }
        let offset = service_time.duration_since(self.clock.now());
        // A signature with the right date was refused: another one would only add a failed attempt.
        if (offset - correction.offset).abs() <= TOLERANCE {
            return false;
        }
        correction.offset = offset;
        correction.generation += 1;
        true
    }
}

fn project_header(project_id: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(project_id).map_err(|_| {
        Error::configuration("the project id contains characters that are not allowed in a header")
    })
}

/// The headers to sign: those that describe the request. Headers that a proxy may rewrite are not signed.
fn signed_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers
        .iter()
        .filter(|(name, _)| *name == CONTENT_TYPE || name.as_str().starts_with("x-"))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
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

    #[tokio::test]
    async fn a_key_with_line_ends_signs_like_one_without() {
        let clock = Arc::new(ManualClock::default());
        let key = AccessKey::new(
            " DEVAKEXAMPLE00000001\n",
            "devSecretKeyExample0123456789abcdefGHIJ\r\n",
        );
        let project = Some("ffffeeeeddddccccbbbbaaaa99998888");
        let signer = AccessKeyAuthenticator::new(&key, project, clock).unwrap();
        let (mut one, mut other) = (request(), request());
        signer.authorize(&mut one).await.unwrap();
        authenticator().authorize(&mut other).await.unwrap();
        assert_eq!(
            one.headers()["authorization"],
            other.headers()["authorization"]
        );
    }

    #[test]
    fn a_key_with_a_blank_inside_is_refused_and_not_shown() {
        for (key, what) in [
            (AccessKey::new("A K", "t0p-s3cret"), "access key (AK)"),
            (AccessKey::new("AK", "t0p s3cret"), "secret key (SK)"),
            (
                AccessKey::new("AK", "SK").security_token("t0p s3cret"),
                "security token",
            ),
        ] {
            let clock = Arc::new(ManualClock::default());
            let error = AccessKeyAuthenticator::new(&key, None, clock).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(what) && !error.contains("s3cret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_clock_is_corrected_once_for_all_whom_it_misled() {
        let clock = ManualClock::default();
        let key = AccessKey::new("AK", "SK");
        let lookup = AccessKeyAuthenticator::new(&key, None, Arc::new(clock.clone())).unwrap();
        let signer = lookup.for_project("p1").unwrap();
        let service_time = clock.now() + SignedDuration::from_hours(2);
        assert!(lookup.correct_clock(0, service_time));
        // Refused with the uncorrected date.
        assert!(signer.correct_clock(0, service_time));
        // Refused with the right date.
        assert!(!signer.correct_clock(1, service_time));
        let mut request = request();
        assert_eq!(signer.authorize(&mut request).await.unwrap(), 1);
        assert_eq!(request.headers()["x-sdk-date"], "20251103T101500Z");
    }

    #[test]
    fn half_a_pair_is_refused() {
        let clock = Arc::new(ManualClock::default());
        let error =
            AccessKeyAuthenticator::new(&AccessKey::new("AK", ""), None, clock).unwrap_err();
        assert!(error.to_string().contains("secret key"), "{error}");
    }
}
