//! Errors from responses: refusals, errors in a success, and successes that cannot be decoded.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use modelarts_client::{ErrorCode, Secret};
use serde::de::DeserializeOwned;

use super::body::ErrorBody;
use super::decode::{is_blank, undecodable};
use super::redact::{Redactor, one_line, request_id};
use super::{Error, ErrorKind, Result};

impl Error {
    /// Creates the error of a response without a success status.
    pub(crate) fn from_status(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        retry_after: Option<Duration>,
        secrets: &[Secret],
    ) -> Self {
        let read = ErrorBody::read(&body);
        let mut error = Self::new(ErrorKind::Status, None).with_body(&read, status, secrets);
        error.0.retry_after = retry_after;
        let body = Redactor::new(secrets).bytes(body);
        error.with_response(status, headers, body)
    }

    /// Returns the error of a response with a success status, if its body is an error.
    pub(crate) fn disguised(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        secrets: impl FnOnce() -> Vec<Secret>,
    ) -> Option<Self> {
        let read = ErrorBody::disguised(status, body)?;
        let secrets = &secrets();
        let mut error = Self::new(ErrorKind::Decode, None).with_body(&read, status, secrets);
        let original = error.0.message.take().unwrap_or_default();
        error.0.message = Some(format!(
            "the response has a success status but contains an error: {}",
            one_line(&original)
        ));
        error.0.disguised = true;
        let body = Redactor::new(secrets).bytes(body.clone());
        Some(error.with_response(status, headers.clone(), body))
    }

    /// Creates the error of a success whose body is longer than the limit.
    pub(crate) fn too_long(status: StatusCode, headers: HeaderMap, limit: usize) -> Self {
        let message = format!(
            "the response is longer than {limit} bytes; request fewer items, or raise the limit with `max_body`"
        );
        Self::new(ErrorKind::Decode, message).with_response(status, headers, Bytes::new())
    }

    /// Creates the error of a success whose body is not a `T`. Decodes it again to find the place of the error.
    pub(crate) fn decode<T: DeserializeOwned>(
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Self {
        Self::undecoded(undecodable::<T>(body), status, headers, body)
    }

    /// Creates the error of a successful creation whose response lacks the ID of the created resource.
    pub(crate) fn without_id(status: StatusCode, headers: HeaderMap) -> Self {
        let message = "the response does not contain the ID of the created resource; list what exists before you try again";
        let error = Self::new(ErrorKind::Decode, message.to_owned()).after_attempts(1);
        error.with_response(status, headers, Bytes::new())
    }

    /// Creates the error of a successful response that lacks its main content.
    pub(crate) fn incomplete(operation: Option<&'static str>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Decode, message.into());
        error.0.operation = operation;
        error
    }

    /// Creates the error of a part of a response that could not be decoded, while the rest could.
    pub(crate) fn part_of(&self, message: String) -> Self {
        let mut part = self.clone();
        part.0.message = Some(message);
        part
    }

    /// Returns the whole body of a success that could not be decoded.
    pub(crate) fn undecoded_body(&self) -> Option<Bytes> {
        (self.0.kind == ErrorKind::Decode && !self.0.disguised).then(|| self.0.body.clone())
    }

    fn with_body(mut self, body: &ErrorBody, status: StatusCode, secrets: &[Secret]) -> Self {
        let redactor = Redactor::new(secrets);
        let inner = &mut self.0;
        inner.message = body.message.as_deref().map(|text| redactor.text(text));
        // The identity service repeats the status where others have a code.
        let code = body.code(status).and_then(|code| redactor.id(code));
        inner.code = code.map(ErrorCode::new);
        inner.request_id = body.request_id.as_deref().and_then(|id| redactor.id(id));
        inner.origin = body.origin;
        self
    }

    fn undecoded(message: String, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let mut error = Self::new(ErrorKind::Decode, message);
        error.0.is_blank = is_blank(body);
        error.with_response(status, headers, Bytes::copy_from_slice(body))
    }

    fn with_response(mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        if self.0.request_id.is_none() {
            self.0.request_id = request_id(&headers).map(str::to_owned);
        }
        self.0.status = Some(status);
        self.0.headers = headers;
        self.0.body = body;
        self
    }
}

/// Turns an empty success of an action into a default value: it was accepted, but nothing is known about the
/// resource.
pub(crate) fn accepted<T: Default>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if error.0.is_blank => Ok(T::default()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::types::Notebook;

    use super::super::testing::refusal;
    use super::*;

    #[test]
    fn a_decoding_error_names_the_path_and_no_value() {
        let decode = |body: &str| {
            Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), body.as_bytes())
        };
        let error = decode(r#"{"lease": {"duration": "t0p-s3cret, expected by nobody"}}"#);
        assert_eq!(
            error.to_string(),
            "HTTP 200 OK: the response is not as documented at `lease.duration`: expected a whole number (i64)"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(decode("").to_string().contains("empty"));
        assert!(
            decode("<html>")
                .to_string()
                .contains("not valid JSON (line 1")
        );
        assert!(
            decode(r#"{"name": "a"#)
                .to_string()
                .contains("cut off at `name`")
        );
    }

    #[test]
    fn credentials_that_the_service_repeats_are_redacted() {
        let error = Error::from_status(
            StatusCode::UNAUTHORIZED,
            HeaderMap::new(),
            Bytes::from_static(br#"{"error_msg": "bad token t0p-s3cret"}"#),
            None,
            &["t0p-s3cret", ""].map(Secret::from),
        );
        assert_eq!(error.message(), Some("bad token [redacted]"));
        assert!(!String::from_utf8_lossy(error.body_excerpt()).contains("s3cret"));
    }

    #[test]
    fn a_secret_is_recognised_where_the_excerpt_breaks_off() {
        let excerpt = |body: &'static str| {
            let error = Error::from_status(
                StatusCode::BAD_GATEWAY,
                HeaderMap::new(),
                Bytes::from_static(body.as_bytes()),
                None,
                &[Secret::from("t0p-s3cret-token")],
            );
            String::from_utf8_lossy(error.body_excerpt()).into_owned()
        };
        assert_eq!(excerpt("you sent t0p-s3cret-tok"), "you sent ");
        assert_eq!(excerpt("t0p-s3cret-token t0p-s"), "[redacted] ");
        assert_eq!(excerpt("it was not"), "it was not");
    }

    #[test]
    fn a_secret_is_recognised_in_its_json_spelling() {
        let body = serde_json::json!({"error_msg": "who is \"a\\b\"?"}).to_string();
        let error = Error::from_status(
            StatusCode::UNAUTHORIZED,
            HeaderMap::new(),
            Bytes::from(body),
            None,
            &[Secret::from(r#""a\b"#)],
        );
        assert_eq!(error.message(), Some("who is [redacted]\"?"));
        let excerpt = error.body_excerpt();
        assert_eq!(excerpt, br#"{"error_msg":"who is [redacted]\"?"}"#);
    }

    #[test]
    fn an_excerpt_ends_after_64_kib_and_a_success_is_kept_whole() {
        let body = vec![b' '; 70_000];
        let error = Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), &body);
        assert_eq!(error.body_excerpt().len(), 65_536);
        assert_eq!(error.undecoded_body().unwrap().len(), 70_000);
        assert_eq!(refusal(400, "{}").undecoded_body(), None);
        let success = Bytes::from_static(br#"{"error_code": "ModelArts.6309", "error_msg": "no"}"#);
        let disguised = Error::disguised(StatusCode::OK, &HeaderMap::new(), &success, Vec::new);
        let disguised = disguised.unwrap();
        assert_eq!(disguised.undecoded_body(), None);
        assert_eq!(
            disguised.to_string(),
            "HTTP 200, ModelArts.6309: the response has a success status but contains an error: no"
        );
    }

    #[test]
    fn an_empty_success_of_an_action_is_a_success() {
        let of = |body: &[u8]| {
            let error = Error::decode::<Vec<u8>>(StatusCode::OK, HeaderMap::new(), body);
            accepted::<Vec<u8>>(Err(error))
        };
        for blank in [&b""[..], b" \n", b"null"] {
            assert_eq!(of(blank).unwrap(), [0; 0]);
        }
        assert!(of(b"{").unwrap_err().is_decode());
        assert_eq!(accepted(Ok(vec![1])).unwrap(), [1]);
    }
}
