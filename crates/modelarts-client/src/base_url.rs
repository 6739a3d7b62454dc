//! The address of a service, and the URLs below it.

use std::sync::Arc;

use reqwest::Url;

use crate::Operation;
use crate::path::{escaped, is_filled, split_at_parameter};
use crate::request_error::{Problem, RequestError};

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

    pub(crate) fn prefix(&self) -> &str {
        self.url
            .as_ref()
            .map_or("", |url| &url.path()[..self.prefix])
    }

    pub(crate) fn join(&self, path: &str) -> Result<Url, RequestError> {
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
    pub(crate) fn leads_to(&self, url: &Url, operation: &Operation) -> bool {
        let path = url.path().strip_prefix(self.prefix());
        path.is_some_and(|path| is_filled(operation.path, path))
    }
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
            Some((_, value)) => match escaped(value, operation) {
                Ok(value) => path.push_str(&value),
                Err(rule) => {
                    error.push(Problem::invalid(name, format_args!("is {value:?}, {rule}")))
                }
            },
        }
    }
    path.push_str(template);
    error.or_ok()?;
    base.join(&path)
}
