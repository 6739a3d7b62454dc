//! The ModelArts client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
#[cfg(feature = "devenviron")]
use modelarts_client::devenviron;
use modelarts_client::{
    Action, BaseUrl, Operation, Prepared, RawResponse, ResponseValue, Secret, Service, Transport,
};
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::credentials::{Authenticator, TOKEN};
use crate::error::{Error, Result, accepted};
use crate::options::{CallOptions, CallSettings};
use crate::resolve::ResolvedClient;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::transport::Pipeline;
use crate::wait::PollSettings;

/// A client of ModelArts for one project.
///
/// # Configuration
/// [`builder`](ModelArts::builder) takes every setting explicitly. [`from_env`](ModelArts::from_env) reads the same
/// sources as OpenStack and Huawei Cloud tools, see [`Profile`](crate::Profile).
///
/// # Cloning
/// A clone is cheap and shares connections, token, retry budget and rate limit, so there is no need for an `Arc`.
///
/// # Cancellation
/// Every future may be dropped at any point. The service may still carry out a request that was already sent.
#[derive(Clone)]
pub struct ModelArts {
    core: Arc<Core>,
    settings: Arc<CallSettings>,
}

pub(crate) struct Core {
    pipeline: Arc<Pipeline>,
    authenticator: Arc<dyn Authenticator>,
    endpoint: String,
    project_id: String,
    service: BaseUrl,
    /// The address of the identity service, if known.
    identity: Option<BaseUrl>,
    /// Builds the requests of the groups.
    #[cfg(feature = "devenviron")]
    devenviron: devenviron::Client<()>,
    warnings: Vec<String>,
}

impl Core {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        resolved: ResolvedClient,
        identity_endpoint: Option<&str>,
    ) -> Self {
        Self {
            service: BaseUrl::new(&resolved.endpoint),
            identity: identity_endpoint.map(BaseUrl::new),
            #[cfg(feature = "devenviron")]
            devenviron: devenviron::Client::new_with_client(
                &resolved.endpoint,
                pipeline.http.clone(),
            )
            .with_transport(()),
            pipeline,
            authenticator: resolved.authenticator,
            endpoint: resolved.endpoint,
            project_id: resolved.project_id,
            warnings: resolved.warnings,
        }
    }
}

impl fmt::Debug for ModelArts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelArts")
            .field("endpoint", &self.core.endpoint)
            .field("project_id", &self.core.project_id)
            .finish_non_exhaustive()
    }
}

impl ModelArts {
    pub(crate) fn new(core: Core, settings: CallSettings) -> Self {
        Self {
            core: Arc::new(core),
            settings: Arc::new(settings),
        }
    }

    /// Returns a client that shares everything with this one but uses other settings for its calls.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Self {
            core: self.core.clone(),
            settings: Arc::new(self.settings.with(options)),
        }
    }

    /// The ID of the project that the client works in.
    pub fn project_id(&self) -> &str {
        &self.core.project_id
    }

    /// The address of the ModelArts service.
    pub fn endpoint(&self) -> &str {
        &self.core.endpoint
    }

    /// Returns the token that requests carry, for use in another tool.
    ///
    /// Returns `None` if requests are signed with an access key.
    ///
    /// # Errors
    /// If the token has to be renewed and the identity service refuses.
    pub async fn token(&self) -> Result<Option<Secret>> {
        let url = reqwest::Url::parse(&self.core.endpoint)
            .map_err(|_| Error::configuration("the endpoint is not a URL"))?;
        let mut request = reqwest::Request::new(Method::GET, url);
        self.core.authenticator.authorize(&mut request).await?;
        let token = request.headers().get(TOKEN);
        Ok(token
            .and_then(|token| token.to_str().ok())
            .map(Secret::from))
    }

    /// Warnings about the configuration, one sentence each: those of [`Profile::warnings`](crate::Profile::warnings)
    /// and others. They contain no secrets.
    pub fn warnings(&self) -> &[String] {
        &self.core.warnings
    }

    /// Returns an operation of any family, and the address of its service.
    pub(crate) fn locate(&self, operation_id: &str) -> Result<(&'static Operation, &BaseUrl)> {
        let (family, operation) = modelarts_client::operation(operation_id)
            .ok_or_else(|| unknown_operation(operation_id))?;
        if family.service != Service::Identity {
            return Ok((operation, &self.core.service));
        }
        let base = self.identity();
        Ok((
            operation,
            base.map_err(|error| error.in_operation(operation.id))?,
        ))
    }

    fn identity(&self) -> Result<&BaseUrl> {
        self.core.identity.as_ref().ok_or_else(|| {
            Error::configuration(
                "the address of the identity service is not known: set the auth URL or the region",
            )
        })
    }

    /// The address of the service. The paths of raw requests are appended to it.
    pub(crate) fn service(&self) -> &BaseUrl {
        &self.core.service
    }

    /// The address of the identity service, for a generated client.
    #[cfg(feature = "iam")]
    pub(crate) fn identity_endpoint(&self) -> Result<&str> {
        self.identity().map(BaseUrl::as_str)
    }

    /// The HTTP client, for a generated client.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.core.pipeline.http.clone()
    }

    /// The generated client, with which the groups prepare requests for [`execute`](Self::execute).
    #[cfg(feature = "devenviron")]
    pub(crate) fn api(&self) -> &devenviron::Client<()> {
        &self.core.devenviron
    }

    /// Sends a request to the service and decodes the response.
    ///
    /// Neither this nor the function it calls is an `async fn`: the future of one would store the arguments twice,
    /// and the future of every group method contains this one.
    pub(crate) fn execute<T: DeserializeOwned>(
        &self,
        prepared: Prepared<T>,
    ) -> impl Future<Output = Result<T>> + Send {
        let response = self.respond(prepared);
        async move { response.await.map(ResponseValue::into_inner) }
    }

    #[expect(clippy::manual_async_fn, reason = "half as large")]
    fn respond<T: DeserializeOwned>(
        &self,
        prepared: Prepared<T>,
    ) -> impl Future<Output = Result<ResponseValue<T>>> + Send {
        async move {
            self.check_destination(&prepared)?;
            let authenticator = Some(&*self.core.authenticator);
            let pipeline = &self.core.pipeline;
            pipeline.send(&self.settings, authenticator, prepared).await
        }
    }

    pub(crate) async fn execute_raw(&self, prepared: Prepared<Bytes>) -> Result<RawResponse> {
        self.check_destination(&prepared)?;
        let authenticator = Some(&*self.core.authenticator);
        let pipeline = &self.core.pipeline;
        pipeline
            .send_raw(&self.settings, authenticator, prepared)
            .await
    }

    /// Returns an error unless the request goes to a service that the credentials are for.
    fn check_destination<T>(&self, prepared: &Prepared<T>) -> Result<()> {
        let url = prepared.request().url();
        let mut known = std::iter::once(&self.core.service).chain(&self.core.identity);
        if known.any(|base| base.is_origin_of(url)) {
            return Ok(());
        }
        Err(Error::argument(format!(
            "the request is for {}, which is not the address of this client",
            url.host_str().unwrap_or("another place")
        ))
        .in_operation(prepared.operation().id))
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.core.pipeline.clock.clone()
    }

    /// The retry budget that this client shares with its clones.
    pub fn retry_budget(&self) -> &RetryBudget {
        &self.core.pipeline.budget
    }

    /// The settings that waiters use.
    pub(crate) fn poll_settings(&self) -> PollSettings {
        let pipeline = self.core.pipeline.clone();
        PollSettings {
            policy: self.settings.poll.clone(),
            retry: self.settings.retry.clone(),
            clock: self.clock(),
            fraction: Arc::new(move || pipeline.fraction()),
            address: reqwest::Url::parse(self.endpoint()).ok(),
        }
    }

    /// Returns this client with the settings for a waiter's poll. It makes a single attempt, since the waiter itself
    /// repeats its polls, and may exceed the time `left` by one attempt timeout at most.
    pub(crate) fn for_poll(&self, left: Duration) -> Self {
        let limit = left.saturating_add(self.settings.attempt_timeout);
        let options = CallOptions::new().retry_policy(RetryPolicy::off());
        self.with(options.deadline(limit.min(self.settings.deadline)))
    }

    /// Creates a resource and records the action. A response without the ID of the resource is an error.
    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        prepared: Prepared<T>,
        id: fn(&T) -> Option<&str>,
    ) -> Result<T> {
        let operation = prepared.operation().id;
        let url = prepared.request().url().clone();
        let response = self.respond(prepared).await?;
        match id(&response).filter(|id| !id.trim().is_empty()) {
            Some(id) => self.note(id, Action::Create),
            None => {
                let (status, headers) = (response.status(), response.headers().clone());
                let error = Error::without_id(status, headers).in_operation(operation);
                return Err(error.at_host(&url));
            }
        }
        Ok(response.into_inner())
    }

    /// Executes an action on a resource, and records it unless it is certain that it was not carried out. An empty
    /// successful response is accepted: the service accepted the action but returned nothing about the resource.
    pub(crate) async fn execute_action<T: DeserializeOwned + Default>(
        &self,
        prepared: Prepared<T>,
        id: &str,
        action: Action,
    ) -> Result<T> {
        let result = accepted(self.execute(prepared).await);
        if result
            .as_ref()
            .map_or_else(Error::is_outcome_unknown, |_| true)
        {
            self.note(id, action);
        }
        result
    }

    pub(crate) fn note(&self, id: &str, action: Action) {
        let now = self.clock().elapsed();
        self.settings.history.add(id, action, now);
    }

    /// Returns the last action of this client on the resource that satisfies `fits`, and when it was accepted.
    pub(crate) fn last_action(
        &self,
        id: &str,
        fits: impl Fn(Action) -> bool,
    ) -> Option<(Action, Duration)> {
        self.settings.history.last(id, fits)
    }
}

fn unknown_operation(id: &str) -> Error {
    let known: Vec<_> = modelarts_client::operations()
        .map(|operation| operation.id)
        .collect();
    Error::argument(format!(
        "there is no operation `{id}`; the operations are: {}",
        known.join(", ")
    ))
}

/// Lets the generated client send its requests through this client.
impl Transport for ModelArts {
    type Error = Error;

    async fn send<T: DeserializeOwned>(&self, request: Prepared<T>) -> Result<ResponseValue<T>> {
        self.respond(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    async fn client() -> ModelArts {
        let builder = ModelArts::builder()
            .endpoint("http://127.0.0.1:1")
            .project_id("p1")
            .credentials(Credentials::token("t1"));
        builder.build().await.unwrap()
    }

    #[tokio::test]
    async fn the_future_of_a_call_stays_below_4_kib() {
        let client = client().await;
        let notebooks = client.notebooks();
        let size = size_of_val(&notebooks.show("n1"));
        assert!(size <= 4096, "{size} bytes");
    }

    #[tokio::test]
    async fn credentials_go_to_no_other_host() {
        let client = client().await;
        let http = client.core.pipeline.http.clone();
        let elsewhere = devenviron::Client::new_with_client("http://127.0.0.2:1", http);
        let request = elsewhere.show_notebook().project_id("p1").id("n1");
        let error = client
            .execute(request.prepare().unwrap())
            .await
            .unwrap_err();
        assert!(error.is_usage(), "{error}");
        assert!(error.to_string().contains("127.0.0.2"), "{error}");
    }
}
