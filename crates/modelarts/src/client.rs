//! The client.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use modelarts_client::{Hooks, Operation, ResponseValue, devenviron, iam};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::builder::ModelArtsBuilder;
use crate::clock::Clock;
use crate::credentials::Authenticator;
use crate::error::{Error, Result};
use crate::groups::{Flavors, Images, Instances, Leases, Notebooks, Storage};
use crate::options::{CallOptions, Settings};
use crate::transport::{Call, Heads, Line, Pipeline};
use crate::wait::Pace;

/// A client of ModelArts for one project.
///
/// # Configuration
/// [`builder`](ModelArts::builder) takes everything explicitly; [`from_env`](ModelArts::from_env) looks where
/// OpenStack and Huawei Cloud tools look, see [`Profile`](crate::Profile).
///
/// # Cloning
/// A clone is cheap and shares connections, token, retry budget and rate limit: there is no need for an `Arc`.
///
/// # Cancellation
/// Every future may be dropped at any point. A request that was sent may be carried out all the same.
#[derive(Clone)]
pub struct ModelArts {
    core: Arc<Core>,
    settings: Arc<Settings>,
}

pub(crate) struct Core {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) endpoint: String,
    /// The identity service, where it is known.
    pub(crate) identity_endpoint: Option<String>,
    pub(crate) project_id: String,
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
    /// A client that is configured step by step.
    pub fn builder() -> ModelArtsBuilder {
        ModelArtsBuilder::new()
    }

    /// A client with the credentials of the environment or of `clouds.yaml`.
    ///
    /// # Errors
    /// When no credentials are found, or the sign-in fails.
    pub async fn from_env() -> Result<Self> {
        Self::builder().build().await
    }

    pub(crate) fn new(core: Core, settings: Settings) -> Self {
        Self {
            core: Arc::new(core),
            settings: Arc::new(settings),
        }
    }

    /// The same client with other settings for what is called through it.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Self {
            core: self.core.clone(),
            settings: Arc::new(self.settings.with(options)),
        }
    }

    /// Notebooks, the generation to use.
    pub fn notebooks(&self) -> Notebooks {
        Notebooks::new(self)
    }

    /// Instances of the old generation.
    pub fn instances(&self) -> Instances {
        Instances::new(self)
    }

    /// The time that notebooks may run before they are stopped.
    pub fn lease(&self) -> Leases {
        Leases::new(self)
    }

    /// What notebooks can run on.
    pub fn flavors(&self) -> Flavors {
        Flavors::new(self)
    }

    /// What notebooks can run, and saving them.
    pub fn images(&self) -> Images {
        Images::new(self)
    }

    /// OBS storage mounted to notebooks.
    pub fn storage(&self) -> Storage {
        Storage::new(self)
    }

    /// The project whose resources are served.
    pub fn project_id(&self) -> &str {
        &self.core.project_id
    }

    /// The address of the service.
    pub fn endpoint(&self) -> &str {
        &self.core.endpoint
    }

    /// The generated client, for every detail that the groups leave out.
    ///
    /// Its requests pass the same pipeline: credentials, retries, time limits. Turn its errors into
    /// [`Error`] with `?` or `From`: the generated type's own `Debug` shows the body of an answer.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use modelarts::raw::prelude::*;
    ///
    /// let page = client.raw().list_notebooks().project_id(client.project_id()).limit(20).send().await?;
    /// println!("{:?}", page.total);
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self) -> devenviron::Client {
        self.generated(Heads::HandedOn).0
    }

    /// Calls an operation by its id, without types. Missing parts of the path are refused; `project_id` is filled in.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// let answer = client
    ///     .call("listNotebooks", &[], &[("limit".into(), "20".into())], None)
    ///     .await?;
    /// println!("{}", String::from_utf8_lossy(&answer.body));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the operation is unknown, the path incomplete, or the call fails.
    pub async fn call(
        &self,
        operation_id: &str,
        path: &[(&str, &str)],
        query: &[(String, String)],
        body: Option<Value>,
    ) -> Result<RawAnswer> {
        let (operation, endpoint) = self.place(operation_id)?;
        let path = fill(operation, path, self.project_id())?;
        let method = Method::from_bytes(operation.method.as_bytes())
            .map_err(|_| unknown_operation(operation_id))?;
        let http = &self.core.pipeline.http;
        let mut request = http.request(method, format!("{endpoint}{path}"));
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let mut request = request.build().map_err(Error::exchange)?;
        let call = Call {
            operation: operation.id,
            idempotent: operation.idempotent,
            settings: &self.settings,
            authenticator: Some(&*self.core.authenticator),
            secrets: operation.secrets,
        };
        let answer = self.core.pipeline.run(&call, &mut request).await?;
        Ok(answer.into_raw())
    }

    /// An operation of either service, and the address of that service.
    fn place(&self, operation_id: &str) -> Result<(&'static Operation, &str)> {
        let of = |operations: &'static [Operation]| {
            operations
                .iter()
                .find(|operation| operation.id == operation_id)
        };
        if let Some(operation) = of(devenviron::OPERATIONS) {
            return Ok((operation, &self.core.endpoint));
        }
        let operation = of(iam::OPERATIONS).ok_or_else(|| unknown_operation(operation_id))?;
        let endpoint = self.core.identity_endpoint.as_deref().ok_or_else(|| {
            Error::configuration(format!(
                "{operation_id} is an operation of the identity service, whose address is not known: \
                 set the auth URL or the region"
            ))
        })?;
        Ok((operation, endpoint))
    }

    /// Sends one generated request and makes its error ours.
    pub(crate) async fn send<T, F, A>(&self, request: F) -> Result<T>
    where
        T: DeserializeOwned,
        F: FnOnce(devenviron::Client) -> A,
        A: Future<Output = Result<ResponseValue<T>, modelarts_client::Error<()>>>,
    {
        let (client, line) = self.generated(Heads::kept());
        let answer = request(client).await;
        line.settle(answer)
    }

    fn generated(&self, heads: Heads) -> (devenviron::Client, Arc<Line>) {
        let core = &self.core;
        let line = Arc::new(Line {
            pipeline: core.pipeline.clone(),
            settings: self.settings.clone(),
            authenticator: Some(core.authenticator.clone()),
            operations: devenviron::OPERATIONS,
            heads,
        });
        let http = core.pipeline.http.clone();
        let client =
            devenviron::Client::new_with_client(&core.endpoint, http, Hooks::new(line.clone()));
        (client, line)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.core.pipeline.clock.clone()
    }

    pub(crate) fn pace(&self) -> Pace {
        self.settings.pace.clone()
    }

    /// The same client for a look that a waiter makes: it may overrun what is `left` by one attempt at most.
    pub(crate) fn within(&self, left: Duration) -> Self {
        let limit = left.saturating_add(self.settings.attempt_timeout);
        self.with(CallOptions::new().deadline(limit.min(self.settings.deadline)))
    }
}

/// An answer as it came, from [`ModelArts::call`]. The status is a success.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which can hold secrets such as the token of a notebook.
    pub body: Bytes,
}

impl fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawAnswer")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

fn unknown_operation(id: &str) -> Error {
    let known = devenviron::OPERATIONS.iter().chain(iam::OPERATIONS);
    let known: Vec<_> = known.map(|operation| operation.id).collect();
    Error::argument(format!(
        "there is no operation `{id}`; known are {}",
        known.join(", ")
    ))
}

/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path of an operation with its parameters filled in.
fn fill(operation: &Operation, given: &[(&str, &str)], project_id: &str) -> Result<String> {
    let names: Vec<&str> = operation.path.split('/').filter_map(parameter).collect();
    if let Some((name, _)) = given.iter().find(|(name, _)| !names.contains(name)) {
        return Err(Error::argument(format!(
            "{} has no path parameter `{name}`, it has: {}",
            operation.id,
            names.join(", ")
        )));
    }
    let segments = operation.path.split('/').map(|segment| {
        let Some(name) = parameter(segment) else {
            return Ok(segment.to_owned());
        };
        let value = given
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| *value);
        let value = match value {
            None if name == "project_id" => project_id,
            None => {
                return Err(Error::argument(format!(
                    "{} needs the path parameter `{name}`",
                    operation.id
                )));
            }
            Some(value) => checked(name, value)?,
        };
        Ok(utf8_percent_encode(value, SEGMENT).to_string())
    });
    Ok(segments.collect::<Result<Vec<_>>>()?.join("/"))
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Words of the API's paths that stand where other paths have an id, such as `all` in `/notebooks/all`.
static RESERVED: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let paths = || {
        devenviron::OPERATIONS
            .iter()
            .map(|operation| segments(operation.path))
    };
    let hides = |word: &[&str], id: &[&str]| {
        let (Some((last, before)), Some(id)) = (word.split_last(), id.get(..word.len())) else {
            return false;
        };
        let same =
            |(a, b): (&&str, &&str)| a == b || parameter(a).is_some() && parameter(b).is_some();
        parameter(last).is_none()
            && id
                .last()
                .is_some_and(|segment| parameter(segment).is_some())
            && before.iter().zip(id).all(same)
    };
    paths()
        .filter(|word| paths().any(|id| hides(word, &id)))
        .filter_map(|word| word.last().copied())
        .collect()
});

fn segments(path: &'static str) -> Vec<&'static str> {
    path.split('/').collect()
}

/// Refuses what would lead a path elsewhere: nothing, words of the API itself, and the dots that URLs resolve.
pub(crate) fn checked<'a>(name: &str, value: &'a str) -> Result<&'a str> {
    if value.trim().is_empty() {
        return Err(Error::argument(format!(
            "`{name}` is empty: the request would reach another operation"
        )));
    }
    if RESERVED.contains(&value) {
        return Err(Error::argument(format!(
            "`{name}` is `{value}`, which is the name of another operation's path"
        )));
    }
    if matches!(value, "." | "..") {
        return Err(Error::argument(format!(
            "`{name}` is `{value}`, which a URL takes for a step to another path"
        )));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use modelarts_client::Transport;

    use super::*;
    use crate::Credentials;

    fn operation(id: &str) -> &'static Operation {
        devenviron::OPERATIONS
            .iter()
            .find(|operation| operation.id == id)
            .unwrap()
    }

    #[tokio::test]
    async fn what_a_call_boxes_stays_below_1_kib() {
        let client = ModelArts::builder()
            .endpoint("http://127.0.0.1:1")
            .project_id("p1")
            .credentials(Credentials::token("t1"))
            .build()
            .await
            .unwrap();
        let (_, line) = client.generated(Heads::kept());
        let request = reqwest::Request::new(Method::GET, "http://127.0.0.1:1".parse().unwrap());
        let future = line.execute(&client.core.pipeline.http, request, "show_notebook");
        let size = size_of_val(&*future);
        assert!(size <= 1024, "{size} bytes");
    }

    #[test]
    fn a_path_is_filled_and_escaped() {
        let path = fill(operation("startNotebook"), &[("id", "a/b c~")], "p1").unwrap();
        assert_eq!(path, "/v1/p1/notebooks/a%2Fb%20c~/start");
        let path = fill(operation("listNotebooks"), &[("project_id", "p2")], "p1").unwrap();
        assert_eq!(path, "/v1/p2/notebooks");
    }

    #[test]
    fn words_of_the_api_are_no_ids() {
        let mut reserved = RESERVED.clone();
        reserved.sort_unstable();
        assert_eq!(reserved, ["all", "flavors", "group"]);
        assert!(checked("id", "all").is_err());
    }

    #[test]
    fn a_path_must_be_complete_and_stay_where_it_is() {
        let error = |given: &[(&str, &str)]| {
            fill(operation("startNotebook"), given, "p1")
                .unwrap_err()
                .to_string()
        };
        assert!(error(&[]).contains("needs the path parameter `id`"));
        assert!(error(&[("id", " ")]).contains("is empty"));
        assert!(error(&[("id", "..")]).contains("another path"));
        assert!(error(&[("id", "n1"), ("ids", "n2")]).contains("it has: project_id, id"));
    }
}
