//! Untyped requests: by the ID of an operation, or by method and path.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use modelarts_client::{Prepared, RawResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::ModelArts;
use crate::error::{Error, Result};

impl ModelArts {
    /// Creates an untyped request for an operation by its ID. It is sent through the same pipeline as typed calls.
    ///
    /// The content type of a body (`application/json`, `application/merge-patch+json`), and whether the request may
    /// be retried, come from the API document. `project_id` is filled in. [`send`](RawRequest::send) returns an error
    /// if the operation is unknown, or a path parameter is missing.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// let response = client
    ///     .call("renewLease")
    ///     .path("id", "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55")
    ///     .json(&serde_json::json!({"duration": 7_200_000}))
    ///     .send()
    ///     .await?;
    /// println!("{}", String::from_utf8_lossy(&response.body));
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(&self, operation_id: impl Into<String>) -> RawRequest {
        RawRequest::new(self, Target::Operation(operation_id.into()))
    }

    /// Creates an untyped request for a path of the service, such as one that is newer than this crate. It is sent
    /// through the same pipeline as typed calls.
    ///
    /// `{project_id}` is replaced by the client's project, and other names in braces by the values given to
    /// [`path`](RawRequest::path). Everything else must be percent-encoded. A path that could reach another resource
    /// than the one it names is refused.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use modelarts::Method;
    ///
    /// let response = client
    ///     .request(Method::GET, "/v1/{project_id}/notebooks")
    ///     .query("limit", 20)
    ///     .send()
    ///     .await?;
    /// println!("{}", String::from_utf8_lossy(&response.body));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: impl Into<String>) -> RawRequest {
        RawRequest::new(self, Target::Path(method, path.into()))
    }
}

/// An untyped request, from [`ModelArts::call`] or [`ModelArts::request`].
///
/// Whether it is retried after a failure depends on the API document for an operation, and on the HTTP method for a
/// path: GET, HEAD, PUT, DELETE and OPTIONS are idempotent, POST and PATCH are not.
/// [`idempotent`](RawRequest::idempotent) overrides this.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
/// use modelarts::Method;
/// use modelarts::devenviron::types::Notebook;
///
/// let notebook: Notebook = client
///     .request(Method::POST, "/v1/{project_id}/notebooks/{id}/stop")
///     .path("id", "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55")
///     .idempotent(true)
///     .send_as()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct RawRequest {
    client: ModelArts,
    target: Target,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    idempotent: Option<bool>,
    /// The error of an invalid value, which makes the whole request fail.
    invalid: Option<String>,
}

#[derive(Clone, Debug)]
enum Target {
    Operation(String),
    Path(Method, String),
}

/// The path parameter that the client fills in.
const PROJECT: &str = "project_id";

/// Shows only the names of headers and the size of the body, because their values may be secrets.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("RawRequest")
            .field("target", &self.target)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body", &self.body.as_ref().map(Bytes::len))
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

impl RawRequest {
    fn new(client: &ModelArts, target: Target) -> Self {
        Self {
            client: client.clone(),
            target,
            path: Vec::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            idempotent: None,
            invalid: None,
        }
    }

    /// Sets a parameter of the path. The value is escaped. If a parameter is set twice, the last value is used.
    pub fn path(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.path.retain(|(known, _)| *known != name);
        self.path.push((name, value.into()));
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Returns the value of a query parameter, the last one if it is set more than once.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter().rev();
        let (_, value) = query.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Sets a query parameter and removes earlier values.
    pub(crate) fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query(name, value)
    }

    /// Adds the operation, if it is known, to an error.
    pub(crate) fn with_operation(&self, error: Error) -> Error {
        let operation = match &self.target {
            Target::Operation(id) => modelarts_client::operation(id),
            Target::Path(..) => None,
        };
        match operation {
            Some((_, operation)) => error.in_operation(operation.id),
            None => error,
        }
    }

    /// Sets a header, such as a header parameter of the operation. The client itself sets credentials, `Host` and the
    /// length of the body.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Ok(_), Err(_)) => {
                self.invalid = Some(format!(
                    "the value of the header `{name}` is not a valid header value"
                ));
            }
            (Err(_), _) => self.invalid = Some(format!("{name:?} is not a valid header name")),
        }
        self
    }

    /// Sets the body to a value encoded as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body = Some(body.into()),
            Err(error) => {
                self.invalid = Some(format!("the body cannot be encoded as JSON: {error}"))
            }
        }
        self
    }

    /// Sets the body. Its content type is that of the operation or, without one, `application/json`; a header
    /// overrides it.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets whether it may be retried after a failure where it is unknown whether the request was carried out.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    /// When the operation is unknown; when the path is incomplete, or could reach another resource; when a value is
    /// invalid; when the call fails, which includes a response without a success status.
    pub async fn send(self) -> Result<RawResponse> {
        let client = self.client.clone();
        client.execute_raw(self.prepare()?).await
    }

    /// Sends the request and decodes the JSON body of the response.
    ///
    /// # Errors
    /// Those of [`send`](RawRequest::send); when the body cannot be decoded as a `T`.
    pub async fn send_as<T: DeserializeOwned>(self) -> Result<T> {
        let client = self.client.clone();
        client.execute(self.prepare()?).await
    }

    fn prepare<T>(self) -> Result<Prepared<T>> {
        if let Some(invalid) = self.invalid {
            return Err(Error::argument(invalid));
        }
        let http = self.client.http();
        let mut path: Vec<_> = self
            .path
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut with_project = |template: &str| {
            let mut segments = template.split('/');
            let is_set = path.iter().any(|(name, _)| *name == PROJECT);
            if !is_set && segments.any(|segment| segment == "{project_id}") {
                path.push((PROJECT, self.client.project_id()));
            }
        };
        let build = |content_type: &'static str| {
            let (mut headers, query, body) = (self.headers, self.query, self.body);
            move |method, url| {
                if body.is_some() && !content_type.is_empty() {
                    let content_type = HeaderValue::from_static(content_type);
                    headers.entry(CONTENT_TYPE).or_insert(content_type);
                }
                let mut request = http.request(method, url).headers(headers);
                if !query.is_empty() {
                    request = request.query(&query);
                }
                if let Some(body) = body {
                    request = request.body(body);
                }
                request.build()
            }
        };
        let prepared = match &self.target {
            Target::Operation(id) => {
                let (operation, base) = self.client.locate(id)?;
                with_project(operation.path);
                Prepared::by_path(base, operation, &path, build(operation.content_type))?
            }
            Target::Path(method, template) => {
                with_project(template);
                let (base, operations) = (self.client.service(), modelarts_client::operations());
                let method = method.clone();
                Prepared::raw(base, method, template, &path, operations, build(""))?
            }
        };
        Ok(match self.idempotent {
            Some(idempotent) => prepared.idempotent(idempotent),
            None => prepared,
        })
    }
}
