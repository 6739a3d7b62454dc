//! Requests without types: by the ID of an operation, or by method and path.

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
    /// A call of an operation by its ID, without types, through the same pipeline.
    ///
    /// What a body is sent as (`application/json`, `application/merge-patch+json`), and whether the request may be repeated, comes
    /// from the document. `project_id` is filled in. An operation that is not known is an error of
    /// [`send`](RawRequest::send), as is what is missing in the path.
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

    /// A request for a path of the service, such as one that is newer than this crate, through the same pipeline.
    ///
    /// `{project_id}` stands for the client's project, and other names in braces for what is given by
    /// [`path`](RawRequest::path). What else varies must be percent-encoded; a path that could lead to another resource
    /// than it names is refused.
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

/// A request without types, from [`ModelArts::call`] or [`ModelArts::request`].
///
/// It is sent again after failures as the document allows for an operation, and as the semantics of its method allow for a path:
/// GET, HEAD, PUT, DELETE and OPTIONS are, POST and PATCH are not. [`idempotent`](RawRequest::idempotent) says otherwise.
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
    /// What was wrong with a value: an error of the whole request.
    invalid: Option<String>,
}

#[derive(Clone, Debug)]
enum Target {
    Operation(String),
    Path(Method, String),
}

/// The parameter that a client fills in.
const PROJECT: &str = "project_id";

/// Values of headers and the body may be secrets, so their names and its size stand for them.
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

    /// Gives a parameter of the path its value, which is escaped. Of two values of one name the last counts.
    pub fn path(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.path.retain(|(known, _)| *known != name);
        self.path.push((name, value.into()));
        self
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header, such as a parameter of the operation that is one. Credentials, `Host` and the length of the body are set by
    /// the client.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Ok(_), Err(_)) => {
                self.invalid = Some(format!(
                    "the header `{name}` has a value that no header can carry"
                ));
            }
            (Err(_), _) => self.invalid = Some(format!("{name:?} is no name of a header")),
        }
        self
    }

    /// Sets the body, as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body = Some(body.into()),
            Err(error) => self.invalid = Some(format!("the body does not become JSON: {error}")),
        }
        self
    }

    /// Sets the body. Its type is that of the operation, or else `application/json`, unless a header says otherwise.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Whether it may be sent again after a failure that leaves open whether it was carried out.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// When the operation is unknown, the path incomplete, or it could lead elsewhere; when a value does not fit; when the call fails:
    /// then the status is no success.
    pub async fn send(self) -> Result<RawResponse> {
        let client = self.client.clone();
        client.execute_raw(self.prepare()?).await
    }

    /// Sends it and reads the body of the response as JSON.
    ///
    /// # Errors
    /// As [`send`](RawRequest::send); when the body is no `T`.
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
