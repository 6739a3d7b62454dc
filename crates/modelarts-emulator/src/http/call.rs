//! A request that has been found good, and the answer to it.

use std::sync::Arc;

use axum::extract::RawPathParams;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::App;
use crate::domain::{At, Caller, Paging, State};
use crate::error::{ApiError, ApiResult, code};
use crate::http::response::{json_bytes, json_response, refusal};
use crate::http::validate::{Operation, Query};
use crate::ids::RequestId;

/// The most records on a page.
const LARGEST_PAGE: usize = 1_000;

/// What a handler is given.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) operation: &'static Operation,
    pub(crate) caller: Caller,
    pub(crate) params: RawPathParams,
    pub(crate) query: Query,
    pub(crate) body: Value,
    pub(crate) request_id: RequestId,
    pub(crate) headers: HeaderMap,
}

impl Call {
    /// A parameter of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        param(&self.params, name).unwrap_or_default()
    }

    /// What URLs in the response begin with.
    pub(crate) fn base_url(&self) -> String {
        self.app.base_url(&self.headers)
    }

    /// The body as its type.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> ApiResult<T> {
        serde_json::from_value(self.body.take()).map_err(|error| {
            ApiError::new(
                code::PARAMETER,
                format!("The body cannot be used: {error}."),
            )
        })
    }

    /// Which part of a list is wanted.
    pub(crate) fn paging(&self, default: Option<usize>) -> ApiResult<Paging> {
        let number = |name: &str| match self.query.integer(name) {
            None => Ok(None),
            Some(number) => usize::try_from(number)
                .map(Some)
                .map_err(|_| ApiError::value(name, "it must not be negative")),
        };
        let limit = number("limit")?;
        if let Some(limit) = limit.filter(|limit| *limit > LARGEST_PAGE) {
            return Err(ApiError::value(
                "limit",
                format_args!("a page has at most {LARGEST_PAGE} records, not {limit}"),
            ));
        }
        Ok(Paging {
            offset: number("offset")?.unwrap_or(0),
            limit: limit.filter(|limit| *limit > 0).or(default),
        })
    }

    /// Answers from the state as it is.
    pub(crate) fn read<T: Serialize>(
        &self,
        look: impl FnOnce(&State, &At<'_>) -> ApiResult<T>,
    ) -> Response {
        let result = self.app.read(|state, now| look(state, &self.at(now)));
        self.answer(StatusCode::OK, result)
    }

    /// Answers with JSON that the state has made.
    pub(crate) fn read_json(
        &self,
        look: impl FnOnce(&State, &At<'_>) -> ApiResult<Bytes>,
    ) -> Response {
        match self.app.read(|state, now| look(state, &self.at(now))) {
            Ok(json) => json_bytes(StatusCode::OK, json),
            Err(error) => refusal(&error, self.operation, self.request_id),
        }
    }

    /// Changes the state and answers with the result.
    pub(crate) async fn write<T: Serialize>(
        &self,
        change: impl FnOnce(&mut State, &At<'_>) -> ApiResult<T>,
    ) -> Response {
        let result = self
            .app
            .write(|state, now| change(state, &self.at(now)))
            .await;
        self.answer(StatusCode::OK, result)
    }

    /// Changes the state and answers without a body.
    pub(crate) async fn write_empty(
        &self,
        status: StatusCode,
        change: impl FnOnce(&mut State, &At<'_>) -> ApiResult<()>,
    ) -> Response {
        let result = self
            .app
            .write(|state, now| change(state, &self.at(now)))
            .await;
        match result {
            Ok(()) => status.into_response(),
            Err(error) => refusal(&error, self.operation, self.request_id),
        }
    }

    fn at(&self, now: i64) -> At<'_> {
        At {
            now,
            caller: &self.caller,
        }
    }

    pub(crate) fn answer<T: Serialize>(
        &self,
        status: StatusCode,
        result: ApiResult<T>,
    ) -> Response {
        match result {
            Ok(value) => json_response(status, &value),
            Err(error) => refusal(&error, self.operation, self.request_id),
        }
    }
}

/// A parameter of a path.
pub(crate) fn param<'a>(params: &'a RawPathParams, name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}
