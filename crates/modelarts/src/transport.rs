//! The pipeline that every request passes through: rate limit, credentials, time limits, bounded responses, retries.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use modelarts_client::{Operation, Prepared, RawResponse, ResponseValue, Secret, Shape};
use reqwest::{Body, Request, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Instrument, Span, debug, debug_span, field, warn};

use crate::clock::Clock;
use crate::credentials::{Authenticator, SECURITY_TOKEN, TOKEN};
use crate::endpoint;
use crate::error::{EXCERPT, Error, Result, drop_revealing_ids};
use crate::exchange_log;
use crate::http_client::HttpClients;
use crate::limit::{RateLimit, TooLate};
use crate::options::CallSettings;
use crate::retry::{Attempts, RetryBudget, date, retry_after};

const LANGUAGE: HeaderName = HeaderName::from_static("x-language");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The target of the [`tracing`] events that announce each retry, at level debug, before its backoff delay begins.
///
/// Their fields are `reason` (a few words, such as `throttled`), `delay_ms`, `next_attempt`, `max_attempts` and
/// `error`. A subscriber can use them to show a user what a program is waiting for.
pub const RETRY_EVENTS: &str = "modelarts::retry";

/// The state that all calls of a client share.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) http: reqwest::Client,
    /// The HTTP clients of the runtimes that requests are sent from.
    pub(crate) clients: HttpClients,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Mutex<fastrand::Rng>,
    pub(crate) budget: RetryBudget,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) language: Option<HeaderValue>,
    pub(crate) max_body: usize,
}

/// The settings and facts of one call.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) idempotent: bool,
    pub(crate) settings: &'a CallSettings,
    pub(crate) authenticator: Option<&'a dyn Authenticator>,
    /// The operation of the document, which lists the secrets in its bodies that errors and traces must not repeat.
    pub(crate) described: &'static Operation,
}

impl<'a> Call<'a> {
    fn new<T>(
        settings: &'a CallSettings,
        authenticator: Option<&'a dyn Authenticator>,
        prepared: &Prepared<T>,
    ) -> Self {
        let operation = prepared.operation();
        Self {
            operation: operation.id,
            idempotent: prepared.is_idempotent(),
            settings,
            authenticator,
            described: operation,
        }
    }

    /// Adds the secrets in the body of a request.
    fn secrets_in(&self, request: &Request, texts: &mut Vec<Secret>) {
        let Some(shape) = self.described.request_body else {
            return;
        };
        let body = request.body().and_then(Body::as_bytes);
        if let Some(Ok(body)) = body.map(serde_json::from_slice::<Value>) {
            collect_secrets(&body, shape, texts);
        }
    }
}

fn collect_secrets(value: &Value, shape: &Shape, texts: &mut Vec<Secret>) {
    match (value, shape) {
        (Value::String(text), Shape::Secret) => texts.push(Secret::from(text.as_str())),
        (Value::Array(items), Shape::List(shape)) => {
            let items = items.iter();
            items.for_each(|item| collect_secrets(item, shape, texts));
        }
        (Value::Object(members), Shape::Object(_, others)) => {
            for (name, member) in members {
                if let Some(shape) = shape.member(name).or(*others) {
                    collect_secrets(member, shape, texts);
                }
            }
        }
        _ => {}
    }
}

/// A complete response with a success status.
#[derive(Debug)]
pub(crate) struct Success {
    /// Its body has been read.
    response: Response,
    body: Bytes,
    /// The number of attempts that it took.
    attempts: u32,
}

/// An attempt that did not succeed.
struct Failed {
    error: Error,
    /// The generation of the credentials that it was sent with; `None` if no credentials could be obtained.
    generation: Option<u64>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            generation: None,
        }
    }
}

impl Pipeline {
    pub(crate) async fn run(&self, call: &Call<'_>, request: &mut Request) -> Result<Success> {
        let span = debug_span!("call", operation = call.operation, method = %request.method());
        self.prepare(request);
        let deadline = self.clock.elapsed().saturating_add(call.settings.deadline);
        let mut attempts = Attempts::new(
            &call.settings.retry,
            &self.budget,
            call.idempotent,
            deadline,
        );
        self.attempts(call, request, deadline, &mut attempts)
            .instrument(span)
            .await
            .map_err(|error| {
                let error = error
                    .in_operation(call.operation)
                    .of_idempotency(call.idempotent)
                    .at_host(request.url());
                let is_known = error.determines_outcome(request.method());
                match attempts.earlier_outcome_unknown() && !is_known {
                    true => error.after_unknown_outcome(call.operation),
                    false => error,
                }
            })
    }

    async fn attempts(
        &self,
        call: &Call<'_>,
        request: &Request,
        deadline: Duration,
        attempts: &mut Attempts<'_>,
    ) -> Result<Success> {
        let mut replayed = false;
        loop {
            let number = attempts.begin();
            let span = debug_span!(
                "attempt",
                number,
                status = field::Empty,
                millis = field::Empty
            );
            let attempt = self.attempt(call, request, deadline, &span);
            let failed = match attempt.instrument(span.clone()).await {
                Ok(mut success) => {
                    attempts.succeeded();
                    success.attempts = attempts.made();
                    return Ok(success);
                }
                Err(failed) => failed,
            };
            let Some(generation) = failed.generation else {
                return Err(failed.error.before_sending(number - 1));
            };
            let error = failed.error.after_attempts(attempts.made());
            let error = match self.correct_clock(call, generation, error, replayed) {
                Ok(()) => {
                    replayed = true;
                    continue;
                }
                Err(error) => error,
            };
            if error.status() == Some(StatusCode::UNAUTHORIZED)
                && !replayed
                && let Some(authenticator) = call.authenticator
                && let renewal = pin!(authenticator.renew(generation))
                && self
                    .within(self.left(deadline), renewal)
                    .await
                    .ok_or_else(|| Error::deadline_exceeded(call.settings.deadline))
                    .flatten()
                    .map_err(|error| error.before_sending(number))?
            {
                replayed = true;
                continue;
            }
            let delay = attempts.delay(
                error.failure_kind(),
                error.retry_after(),
                self.clock.elapsed(),
                self.fraction(),
            );
            let delay = match delay {
                Ok(delay) => delay,
                Err(limit) => return Err(error.ended_by(limit)),
            };
            debug!(
                target: RETRY_EVENTS,
                reason = error.failure_kind().reason(),
                delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                next_attempt = attempts.made() + 1,
                max_attempts = call.settings.retry.attempts(),
                %error,
                "retrying"
            );
            self.clock.sleep(delay).await;
        }
    }

    /// Makes signatures follow the service's clock if it differs from this machine's; otherwise returns the error.
    fn correct_clock(
        &self,
        call: &Call<'_>,
        generation: u64,
        error: Error,
        replayed: bool,
    ) -> Result<()> {
        let is_refusal = error.status() == Some(StatusCode::UNAUTHORIZED) && !replayed;
        let (Some(ahead), Some(authenticator), true) =
            (error.clock_skew(), call.authenticator, is_refusal)
        else {
            return Err(error);
        };
        let now = self.clock.now();
        let service_time = now.checked_sub(ahead).unwrap_or(now);
        match authenticator.correct_clock(generation, service_time) {
            true => {
                warn!(?ahead, "requests use the service's clock from now on");
                Ok(())
            }
            false => Err(error),
        }
    }

    /// Makes one attempt, with its own credentials.
    ///
    /// Like [`exchange`](Self::exchange), not an `async fn`: its future would store the arguments twice, and the boxed
    /// future of a call should stay below 1 KiB.
    #[expect(clippy::manual_async_fn, reason = "half as large")]
    fn attempt<'a>(
        &'a self,
        call: &'a Call<'_>,
        request: &'a Request,
        deadline: Duration,
        span: &'a Span,
    ) -> impl Future<Output = Result<Success, Failed>> + Send + 'a {
        async move {
            let late = || Error::deadline_exceeded(call.settings.deadline);
            let (pending, sent) = {
                let ready = pin!(self.authorized(call, request, deadline));
                let ready = self.within(self.left(deadline), ready).await;
                ready.ok_or_else(late)??
            };
            let began = self.clock.elapsed();
            if deadline <= began {
                return Err(late().into());
            }
            let limit = deadline
                .saturating_sub(began)
                .min(call.settings.attempt_timeout);
            let exchange = pin!(self.exchange(pending, call, request, &sent));
            let outcome = self.within(limit, exchange).await;
            let outcome = outcome.unwrap_or_else(|| {
                let attempt_timeout = call.settings.attempt_timeout;
                Err(match deadline.saturating_sub(began) < attempt_timeout {
                    true => late(),
                    false => Error::attempt_timed_out(attempt_timeout),
                })
            });
            self.note(span, &outcome, began);
            outcome.map_err(|error| Failed {
                error,
                generation: Some(sent.generation),
            })
        }
    }

    fn left(&self, deadline: Duration) -> Duration {
        deadline.saturating_sub(self.clock.elapsed())
    }

    /// Runs `work` for at most `limit`; returns `None` on a timeout. Work that completes at once needs no timer.
    async fn within<T>(
        &self,
        limit: Duration,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let timer = pin!(async { self.clock.timer(limit).await });
        match select(work, timer).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(((), _)) => None,
        }
    }

    /// Returns a copy of the request with credentials, ready to be sent.
    ///
    /// It is a separate function so that the future of the exchange does not store the request, which it no longer
    /// needs.
    async fn authorized(
        &self,
        call: &Call<'_>,
        request: &Request,
        deadline: Duration,
    ) -> Result<(
        impl Future<Output = reqwest::Result<Response>> + use<>,
        Sent,
    )> {
        let Some(mut request) = request.try_clone() else {
            return Err(Error::argument("the body of a request must be in memory"));
        };
        if let Some(rate_limit) = &self.rate_limit {
            // Boxed, because most clients have no rate limit.
            let acquired = Box::pin(rate_limit.acquire(&*self.clock, deadline)).await;
            acquired.map_err(|TooLate| Error::rate_limited(call.settings.deadline))?;
        }
        let generation = match call.authenticator {
            Some(authenticator) => authenticator.authorize(&mut request).await?,
            None => 0,
        };
        let sent = Sent {
            credentials: sensitive(request.headers()),
            generation,
        };
        self.clients.refuse_clear_text(request.url())?;
        exchange_log::request(&request, call.described, || sent.secrets(call, &request));
        let http = self.clients.current(&self.http)?;
        Ok((http.execute(request), sent))
    }

    #[expect(clippy::manual_async_fn, reason = "half as large")]
    fn exchange<'a>(
        &'a self,
        pending: impl Future<Output = reqwest::Result<Response>> + Send + 'a,
        call: &'a Call<'_>,
        request: &'a Request,
        sent: &'a Sent,
    ) -> impl Future<Output = Result<Success>> + Send + 'a {
        async move {
            let mut response = match pending.await {
                Ok(response) => response,
                Err(error) => return Err(self.no_exchange(error, request)),
            };
            drop_revealing_ids(response.headers_mut(), &sent.credentials);
            if !response.status().is_success() {
                let body = read_excerpt(&mut response).await;
                let status = response.status();
                exchange_log::response(status, response.headers(), &body, call.described, || {
                    sent.secrets(call, request)
                });
                let headers = std::mem::take(response.headers_mut());
                let now = self.clock.now();
                let wait = retry_after(&headers, now);
                let skew = clock_skew(status, &headers, now);
                let location = redirection(status, &headers, request.url());
                let secrets = sent.secrets(call, request);
                let mut error = Error::from_status(status, headers, body, wait, &secrets);
                if let Some(skew) = skew {
                    error = error.with_clock_skew(skew);
                }
                return Err(match (location, status) {
                    (Some(location), _) => error.with_note(format!(
                        "redirected to {location}, which is not followed: check the endpoint"
                    )),
                    (None, StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                        self.with_proxy(error, request)
                    }
                    (None, _) => error,
                });
            }
            match read_all(&mut response, self.max_body).await? {
                Some(body) => {
                    let (status, headers) = (response.status(), response.headers());
                    let secrets = || sent.secrets(call, request);
                    exchange_log::response(status, headers, &body, call.described, secrets);
                    if let Some(error) = Error::disguised(status, headers, &body, secrets) {
                        return Err(error);
                    }
                    Ok(Success {
                        response,
                        body,
                        attempts: 1,
                    })
                }
                None => {
                    let headers = std::mem::take(response.headers_mut());
                    Err(Error::too_long(response.status(), headers, self.max_body))
                }
            }
        }
    }

    /// The error of an exchange that failed below HTTP, with a note about the proxy, if there is one.
    fn no_exchange(&self, error: reqwest::Error, request: &Request) -> Error {
        let is_connect = error.is_connect();
        let error = Error::exchange(error);
        match is_connect {
            true => self.with_proxy(error, request),
            false => error,
        }
    }

    fn with_proxy(&self, error: Error, request: &Request) -> Error {
        match self.clients.proxy_for(request.url()) {
            Some(proxy) => error.with_note(format!("the request goes through the proxy {proxy}")),
            None => error,
        }
    }

    /// Prepares everything in a request that is the same for all its attempts.
    fn prepare(&self, request: &mut Request) {
        // Form encoding writes a space as `+`, which not every server decodes. A plus sign itself is `%2B`.
        let spaces = request.url().query().filter(|query| query.contains('+'));
        if let Some(query) = spaces.map(|query| query.replace('+', "%20")) {
            request.url_mut().set_query(Some(&query));
        }
        // Some gateways refuse a POST without a body unless it has a `Content-Length`.
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

    /// Records the outcome of the attempt in its span.
    fn note(&self, span: &Span, outcome: &Result<Success>, began: Duration) {
        if span.is_disabled() {
            return;
        }
        let status = match outcome {
            Ok(success) => Some(success.response.status()),
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

    pub(crate) fn fraction(&self) -> f64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.f64()
    }
}

/// The credentials that a request was sent with.
struct Sent {
    /// The values that an error must not repeat.
    credentials: Vec<HeaderValue>,
    /// The generation of the credentials.
    generation: u64,
}

impl Sent {
    /// What an error must not repeat: credentials, and the secrets in the body.
    fn secrets(&self, call: &Call<'_>, request: &Request) -> Vec<Secret> {
        let texts = self
            .credentials
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut secrets = texts.map(Secret::from).collect();
        call.secrets_in(request, &mut secrets);
        secrets
    }
}

/// How far this machine's clock is ahead of the service's, if that can be why the credentials were refused.
fn clock_skew(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    /// Signatures are valid for 15 minutes; a slow response must not look like a clock skew.
    const TOLERATED: SignedDuration = SignedDuration::from_mins(5);
    if !matches!(status.as_u16(), 401 | 403) {
        return None;
    }
    let ahead = now.duration_since(date(headers)?);
    (ahead.abs() > TOLERATED).then_some(ahead)
}

/// The target of a redirect, without query and user info, which can contain secrets.
fn redirection(status: StatusCode, headers: &HeaderMap, url: &Url) -> Option<String> {
    let location = headers.get(LOCATION).filter(|_| status.is_redirection())?;
    let location = url.join(location.to_str().ok()?).ok()?;
    Some(format!(
        "{}{}",
        endpoint::origin(&location),
        location.path()
    ))
}

/// The values of headers that contain credentials, or that an [`Authenticator`] has marked as sensitive.
fn sensitive(headers: &HeaderMap) -> Vec<HeaderValue> {
    let known = [TOKEN, SECURITY_TOKEN, AUTHORIZATION];
    let sensitive = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || known.contains(name));
    sensitive.map(|(_, value)| value.clone()).collect()
}

/// The whole body, or `None` if it is longer than `limit`.
async fn read_all(response: &mut Response, limit: usize) -> Result<Option<Bytes>> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        return Ok(None);
    }
    let Some(first) = chunk(response).await? else {
        return Ok(Some(Bytes::new()));
    };
    let Some(second) = chunk(response).await? else {
        return Ok((first.len() <= limit).then_some(first));
    };
    let mut body = BytesMut::with_capacity(first.len() + second.len());
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limit {
        match chunk(response).await? {
            Some(more) => body.extend_from_slice(&more),
            None => return Ok(Some(body.freeze())),
        }
    }
    Ok(None)
}

async fn chunk(response: &mut Response) -> Result<Option<Bytes>> {
    response.chunk().await.map_err(Error::exchange)
}

/// The beginning of an error body, as far as it was received before the connection broke off.
async fn read_excerpt(response: &mut Response) -> Bytes {
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

impl Pipeline {
    /// Sends a prepared request and reads its response.
    pub(crate) fn send<'a, T: DeserializeOwned + 'a>(
        &'a self,
        settings: &'a CallSettings,
        authenticator: Option<&'a dyn Authenticator>,
        prepared: Prepared<T>,
    ) -> impl Future<Output = Result<ResponseValue<T>>> + Send + 'a {
        let may_be_empty = prepared.may_be_empty();
        let call = Call::new(settings, authenticator, &prepared);
        let mut request = prepared.into_request();
        async move {
            let success = self.run(&call, &mut request).await?;
            success.decode(&call, request.url(), may_be_empty)
        }
    }

    /// Sends a prepared request and returns the response without decoding its body.
    pub(crate) async fn send_raw(
        &self,
        settings: &CallSettings,
        authenticator: Option<&dyn Authenticator>,
        prepared: Prepared<Bytes>,
    ) -> Result<RawResponse> {
        let call = Call::new(settings, authenticator, &prepared);
        let mut success = self.run(&call, &mut prepared.into_request()).await?;
        let headers = std::mem::take(success.response.headers_mut());
        Ok(RawResponse::new(
            success.response.status(),
            headers,
            success.body,
        ))
    }
}

impl Success {
    fn decode<T: DeserializeOwned>(
        mut self,
        call: &Call<'_>,
        url: &reqwest::Url,
        may_be_empty: bool,
    ) -> Result<ResponseValue<T>> {
        let status = self.response.status();
        let headers = std::mem::take(self.response.headers_mut());
        match modelarts_client::decode(status, &self.body, may_be_empty) {
            Ok(value) => Ok(ResponseValue::new(value, status, headers)),
            Err(_) => Err(Error::decode::<T>(status, headers, &self.body)
                .after_attempts(self.attempts)
                .of_idempotency(call.idempotent)
                .in_operation(call.operation)
                .at_host(url)),
        }
    }
}
