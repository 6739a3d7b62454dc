//! The pipeline that every request passes: pauses, credentials, time limits, bounded answers, retries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use modelarts_client::{Operation, ResponseValue, Secret, Transport, TransportFuture};
use reqwest::{Request, Response, ResponseBuilderExt, Url};
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span, debug, debug_span, field};

use crate::clock::Clock;
use crate::credentials::{Authenticator, SECURITY_TOKEN, TOKEN};
use crate::error::{EXCERPT, Error, Result};
use crate::limit::RateLimit;
use crate::options::Settings;
use crate::retry::{Attempts, RetryBudget, retry_after};

const LANGUAGE: HeaderName = HeaderName::from_static("x-language");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What all calls of a client share.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Mutex<fastrand::Rng>,
    pub(crate) budget: RetryBudget,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) language: Option<HeaderValue>,
    pub(crate) max_body: usize,
}

/// What belongs to one call.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) idempotent: bool,
    pub(crate) settings: &'a Settings,
    pub(crate) authenticator: Option<&'a dyn Authenticator>,
    /// What else must not be repeated in an error, if the service should send it back.
    pub(crate) secrets: &'a [Secret],
}

/// A complete answer with a success status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many attempts it took.
    attempts: u32,
}

/// The outcome of one attempt, and which credentials it went out with.
struct Attempt {
    outcome: Result<Answer>,
    generation: u64,
}

impl Pipeline {
    pub(crate) async fn run(&self, call: &Call<'_>, request: &mut Request) -> Result<Answer> {
        let span = debug_span!("call", operation = call.operation, method = %request.method());
        self.prepare(request);
        self.attempts(call, request)
            .instrument(span)
            .await
            .map_err(|error| error.in_operation(call.operation))
    }

    async fn attempts(&self, call: &Call<'_>, request: &Request) -> Result<Answer> {
        let deadline = self.clock.elapsed().saturating_add(call.settings.deadline);
        let mut attempts = Attempts::new(
            &call.settings.retry,
            &self.budget,
            call.idempotent,
            deadline,
        );
        let mut replayed = false;
        loop {
            let number = attempts.begin();
            let span = debug_span!(
                "attempt",
                number,
                status = field::Empty,
                millis = field::Empty
            );
            let began = self.clock.elapsed();
            let attempt = self
                .attempt(call, request, deadline)
                .instrument(span.clone())
                .await?;
            self.note(&span, &attempt.outcome, began);
            let error = match attempt.outcome {
                Ok(mut answer) => {
                    attempts.succeeded();
                    answer.attempts = attempts.made();
                    return Ok(answer);
                }
                Err(error) => error.after_attempts(attempts.made()),
            };
            if error.status() == Some(StatusCode::UNAUTHORIZED)
                && !replayed
                && let Some(authenticator) = call.authenticator
                && authenticator.renew(attempt.generation).await?
            {
                replayed = true;
                continue;
            }
            let pause = attempts.pause(
                error.fault(),
                error.retry_after(),
                self.clock.elapsed(),
                self.fraction(),
            );
            let Some(pause) = pause else {
                return Err(error);
            };
            debug!(%error, ?pause, "trying again");
            self.clock.sleep(pause).await;
        }
    }

    /// One attempt with credentials of its own; fails only if there are none to be had.
    async fn attempt(
        &self,
        call: &Call<'_>,
        request: &Request,
        deadline: Duration,
    ) -> Result<Attempt> {
        if let Some(rate_limit) = &self.rate_limit {
            rate_limit.turn(&*self.clock).await;
        }
        let Some(mut request) = request.try_clone() else {
            return Err(Error::argument("the body of a request must be in memory"));
        };
        let generation = match call.authenticator {
            Some(authenticator) => authenticator.authorize(&mut request).await?,
            None => 0,
        };
        let sensitive = Sensitive::of(&request);
        let left = deadline.saturating_sub(self.clock.elapsed());
        let limit = left.min(call.settings.attempt_timeout);
        let exchange = std::pin::pin!(self.exchange(request, &sensitive, call.secrets));
        let outcome = match select(exchange, self.clock.timer(limit)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => Err(Error::timed_out(limit)),
        };
        Ok(Attempt {
            outcome,
            generation,
        })
    }

    async fn exchange(
        &self,
        request: Request,
        sensitive: &Sensitive,
        secrets: &[Secret],
    ) -> Result<Answer> {
        let mut response = self.http.execute(request).await.map_err(Error::exchange)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if !status.is_success() {
            let body = read_excerpt(response).await;
            let wait = retry_after(&headers, self.clock.now());
            let mut known = sensitive.texts();
            known.extend(secrets.iter().map(Secret::expose));
            return Err(Error::status_answer(status, headers, body, wait, &known));
        }
        match read_all(response, self.max_body).await? {
            Some(body) => Ok(Answer {
                status,
                headers,
                body,
                attempts: 1,
            }),
            None => Err(Error::too_long(status, headers, self.max_body)),
        }
    }

    /// Everything about a request that is the same for all its attempts.
    fn prepare(&self, request: &mut Request) {
        // Form encoding writes a space as `+`, which not every server reads back. A plus sign itself is `%2B`.
        let spaces = request.url().query().filter(|query| query.contains('+'));
        if let Some(query) = spaces.map(|query| query.replace('+', "%20")) {
            request.url_mut().set_query(Some(&query));
        }
        // A POST without a body is refused by some gateways unless it says so.
        let is_bare =
            request.body().is_none() && !matches!(*request.method(), Method::GET | Method::DELETE);
        let headers = request.headers_mut();
        if is_bare {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        headers.entry(ACCEPT).or_insert(JSON);
        headers.entry(CONTENT_TYPE).or_insert(JSON);
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(language) = &self.language {
            headers.insert(LANGUAGE, language.clone());
        }
    }

    fn note(&self, span: &Span, outcome: &Result<Answer>, began: Duration) {
        if span.is_disabled() {
            return;
        }
        let status = match outcome {
            Ok(answer) => Some(answer.status),
            Err(error) => error.status(),
        };
        if let Some(status) = status {
            span.record("status", status.as_u16());
        }
        let taken = self.clock.elapsed().saturating_sub(began);
        span.record(
            "millis",
            u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
        );
    }

    fn fraction(&self) -> f64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.f64()
    }
}

/// The credentials on a request, so that an error cannot repeat them.
struct Sensitive([Option<HeaderValue>; 3]);

impl Sensitive {
    fn of(request: &Request) -> Self {
        Self(
            [TOKEN, SECURITY_TOKEN, AUTHORIZATION].map(|name| request.headers().get(name).cloned()),
        )
    }

    fn texts(&self) -> Vec<&str> {
        self.0
            .iter()
            .flatten()
            .filter_map(|value| value.to_str().ok())
            .collect()
    }
}

/// The whole body, or `None` if it is longer than `limit`.
async fn read_all(mut response: Response, limit: usize) -> Result<Option<Bytes>> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        return Ok(None);
    }
    let Some(first) = chunk(&mut response).await? else {
        return Ok(Some(Bytes::new()));
    };
    let Some(second) = chunk(&mut response).await? else {
        return Ok((first.len() <= limit).then_some(first));
    };
    let mut body = BytesMut::with_capacity(first.len() + second.len());
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limit {
        match chunk(&mut response).await? {
            Some(more) => body.extend_from_slice(&more),
            None => return Ok(Some(body.freeze())),
        }
    }
    Ok(None)
}

async fn chunk(response: &mut Response) -> Result<Option<Bytes>> {
    response.chunk().await.map_err(Error::exchange)
}

/// The beginning of an error body. What breaks off has a beginning too.
async fn read_excerpt(mut response: Response) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(more)) = response.chunk().await {
        let room = EXCERPT - body.len();
        body.extend_from_slice(&more[..more.len().min(room)]);
        if body.len() == EXCERPT {
            break;
        }
    }
    body.freeze()
}

/// The pipeline as the generated client sees it.
///
/// It lives as long as one call, or as one [`raw`](crate::ModelArts::raw) client.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) operations: &'static [Operation],
    pub(crate) secrets: Vec<Secret>,
    pub(crate) heads: Heads,
}

/// Where status and headers of a success go.
#[derive(Debug)]
pub(crate) enum Heads {
    /// With the response, for whoever called the generated client.
    HandedOn,
    /// Here, for [`Line::settle`]: an error about the body needs them, and the generated code drops them.
    Kept(Mutex<Option<Head>>),
}

#[derive(Debug)]
pub(crate) struct Head {
    operation: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    attempts: u32,
}

impl Heads {
    pub(crate) fn kept() -> Self {
        Self::Kept(Mutex::default())
    }
}

impl Line {
    /// What a generated call returned, with the headers; its error made ours, with what only the pipeline knows.
    pub(crate) fn settle<T: DeserializeOwned>(
        &self,
        outcome: Result<ResponseValue<T>, modelarts_client::Error<()>>,
    ) -> Result<(T, HeaderMap)> {
        let head = match &self.heads {
            Heads::HandedOn => None,
            Heads::Kept(head) => head.lock().unwrap_or_else(PoisonError::into_inner).take(),
        };
        match (outcome, head) {
            (Ok(value), head) => {
                let headers = head.map(|head| head.headers).unwrap_or_default();
                Ok((value.into_inner(), headers))
            }
            (Err(modelarts_client::Error::InvalidResponsePayload(body, _)), Some(head)) => {
                let error = Error::decode::<T>(head.status, head.headers, &body);
                let error = error.after_attempts(head.attempts);
                Err(error.in_operation(head.operation))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn run(&self, mut request: Request, name: &'static str) -> Response {
        let operation = self.operations.iter().find(|o| o.method_name == name);
        let call = Call {
            operation: operation.map_or(name, |operation| operation.id),
            idempotent: operation.is_some_and(|operation| operation.idempotent),
            settings: &self.settings,
            authenticator: self.authenticator.as_deref(),
            secrets: &self.secrets,
        };
        // Without it the response would parse a placeholder, which takes as long as all else here.
        let url = request.url().clone();
        match self.pipeline.run(&call, &mut request).await {
            Ok(mut answer) => {
                self.keep_head(call.operation, &mut answer);
                answer.into_response(url)
            }
            Err(error) => carry(error),
        }
    }

    fn keep_head(&self, operation: &'static str, answer: &mut Answer) {
        let Heads::Kept(head) = &self.heads else {
            return;
        };
        *head.lock().unwrap_or_else(PoisonError::into_inner) = Some(Head {
            operation,
            status: answer.status,
            headers: std::mem::take(&mut answer.headers),
            attempts: answer.attempts,
        });
    }
}

impl Transport for Line {
    fn execute<'a>(
        &'a self,
        _http: &'a reqwest::Client,
        request: Request,
        operation: &'static str,
    ) -> TransportFuture<'a> {
        Box::pin(async move { Ok(self.run(request, operation).await) })
    }
}

impl Answer {
    fn into_response(self, url: Url) -> Response {
        match http::Response::builder().url(url).body(self.body) {
            Ok(mut response) => {
                *response.status_mut() = self.status;
                *response.headers_mut() = self.headers;
                Response::from(response)
            }
            Err(_) => carry(Error::argument("an answer cannot be handed on")),
        }
    }
}

/// Wraps an error into a response, since a response is all that the generated code hands on whole.
fn carry(error: Error) -> Response {
    let refused = error.status().filter(|status| !status.is_success());
    let mut response = http::Response::new(Bytes::copy_from_slice(error.body_excerpt()));
    // 599 is a status that no server sends: there was no answer to speak of.
    let no_answer = || StatusCode::from_u16(599).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.status_mut() = refused.unwrap_or_else(no_answer);
    *response.headers_mut() = error.headers().clone();
    response.extensions_mut().insert(error);
    Response::from(response)
}
