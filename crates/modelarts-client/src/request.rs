//! Prepared requests: checks that each request is for the intended address and operation, however it was built.

use std::fmt;
use std::marker::PhantomData;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method};
use reqwest::{Request, Url};
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use crate::Operation;
use crate::base_url::{BaseUrl, url};
use crate::path::{RAW, filled, has_steps, is_template_of, parameter};
use crate::request_error::{Problem, RequestError};

/// A request that is complete except for credentials, with the type of its response.
///
/// The finished URL is checked to match the intended address and operation, for requests of the generated builders, of
/// [`by_path`](Prepared::by_path) and of [`raw`](Prepared::raw) alike.
///
/// ```no_run
/// # fn run(http: reqwest::Client) -> Result<(), modelarts_client::RequestError> {
/// let client = modelarts_client::devenviron::Client::new_with_client("http://127.0.0.1:8780", http);
/// let prepared = client.show_notebook().project_id("p1").id("n1").prepare()?;
/// assert_eq!(prepared.request().url().path(), "/v1/p1/notebooks/n1");
/// assert_eq!(prepared.operation().id, "showNotebook");
///
/// let astray = client.show_notebook().project_id("p1").id("..").prepare().unwrap_err();
/// assert!(astray.to_string().starts_with("showNotebook: `id` is"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a prepared request does nothing until it is sent"]
pub struct Prepared<T> {
    request: Request,
    operation: &'static Operation,
    idempotent: bool,
    response: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Prepared<T> {
    /// Omits headers, query and body, which can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("operation", &self.operation.id)
            .field("method", self.request.method())
            .field("path", &self.request.url().path())
            .finish_non_exhaustive()
    }
}

impl<T> Prepared<T> {
    /// Wraps a request for an operation; an error if its URL does not match the operation.
    pub(crate) fn new(
        base: &BaseUrl,
        request: Request,
        operation: &'static Operation,
    ) -> Result<Self, RequestError> {
        let url = request.url();
        if !base.is_origin_of(url) || !base.leads_to(url, operation) {
            return Err(RequestError::new(operation.id).problem(Problem::invalid(
                "URL",
                format_args!("does not match `{}`", operation.path),
            )));
        }
        Ok(Self {
            request,
            operation,
            idempotent: operation.idempotent,
            response: PhantomData,
        })
    }

    /// Creates a request for an operation of the document, with its path parameters by name.
    ///
    /// # Errors
    /// When a path parameter is missing or unknown, or its value would reach another resource.
    pub fn by_path(
        base: &BaseUrl,
        operation: &'static Operation,
        path: &[(&str, &str)],
        build: impl FnOnce(Method, Url) -> reqwest::Result<Request>,
    ) -> Result<Self, RequestError> {
        let known = || operation.path.split('/').filter_map(parameter);
        let mut error = RequestError::new(operation.id);
        for (name, _) in path {
            if !known().any(|known| known == *name) {
                let names: Vec<_> = known().collect();
                let names = names.join(", ");
                error.push(Problem::invalid(
                    (*name).to_owned(),
                    format_args!("is not a path parameter; the path parameters are: {names}"),
                ));
            }
        }
        error.or_ok()?;
        let url = url(base, operation, path)?;
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or(Method::GET);
        let request =
            build(method, url).map_err(|error| RequestError::build(operation.id, error))?;
        Self::new(base, request, operation)
    }

    /// Creates a request for a path below the service's address: `/v1/…`, percent-encoded, without a query.
    ///
    /// A segment such as `{id}` is replaced by the value with this name in `values`, which is escaped here. Whether the
    /// request is idempotent depends on its method, unless overridden by [`idempotent`](Prepared::idempotent).
    ///
    /// # Errors
    /// When the path could reach another resource: it does not begin with exactly one `/`, has a segment such as `..`
    /// in any spelling, a backslash, or a character that must be percent-encoded.
    pub fn raw(
        base: &BaseUrl,
        method: Method,
        path: &str,
        values: &[(&str, &str)],
        operations: impl Iterator<Item = &'static Operation> + Clone,
        build: impl FnOnce(Method, Url) -> reqwest::Result<Request>,
    ) -> Result<Self, RequestError> {
        let error = |rule: fmt::Arguments<'_>| {
            RequestError::new(RAW.id).problem(Problem::invalid("path", rule))
        };
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(error(format_args!(
                "is {path:?}: it must begin with exactly one `/`, and is relative to the address of the service"
            )));
        }
        if let Some(character) = path
            .chars()
            .find(|it| matches!(it, '\\' | '?' | '#') || it.is_control())
        {
            return Err(error(format_args!(
                "has {character:?}, which is not allowed: set the query separately, and percent-encode other characters"
            )));
        }
        let named = operations
            .clone()
            .find(|known| known.method == method.as_str() && is_template_of(known, path));
        let path = &*filled(path, values, named.unwrap_or(&RAW))?;
        if path.split('/').any(has_steps) {
            return Err(error(format_args!(
                "is {path:?}: it has a segment that leads to another path, such as `..`"
            )));
        }
        let url = base.join(path)?;
        if url.path().strip_prefix(base.prefix()) != Some(path) {
            return Err(error(format_args!(
                "is {path:?}: percent-encode everything except letters, digits and `-._~`"
            )));
        }
        // The operation gives errors their name, and lists the secrets that they must not repeat.
        let mut operations = operations;
        let operation =
            operations.find(|known| known.method == method.as_str() && base.leads_to(&url, known));
        let idempotent = matches!(
            method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS
        );
        let request = build(method, url).map_err(|error| RequestError::build(RAW.id, error))?;
        if !base.is_origin_of(request.url()) {
            return Err(error(format_args!("leads to another address")));
        }
        if let Some(name) = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING]
            .iter()
            .find(|name| request.headers().contains_key(*name))
        {
            return Err(RequestError::new(RAW.id).problem(Problem::invalid(
                name.to_string(),
                format_args!("is set by the client itself"),
            )));
        }
        Ok(Self {
            request,
            operation: operation.unwrap_or(&RAW),
            idempotent,
            response: PhantomData,
        })
    }

    /// Sets whether it may be retried after a failure where it is unknown whether the request was carried out.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Returns whether it is idempotent.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Returns whether a success may have an empty body, as it may for an idempotent action; for
    /// [`decode`](crate::decode).
    pub fn may_be_empty(&self) -> bool {
        self.operation.idempotent && !self.request.method().is_safe()
    }

    /// Returns the request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the headers, to add one that is not in the document.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    /// Returns the operation.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Converts into the request, to send it.
    pub fn into_request(self) -> Request {
        self.request
    }
}

/// Adds the body to the request, if there is one.
#[allow(dead_code, reason = "for documents with an optional body")]
pub(crate) fn with_optional_body<T: serde::Serialize>(
    request: reqwest::RequestBuilder,
    media_type: &'static str,
    body: Option<&T>,
) -> reqwest::RequestBuilder {
    match body {
        Some(body) => request.header(CONTENT_TYPE, media_type).json(body),
        None => request,
    }
}

/// The result of an operation without a response body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoContent;

impl<'de> Deserialize<'de> for NoContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SHOW: Operation = Operation {
        id: "showThing",
        tag: "",
        method: "GET",
        path: "/v1/{project_id}/things/{id}",
        idempotent: true,
        content_type: "",
        summary: "",
        request_body: None,
        response_bodies: &[],
        reserved: &["all"],
    };

    fn path(base: &str, id: &str) -> Result<String, String> {
        let values = [("project_id", "p1"), ("id", id)];
        let base = BaseUrl::new(base);
        let url = url(&base, &SHOW, &values).map_err(|error| error.to_string())?;
        let request = Request::new(Method::GET, url);
        let prepared = Prepared::<()>::new(&base, request, &SHOW);
        let prepared = prepared.map_err(|error| error.to_string())?;
        Ok(prepared.request().url().path().to_owned())
    }

    fn raw(path: &str) -> Result<String, String> {
        let build = |method, url| Ok(Request::new(method, url));
        let base = BaseUrl::new("http://h/api");
        let prepared =
            Prepared::<()>::raw(&base, Method::GET, path, &[], std::iter::once(&SHOW), build);
        let prepared = prepared.map_err(|error| error.to_string())?;
        assert!(prepared.is_idempotent());
        Ok(format!(
            "{} {}",
            prepared.operation().id,
            prepared.request().url()
        ))
    }

    #[test]
    fn values_are_one_segment_below_the_address() {
        for (base, prefix) in [
            ("http://h", ""),
            ("http://h/", ""),
            ("http://h/a/b/", "/a/b"),
        ] {
            let shown = |id| path(base, id);
            assert_eq!(shown("n1"), Ok(format!("{prefix}/v1/p1/things/n1")));
            assert_eq!(
                shown("a/b c~"),
                Ok(format!("{prefix}/v1/p1/things/a%2Fb%20c~"))
            );
            assert_eq!(shown(r"a\b"), Ok(format!("{prefix}/v1/p1/things/a%5Cb")));
            assert_eq!(shown("1.0.0"), Ok(format!("{prefix}/v1/p1/things/1.0.0")));
        }
    }

    #[test]
    fn values_that_lead_elsewhere_are_refused_by_name() {
        let ids = [
            "",
            " ",
            "all",
            "ALL",
            ".",
            "..",
            r"x\..\..\notebooks\n1",
            "../x",
            "%2e%2e",
            "%252E.",
            "a\n",
            "a/%2e%2e/b",
            "..;",
            "..;x=1/../y",
            "%2e%2e%3b",
            "%61ll",
            "all;x",
            "ALL%3Bx",
            "%2561ll",
        ];
        for id in ids {
            let error = path("http://h", id).unwrap_err();
            assert!(error.starts_with("showThing: `id` is "), "{error}");
        }
    }

    #[test]
    fn a_url_made_elsewhere_is_compared_with_the_template() {
        let base = BaseUrl::new("http://h");
        for astray in [
            "http://h/v1/p1/things/",
            "http://h/v1/p1/things",
            "http://h/v1/p1/other/x",
            "http://i/v1/p1/things/x",
        ] {
            let request = Request::new(Method::GET, astray.parse().unwrap());
            let error = Prepared::<()>::new(&base, request, &SHOW).unwrap_err();
            assert!(error.to_string().contains("does not match"), "{error}");
        }
    }

    #[test]
    fn raw_paths_stay_where_they_are() {
        assert_eq!(
            raw("/v1/p1/things/x").unwrap(),
            "showThing http://h/api/v1/p1/things/x"
        );
        assert_eq!(
            raw("/v2/new%20one").unwrap(),
            "request http://h/api/v2/new%20one"
        );
        for path in [
            "",
            "v1",
            "//evil/v1",
            "http://evil/",
            "/v1/../x",
            "/v1/%2e%2E/x",
            "/v1\\..\\x",
            "/v1/.\t./x",
            "/v1?x=1",
            "/v1#x",
            "/v1/a b",
            "/v1/ü",
            "/v1/%252e%252e/x",
            "/v1/{id",
            "/v1/.",
            "/@evil/..",
            "/v1/..;/x",
            "/v1/%2e%2e%3Bx/y",
        ] {
            let error = raw(path).unwrap_err();
            assert!(error.starts_with("request: `path` "), "{path}: {error}");
        }
        let error = raw("/v1/{id}").unwrap_err();
        assert_eq!(error, "request: `id` is missing");
    }

    #[test]
    fn an_invalid_address_is_an_error_of_each_request() {
        let error = path("localhost", "n1").unwrap_err();
        assert!(error.contains("`address` is not a URL"), "{error}");
    }
}
