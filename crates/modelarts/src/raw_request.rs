//! Requests by method and path.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use modelarts_client::{Prepared, RawResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::ModelArts;
use crate::error::{Error, Result};

impl ModelArts {
    /// A request for a path of the service, such as one that is newer than this crate, through the same pipeline.
    ///
    /// `{project_id}` stands for the client's project. What else varies must be percent-encoded; a path that could
    /// lead to another resource than it names is refused.
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
        RawRequest::new(self, method, path.into())
    }
}

/// A request for a path of the service, from [`ModelArts::request`].
///
/// It is sent again after failures as the semantics of its method allow, unless [`idempotent`](RawRequest::idempotent)
/// says otherwise: GET, HEAD, PUT, DELETE and OPTIONS are, POST and PATCH are not.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
/// use modelarts::Method;
/// use modelarts::devenviron::types::Notebook;
///
/// let notebook: Notebook = client
///     .request(Method::POST, "/v1/{project_id}/notebooks/5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55/stop")
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
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    idempotent: Option<bool>,
    /// What was wrong with a value, for the end.
    wrong: Option<String>,
}

/// Values of headers and the body may be secrets, so their names and its size stand for them.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body", &self.body.as_ref().map(Bytes::len))
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

impl RawRequest {
    pub(crate) fn new(client: &ModelArts, method: Method, path: String) -> Self {
        Self {
            client: client.clone(),
            method,
            path,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            idempotent: None,
            wrong: None,
        }
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header. Credentials, `Host` and the length of the body are set by the client.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Ok(_), Err(_)) => {
                self.wrong = Some(format!(
                    "the header `{name}` has a value that no header can carry"
                ));
            }
            (Err(_), _) => self.wrong = Some(format!("{name:?} is no name of a header")),
        }
        self
    }

    /// Sets the body, as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body = Some(body.into()),
            Err(error) => self.wrong = Some(format!("the body does not become JSON: {error}")),
        }
        self
    }

    /// Sets the body. Its type is `application/json` unless a header says otherwise.
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
    /// When the path could lead elsewhere, a value does not fit, or the call fails: then the status is no success.
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
        if let Some(wrong) = self.wrong {
            return Err(Error::argument(wrong));
        }
        let (base, http) = (self.client.service(), self.client.http());
        let project = self.client.project_id();
        let path: Vec<_> = self
            .path
            .split('/')
            .map(|segment| {
                if segment == "{project_id}" {
                    project
                } else {
                    segment
                }
            })
            .collect();
        let operations = modelarts_client::operations();
        let path = path.join("/");
        let prepared = Prepared::raw(base, self.method, &path, operations, |method, url| {
            let mut request = http.request(method, url).headers(self.headers);
            if !self.query.is_empty() {
                request = request.query(&self.query);
            }
            if let Some(body) = self.body {
                request = request.body(body);
            }
            request.build()
        })?;
        Ok(match self.idempotent {
            Some(idempotent) => prepared.idempotent(idempotent),
            None => prepared,
        })
    }
}
