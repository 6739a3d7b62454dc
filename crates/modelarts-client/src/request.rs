//! Prepared requests: checks that each request is for the intended address and operation, however it was built.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, InvalidHeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::{Request, Url};
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use crate::{IntoOptional, Operation};

/// The characters to escape in a path segment: all except the unreserved ones of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

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

/// Stands for a request by path that does not match any operation of the document.
static RAW: Operation = Operation {
    id: "request",
    tag: "",
    method: "",
    path: "",
    idempotent: false,
    content_type: "",
    summary: "",
    request_body: None,
    response_bodies: &[],
    reserved: &[],
};

/// The address of a service, which all its paths are relative to.
#[derive(Clone, Debug)]
pub struct BaseUrl {
    url: Result<Url, Arc<str>>,
    /// The length of the path that comes before the path of an operation.
    prefix: usize,
}

impl BaseUrl {
    /// Creates a base URL from an address such as `https://modelarts.eu-de.otc.t-systems.com`. If the address is not a
    /// URL, every request returns an error.
    pub fn new(address: &str) -> Self {
        let url = Url::parse(address.trim_end_matches('/'));
        let prefix = url
            .as_ref()
            .map_or(0, |url| url.path().trim_end_matches('/').len());
        Self {
            url: url.map_err(|error| error.to_string().into()),
            prefix,
        }
    }

    /// Returns the address as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.url
            .as_ref()
            .map_or("", |url| url.as_str().trim_end_matches('/'))
    }

    /// Returns whether a URL has the same scheme, host and port.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        self.url.as_ref().is_ok_and(|base| {
            base.scheme() == url.scheme()
                && base.host_str() == url.host_str()
                && base.port_or_known_default() == url.port_or_known_default()
        })
    }

    fn prefix(&self) -> &str {
        self.url
            .as_ref()
            .map_or("", |url| &url.path()[..self.prefix])
    }

    fn join(&self, path: &str) -> Result<Url, RequestError> {
        let base = self.url.as_ref().map_err(|error| {
            RequestError::new("client").problem(Problem::invalid(
                "address",
                format_args!("is not a URL: {error}"),
            ))
        })?;
        let mut url = base.clone();
        match self.prefix {
            0 => url.set_path(path),
            _ => url.set_path(&format!("{}{path}", self.prefix())),
        }
        Ok(url)
    }

    /// Whether the path of a URL matches the operation, with one non-empty segment for each parameter.
    fn leads_to(&self, url: &Url, operation: &Operation) -> bool {
        let path = url.path().strip_prefix(self.prefix());
        path.is_some_and(|path| is_filled(operation.path, path))
    }
}

/// Whether a path is a template with one non-empty segment for each parameter.
fn is_filled(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template, path);
    while let Some((literal, _, rest)) = split_at_parameter(template) {
        let Some(value) = path.strip_prefix(literal) else {
            return false;
        };
        let end = value.find('/').unwrap_or(value.len());
        if end == 0 {
            return false;
        }
        (template, path) = (rest, &value[end..]);
    }
    template == path
}

/// Whether a path is the template of an operation, regardless of the names of the parameters.
fn is_template_of(operation: &Operation, path: &str) -> bool {
    let mut segments = path.split('/');
    let same = operation.path.split('/').all(|wanted| {
        segments.next().is_some_and(|segment| {
            segment == wanted || (parameter(segment).is_some() && parameter(wanted).is_some())
        })
    });
    same && segments.next().is_none()
}

/// Replaces the parameters in a path by their escaped values. A path without parameters is returned unchanged.
fn filled<'a>(
    path: &'a str,
    values: &[(&str, &str)],
    operation: &'static Operation,
) -> Result<Cow<'a, str>, RequestError> {
    let mut error = RequestError::new(RAW.id);
    for (name, _) in values {
        if !path
            .split('/')
            .filter_map(parameter)
            .any(|known| known == *name)
        {
            error.push(Problem::invalid(
                (*name).to_owned(),
                format_args!("is not a parameter of the path {path:?}"),
            ));
        }
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let Some(name) = parameter(segment) else {
            segments.push(Cow::Borrowed(segment));
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            None => error.push(Problem::missing(name.to_owned())),
            Some((_, value)) => match astray(value, operation) {
                Some(rule) => error.push(Problem::invalid(
                    name.to_owned(),
                    format_args!("is {value:?}, {rule}"),
                )),
                None => segments.push(utf8_percent_encode(value, SEGMENT).into()),
            },
        }
    }
    error.or_ok()?;
    Ok(match path.contains('{') {
        true => segments.join("/").into(),
        false => path.into(),
    })
}

/// The URL of an operation, with the escaped values of its path parameters.
pub(crate) fn url(
    base: &BaseUrl,
    operation: &'static Operation,
    values: &[(&str, &str)],
) -> Result<Url, RequestError> {
    let mut path = String::with_capacity(operation.path.len() + 64);
    let mut error = RequestError::new(operation.id);
    let mut template = operation.path;
    while let Some((literal, name, rest)) = split_at_parameter(template) {
        path.push_str(literal);
        template = rest;
        match values.iter().find(|(given, _)| *given == name) {
            None => error.push(Problem::missing(name)),
            Some((_, value)) => match astray(value, operation) {
                Some(rule) => {
                    error.push(Problem::invalid(name, format_args!("is {value:?}, {rule}")))
                }
                None if is_plain(value) => path.push_str(value),
                None => path.extend(utf8_percent_encode(value, SEGMENT)),
            },
        }
    }
    path.push_str(template);
    error.or_ok()?;
    base.join(&path)
}

/// Splits a template at its first parameter: the text before it, its name, and the rest.
fn split_at_parameter(template: &str) -> Option<(&str, &str, &str)> {
    let (literal, parameter) = template.split_once('{')?;
    let (name, rest) = parameter.split_once('}')?;
    Some((literal, name, rest))
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a value is the same in a path, decoded or not, as most IDs are.
fn is_plain(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !value.is_empty() && value.bytes().all(is_plain)
}

/// Why a path value would make the request reach another resource than the one it names.
fn astray(value: &str, operation: &Operation) -> Option<&'static str> {
    const RESERVED: &str = "which is the name of another operation's path";
    let is_reserved = |name: &str| {
        let mut reserved = operation.reserved.iter();
        reserved.any(|word| word.eq_ignore_ascii_case(name))
    };
    if is_plain(value) {
        return is_reserved(value).then_some(RESERVED);
    }
    if value.trim().is_empty() {
        return Some("which is empty: the request would reach another operation");
    }
    if any_decoding(value, |text| is_reserved(without_parameters(text))) {
        return Some(RESERVED);
    }
    if value.trim() != value || value.contains(char::is_control) {
        return Some("which has leading or trailing white space or a control character: remove it");
    }
    if has_steps(value) {
        return Some("which servers would resolve to another path");
    }
    None
}

/// Whether a text has `.` or `..` between slashes of any kind, in any encoding.
fn has_steps(text: &str) -> bool {
    let step = |step: &str| matches!(without_parameters(step), "." | "..");
    text.contains(['.', '%']) && any_decoding(text, |text| text.split(['/', '\\']).any(step))
}

/// Whether the condition holds for a text that is percent-decoded any number of times: each server on the way may
/// decode it again.
fn any_decoding(text: &str, is_so: impl Fn(&str) -> bool) -> bool {
    let mut text = Cow::Borrowed(text);
    loop {
        if is_so(&text) {
            return true;
        }
        if !text.contains('%') {
            return false;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == *text {
            return false;
        }
        text = Cow::Owned(decoded);
    }
}

/// The segment without parameters: some servers ignore the part after a semicolon, so that `..;x` means `..` to them.
fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default().trim()
}

/// The error of a request that cannot be built; lists all missing and invalid values at once.
///
/// ```no_run
/// # fn run(client: modelarts_client::devenviron::Client) {
/// let error = client.list_notebooks().limit(u64::MAX).prepare().unwrap_err();
/// assert_eq!(error.subject(), "listNotebooks");
/// assert_eq!(error.missing().collect::<Vec<_>>(), ["project_id"]);
/// assert_eq!(
///     error.to_string(),
///     "listNotebooks: `project_id` is missing; `limit` is invalid: out of range integral type conversion attempted"
/// );
/// # }
/// ```
///
/// Builders of bodies do the same, and include the errors of their parts:
///
/// ```
/// use modelarts_client::devenviron::types::{CreateNotebookRequest, VolumeReq};
///
/// let volume = VolumeReq::builder().category("EVS").capacity(u64::MAX);
/// let error = CreateNotebookRequest::builder().name("bert").volume(volume).build().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "CreateNotebookRequest: `flavor` and `image_id` are missing; `volume` is invalid: VolumeReq: `ownership` is \
///      missing; `capacity` is invalid: out of range integral type conversion attempted"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    subject: &'static str,
    problems: Vec<Problem>,
}

/// An error in a field or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    field: Cow<'static, str>,
    /// `None` if it is missing.
    rule: Option<String>,
}

impl Problem {
    pub(crate) fn missing(field: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            rule: None,
        }
    }

    pub(crate) fn unfit(field: &'static str, error: &dyn fmt::Display) -> Self {
        Self::invalid(field, format_args!("is invalid: {error}"))
    }

    fn invalid(field: impl Into<Cow<'static, str>>, rule: fmt::Arguments<'_>) -> Self {
        Self {
            field: field.into(),
            rule: Some(rule.to_string()),
        }
    }
}

impl RequestError {
    pub(crate) fn new(subject: &'static str) -> Self {
        Self {
            subject,
            problems: Vec::new(),
        }
    }

    fn build(subject: &'static str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        Self::new(subject).problem(Problem::invalid(
            "request",
            format_args!("cannot be built: {error}"),
        ))
    }

    /// An error for an operation whose request cannot be built from its parts.
    pub(crate) fn unbuilt(operation: &'static Operation, error: reqwest::Error) -> Self {
        Self::build(operation.id, error)
    }

    /// An error for an invalid header value.
    #[allow(dead_code, reason = "for documents with header parameters")]
    pub(crate) fn header(operation: &'static Operation, error: &InvalidHeaderValue) -> Self {
        Self::new(operation.id).problem(Problem::unfit("header", error))
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn problem(mut self, problem: Problem) -> Self {
        self.push(problem);
        self
    }

    fn or_ok(&mut self) -> Result<(), Self> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Self {
                subject: self.subject,
                problems: std::mem::take(&mut self.problems),
            }),
        }
    }

    /// Returns the name of what should be built: a type such as `CreateNotebookRequest`, or an operation such as
    /// `createNotebook`.
    pub fn subject(&self) -> &'static str {
        self.subject
    }

    /// Returns the required fields and parameters that were not set.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.problems.iter().filter(|it| it.rule.is_none());
        missing.map(|problem| &*problem.field)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        let missing: Vec<_> = self.missing().map(|field| format!("`{field}`")).collect();
        let mut separator = "";
        if let Some((last, others)) = missing.split_last() {
            match others {
                [] => write!(f, "{last} is missing")?,
                others => write!(f, "{} and {last} are missing", others.join(", "))?,
            }
            separator = "; ";
        }
        for problem in &self.problems {
            if let Some(rule) = &problem.rule {
                write!(f, "{separator}`{}` {rule}", problem.field)?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

impl std::error::Error for RequestError {}

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

/// What is wrong with the values that a builder was given; the last call of a setter counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

#[allow(dead_code, reason = "for documents with values of both kinds")]
impl Problems {
    /// A value that must be there.
    pub(crate) fn required<T, V>(&mut self, field: &'static str, value: V) -> Option<T>
    where
        V: TryInto<T, Error: fmt::Display>,
    {
        self.take(field, value.try_into().map(Some))
    }

    /// A value that may be left out.
    pub(crate) fn optional<T, V, M>(&mut self, field: &'static str, value: V) -> Option<T>
    where
        V: IntoOptional<T, M>,
    {
        self.take(field, value.into_optional())
    }

    fn take<T, E: fmt::Display>(
        &mut self,
        field: &'static str,
        value: Result<Option<T>, E>,
    ) -> Option<T> {
        self.0.retain(|problem| problem.field != field);
        value.unwrap_or_else(|error| {
            self.0.push(Problem::unfit(field, &error));
            None
        })
    }

    /// Notes that a value is missing, unless something else is wrong with it.
    pub(crate) fn require<T>(&mut self, field: &'static str, value: &Option<T>) {
        if value.is_none() && !self.0.iter().any(|problem| problem.field == field) {
            self.0.push(Problem::missing(field));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error that names them all.
    pub(crate) fn of(self, subject: &'static str) -> RequestError {
        RequestError {
            subject,
            problems: self.0,
        }
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
