//! A request that has been accepted, on its way to its operation.

use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use modelarts_client::{Open, OpenEnum};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::query::{Query, truth};
use super::response::refusal;
use super::validate::Operation;
use crate::domain::Caller;
use crate::error::{ApiError, ApiResult, code};
use crate::ids::RequestId;

/// What the generated routes need of whoever implements the operations.
pub(crate) trait Server: Send + Sync + 'static {
    /// Everything that comes before the operation: faults, credentials, the limits of the document. An error is the response
    /// to a request that does not get as far as its operation.
    fn accept(
        &self,
        operation: &'static Operation,
        request: Request,
    ) -> impl Future<Output = Result<AcceptedRequest, Response>> + Send;
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
    pub(super) path: RawPathParams,
    pub(super) query: Query,
    /// `None`: it has none, and need not have one.
    pub(super) body: Option<Value>,
}

impl AcceptedRequest {
    /// A parameter of the path.
    pub(crate) fn path(&self, name: &str) -> ApiResult<&str> {
        path_parameter(&self.path, name).ok_or_else(|| ApiError::required(name, " in the path"))
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

/// A parameter of a path.
pub(super) fn path_parameter<'a>(parameters: &'a RawPathParams, name: &str) -> Option<&'a str> {
    let mut parameters = parameters.iter();
    let found = parameters.find(|(known, _)| *known == name);
    found.map(|(_, value)| value)
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
