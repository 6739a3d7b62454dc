//! Requests to operations, before and after they are accepted.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use http::HeaderMap;
use http::request::Parts;
use modelarts_client::{Open, OpenEnum};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::context::RequestContext;
use super::operation::Operation;
use super::query::{Query, parse_bool};
use super::response::refusal;
use crate::domain::Caller;
use crate::error::{ApiError, ApiResult, code};
use crate::ids::RequestId;

/// A generated handler of an operation's requests.
pub(crate) type Handler<S> = for<'a> fn(&'a S, OperationRequest<'a>) -> ResponseFuture<'a>;

/// The response of a handler.
pub(crate) type ResponseFuture<'a> = BoxFuture<'a, Response>;

/// A request to an operation, before any check.
pub(crate) struct OperationRequest<'a> {
    pub(super) operation: &'static Operation,
    pub(super) parts: Parts,
    pub(super) body: Body,
    pub(super) path: PathParameters,
    pub(super) context: &'a mut RequestContext,
}

/// What the generated handlers need besides the operations themselves.
pub(crate) trait Server: Send + Sync + 'static {
    /// Does everything that comes before the operation: faults, credentials, limits of the document. The error is the
    /// response to a request that is refused.
    fn accept(
        &self,
        request: OperationRequest<'_>,
    ) -> impl Future<Output = Result<AcceptedRequest, Response>> + Send;
}

/// The parameters of a path, decoded.
#[derive(Debug, Default)]
pub(crate) struct PathParameters {
    /// All values, concatenated.
    values: String,
    /// The name of each value, and its end.
    ends: Vec<(&'static str, usize)>,
    has_errors: bool,
}

impl PathParameters {
    pub(super) fn new(matched: &matchit::Params<'static, '_>) -> Self {
        let mut values = String::with_capacity(matched.iter().map(|(_, value)| value.len()).sum());
        let mut ends = Vec::with_capacity(matched.len());
        let mut has_errors = false;
        for (name, value) in matched.iter() {
            match percent_decode_str(value).decode_utf8() {
                Ok(value) => values.push_str(&value),
                Err(_) => has_errors = true,
            }
            ends.push((name, values.len()));
        }
        Self {
            values,
            ends,
            has_errors,
        }
    }

    pub(super) fn check(&self) -> ApiResult<()> {
        if self.has_errors {
            let message = "The path is not UTF-8 after decoding.";
            return Err(ApiError::new(code::PARAMETER, message));
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let index = self.ends.iter().position(|(known, _)| *known == name)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
        self.values.get(start..self.ends[index].1)
    }
}

/// The context of a request: what an operation knows besides the parameters.
#[derive(Debug)]
pub(crate) struct Cx {
    /// The caller and the project.
    pub(crate) caller: Caller,
    /// The `X-Request-Id` of the response.
    pub(crate) request_id: RequestId,
    /// The headers of the request.
    pub(crate) headers: HeaderMap,
}

/// A request that passed all checks: its credentials are valid, and it follows the rules of the document.
#[derive(Debug)]
pub(crate) struct AcceptedRequest {
    pub(crate) cx: Cx,
    pub(super) operation: &'static Operation,
    pub(super) path: PathParameters,
    pub(super) query: Query,
    /// `None` if it has no body and needs none.
    pub(super) body: Option<Value>,
}

impl AcceptedRequest {
    /// Returns a parameter of the path.
    pub(crate) fn path(&self, name: &str) -> ApiResult<&str> {
        let found = self.path.get(name);
        found.ok_or_else(|| ApiError::required(name, " in the path"))
    }

    /// Returns a parameter of the path whose type is not a string.
    #[allow(dead_code, reason = "generated code calls it if a document needs it")]
    pub(crate) fn path_value<T: FromText>(&self, name: &str) -> ApiResult<T> {
        value(name, self.path(name)?)
    }

    /// Returns a parameter of the query, by the first of its names that has a value.
    pub(crate) fn query<T: FromText>(&self, names: &[&str]) -> ApiResult<Option<T>> {
        let mut found = names
            .iter()
            .filter_map(|name| Some((name, self.query.get(name)?)));
        let found = found.next();
        found.map(|(name, text)| value(name, text)).transpose()
    }

    /// Returns a header.
    #[allow(dead_code, reason = "generated code calls it if a document needs it")]
    pub(crate) fn header<T: FromText>(&self, name: &str) -> ApiResult<Option<T>> {
        let found = self.cx.headers.get(name);
        let text = found.and_then(|value| value.to_str().ok());
        text.map(|text| value(name, text)).transpose()
    }

    /// Decodes the body; a missing one is an empty object.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> ApiResult<T> {
        let body = self.body.take();
        decode(body.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// Decodes the body, if there is one.
    pub(crate) fn optional_body<T: DeserializeOwned>(&mut self) -> ApiResult<Option<T>> {
        self.body.take().map(decode).transpose()
    }

    /// Returns the response with the result of the operation.
    pub(crate) fn respond(&self, result: ApiResult<impl IntoResponse>) -> Response {
        match result {
            Ok(reply) => reply.into_response(),
            Err(error) => refusal(&error, self.operation, self.cx.request_id),
        }
    }
}

fn decode<T: DeserializeOwned>(body: Value) -> ApiResult<T> {
    serde_json::from_value(body).map_err(|error| {
        ApiError::new(
            code::PARAMETER,
            format!("The body does not have the expected form: {error}."),
        )
    })
}

fn value<T: FromText>(name: &str, text: &str) -> ApiResult<T> {
    T::from_text(text)
        .ok_or_else(|| ApiError::new(code::TYPE, format!("'{name}' cannot be parsed.")))
}

/// A type of parameters in the path, the query or the headers.
pub(crate) trait FromText: Sized {
    /// Parses the value; `None` if the text is not valid.
    fn from_text(text: &str) -> Option<Self>;
}

impl FromText for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Option<Self> {
        parse_bool(text)
    }
}

impl FromText for i32 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromText for i64 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromText for f64 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &Self| number.is_finite())
    }
}

impl<E: OpenEnum> FromText for Open<E> {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}
