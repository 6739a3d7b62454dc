//! The transport, which sends the requests that a generated client prepares.

use std::fmt;
use std::future::Future;

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, StatusCode};
use reqwest::Request;
use serde::de::{DeserializeOwned, Deserializer, Visitor};

use crate::{Prepared, RawResponse, RequestError, ResponseValue};

/// Sends the requests of a generated client.
///
/// `reqwest::Client` is a plain transport: it adds no credentials and does not retry. The facade `modelarts::ModelArts`
/// is a transport with credentials, retries and time limits.
///
/// ```
/// use modelarts_client::{Error, Prepared, ResponseValue, Transport, devenviron};
/// use serde::de::DeserializeOwned;
///
/// #[derive(Debug)]
/// struct WithToken(reqwest::Client, &'static str);
///
/// impl Transport for WithToken {
///     type Error = Error;
///
///     async fn send<T: DeserializeOwned>(&self, mut request: Prepared<T>) -> Result<ResponseValue<T>, Error> {
///         let token = self.1.parse().expect("a token is a valid header value");
///         request.headers_mut().insert("x-auth-token", token);
///         self.0.send(request).await
///     }
/// }
///
/// # fn build(http: reqwest::Client) -> devenviron::Client<WithToken> {
/// let client = devenviron::Client::new_with_client("http://127.0.0.1:8780", http.clone());
/// client.with_transport(WithToken(http, "00000000"))
/// # }
/// ```
pub trait Transport: Sync {
    /// The error if there is no typed response.
    type Error: From<RequestError>;

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// When there is no response, or the response does not have a success status and a body of type `T`.
    fn send<T: DeserializeOwned>(
        &self,
        request: Prepared<T>,
    ) -> impl Future<Output = Result<ResponseValue<T>, Self::Error>> + Send;
}

/// The error of a request that is sent by `reqwest::Client` and has no typed response.
///
/// Neither `Debug` nor `Display` shows a body, which can hold secrets.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request could not be built, so it was not sent.
    Request(RequestError),
    /// The exchange failed below HTTP.
    Http(reqwest::Error),
    /// The response does not have a success status.
    Status(RawResponse),
    /// The response has a success status, but its body does not match the document.
    Body(RawResponse, serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Http(error) => error.fmt(f),
            Self::Status(response) => write!(f, "the response has the status {}", response.status),
            Self::Body(response, error) => write!(
                f,
                "the body of the response ({}) is not as documented at line {}, column {}",
                response.status,
                error.line(),
                error.column()
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::Http(error) => Some(error),
            // The message of serde_json quotes the value.
            Self::Status(_) | Self::Body(..) => None,
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl Transport for reqwest::Client {
    type Error = Error;

    async fn send<T: DeserializeOwned>(
        &self,
        prepared: Prepared<T>,
    ) -> Result<ResponseValue<T>, Error> {
        let may_be_empty = prepared.may_be_empty();
        let response = self.execute(with_length(prepared.into_request())).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let response = RawResponse::new(status, headers, response.bytes().await?);
        if !response.status.is_success() {
            return Err(Error::Status(response));
        }
        match decode(response.status, &response.body, may_be_empty) {
            Ok(value) => Ok(ResponseValue::new(value, response.status, response.headers)),
            Err(error) => Err(Error::Body(response, error)),
        }
    }
}

/// Decodes the body of a successful response.
///
/// The documentation lists status 204 in addition to 200 for deletions: a response with 204 is decoded as an empty
/// object, and so is an empty body if it [may be empty](Prepared::may_be_empty).
///
/// # Errors
/// When the body does not match the document.
pub fn decode<T: DeserializeOwned>(
    status: StatusCode,
    body: &[u8],
    may_be_empty: bool,
) -> serde_json::Result<T> {
    let body = without_bom(body);
    let empty = status == StatusCode::NO_CONTENT || (may_be_empty && body.is_empty());
    let body = if empty { b"{}" } else { body };
    let mut decoded = decode_once(body);
    if let Err(error) = &decoded
        && let Some(body) = last_of_each_key(body, error)
        // The position of a new error would refer to the rewritten text.
        && let Ok(value) = decode_once(&body)
    {
        decoded = Ok(value);
    }
    decoded
}

fn decode_once<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    // Without `?`, which would copy the value.
    let value = T::deserialize(FromObject(&mut json));
    if value.is_ok() {
        json.end()?;
    }
    value
}

/// Rewrites a body that repeats a key, keeping the last value, as other languages do.
///
/// It returns text instead of a `Value`, for which the code of every type would be compiled again.
fn last_of_each_key(body: &[u8], error: &serde_json::Error) -> Option<Vec<u8>> {
    if !error.to_string().starts_with("duplicate field") {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json::to_vec(&value).ok()
}

/// The body without the byte order mark that some servers put before UTF-8.
fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Decodes a struct from an object only. By default, serde also decodes a struct from an array, member by member: an
/// empty array would become a resource without any values.
struct FromObject<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for FromObject<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Sets `Content-Length: 0` where a body is usual but missing: gateways refuse such requests without the header.
fn with_length(mut request: Request) -> Request {
    let usual = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    if usual && request.body().is_none() {
        let none = HeaderValue::from_static("0");
        request.headers_mut().insert(CONTENT_LENGTH, none);
    }
    request
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    #[test]
    fn a_post_without_body_says_so() {
        let request = |method| Request::new(method, "http://127.0.0.1/".parse().unwrap());
        let length = |method| {
            with_length(request(method))
                .headers()
                .get(CONTENT_LENGTH)
                .cloned()
        };
        assert_eq!(length(Method::POST), Some(HeaderValue::from_static("0")));
        assert_eq!(length(Method::GET), None);
    }

    #[test]
    fn no_content_is_an_empty_object_and_an_empty_200_is_nothing() {
        let read = |status, may_be_empty| {
            let read = decode::<serde_json::Value>(status, b"", may_be_empty);
            read.map_or(0, |value| value.to_string().len())
        };
        assert_eq!(read(StatusCode::NO_CONTENT, false), 2);
        assert_eq!(read(StatusCode::OK, true), 2);
        assert_eq!(read(StatusCode::OK, false), 0);
    }

    #[cfg(feature = "devenviron")]
    #[test]
    fn the_last_of_a_repeated_key_counts() {
        use crate::devenviron::types::Notebook;

        let body = br#"{"id": "n1", "name": "a", "lease": {"duration": 1, "duration": "2.0"}, "name": "b"}"#;
        let notebook: Notebook = decode(StatusCode::OK, body, false).unwrap();
        assert_eq!(notebook.name.as_deref(), Some("b"));
        assert_eq!(notebook.lease.and_then(|lease| lease.duration), Some(2));
    }

    #[test]
    fn an_object_is_read_from_an_object_only() {
        #[derive(serde::Deserialize)]
        struct Thing {
            #[serde(default)]
            id: Option<String>,
        }
        let read = |body: &[u8]| {
            let thing = decode::<Thing>(StatusCode::OK, body, true);
            thing.map(|thing| thing.id.unwrap_or_default())
        };
        assert_eq!(read(b"{\"id\": \"t1\"}").unwrap(), "t1");
        assert_eq!(read(b"\xef\xbb\xbf{\"id\": \"t1\"}").unwrap(), "t1");
        assert_eq!(read(b"\xef\xbb\xbf").unwrap(), "");
        for body in [
            "[]",
            "[\"t1\"]",
            "\"t1\"",
            "1",
            "{} {}",
            "{}x",
            "\u{feff}[]",
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let list = |body: &[u8]| decode::<Vec<Option<u8>>>(StatusCode::OK, body, false);
        assert_eq!(list(b"[1, null]").unwrap(), [Some(1), None]);
        let one = decode::<Option<Thing>>(StatusCode::OK, b"null", false);
        assert!(one.unwrap().is_none());
    }

    #[test]
    fn errors_show_no_body() {
        let response = || {
            let body = Bytes::from_static(b"\"hunter2\"");
            RawResponse::new(StatusCode::OK, HeaderMap::new(), body)
        };
        let error = decode::<u32>(StatusCode::OK, &response().body, false).unwrap_err();
        for error in [Error::Status(response()), Error::Body(response(), error)] {
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(!format!("{:?}", Error::Status(response())).contains("hunter2"));
    }
}
