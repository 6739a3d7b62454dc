//! A request that has been accepted, on its way to its operation.

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
use super::query::{Query, truth};
use super::response::refusal;
use crate::domain::Caller;
use crate::error::{ApiError, ApiResult, code};
use crate::ids::RequestId;

/// What handles a request to an operation.
pub(crate) type Handler<S> = for<'a> fn(&'a S, OperationRequest<'a>) -> ResponseFuture<'a>;

/// A response that is being made.
pub(crate) type ResponseFuture<'a> = BoxFuture<'a, Response>;

/// A request to an operation, of which nothing has been checked yet.
pub(crate) struct OperationRequest<'a> {
    pub(super) operation: &'static Operation,
    pub(super) parts: Parts,
    pub(super) body: Body,
    pub(super) path: PathParameters,
    pub(super) context: &'a mut RequestContext,
}

/// What the generated handlers need of whoever implements the operations.
pub(crate) trait Server: Send + Sync + 'static {
    /// Everything that comes before the operation: faults, credentials, the limits of the document. An error is the response
    /// to a request that does not get as far as its operation.
    fn accept(
        &self,
        request: OperationRequest<'_>,
    ) -> impl Future<Output = Result<AcceptedRequest, Response>> + Send;
}

/// The parameters of a path, decoded.
#[derive(Debug, Default)]
pub(crate) struct PathParameters {
    /// All values, one after the other.
    values: String,
    /// The name of each, and where it ends.
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

/// What an operation knows of its request beside the parameters.
#[derive(Debug)]
pub(crate) struct Cx {
    /// Who asks, for which project.
    pub(crate) caller: Caller,
    /// Also in the response, as `X-Request-Id`.
    pub(crate) request_id: RequestId,
    /// The headers of the request.
    pub(crate) headers: HeaderMap,
}

/// A request that keeps the limits of the document and comes from whom it says.
#[derive(Debug)]
pub(crate) struct AcceptedRequest {
    pub(crate) cx: Cx,
    pub(super) operation: &'static Operation,
    pub(super) path: PathParameters,
    pub(super) query: Query,
    /// `None`: it has none, and need not have one.
    pub(super) body: Option<Value>,
}

impl AcceptedRequest {
    /// A parameter of the path.
    pub(crate) fn path(&self, name: &str) -> ApiResult<&str> {
        let found = self.path.get(name);
        found.ok_or_else(|| ApiError::required(name, " in the path"))
    }

    /// A parameter of the path that is no text.
    #[allow(
        dead_code,
        reason = "generated code calls it where a document asks for it"
    )]
    pub(crate) fn path_value<T: FromText>(&self, name: &str) -> ApiResult<T> {
        value(name, self.path(name)?)
    }

    /// A parameter of the query, under the first of its names that has a value.
    pub(crate) fn query<T: FromText>(&self, names: &[&str]) -> ApiResult<Option<T>> {
        let mut found = names
            .iter()
            .filter_map(|name| Some((name, self.query.get(name)?)));
        let found = found.next();
        found.map(|(name, text)| value(name, text)).transpose()
    }

    /// A header.
    #[allow(
        dead_code,
        reason = "generated code calls it where a document asks for it"
    )]
    pub(crate) fn header<T: FromText>(&self, name: &str) -> ApiResult<Option<T>> {
        let found = self.cx.headers.get(name);
        let text = found.and_then(|value| value.to_str().ok());
        text.map(|text| value(name, text)).transpose()
    }

    /// The body as its type.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> ApiResult<T> {
        let body = self.body.take();
        decode(body.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The body as its type, if there is one.
    pub(crate) fn optional_body<T: DeserializeOwned>(&mut self) -> ApiResult<Option<T>> {
        self.body.take().map(decode).transpose()
    }

    /// The response to it.
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
            format!("The body cannot be used: {error}."),
        )
    })
}

fn value<T: FromText>(name: &str, text: &str) -> ApiResult<T> {
    T::from_text(text).ok_or_else(|| ApiError::new(code::TYPE, format!("'{name}' cannot be read.")))
}

/// A type that parameters of the path, the query or the headers have.
pub(crate) trait FromText: Sized {
    /// The value; `None` if the text is none.
    fn from_text(text: &str) -> Option<Self>;
}

impl FromText for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Option<Self> {
        truth(text)
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
