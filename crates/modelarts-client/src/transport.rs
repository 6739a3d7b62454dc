//! The seam between generated code and whoever sends the requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode};

/// The future of [`Transport::execute`].
pub type TransportFuture<'a> = Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send + 'a>>;

/// Sends the requests that a generated client builds.
///
/// Authentication, retries and time limits live behind this trait, so that they serve every
/// operation, generated or not. The request is complete but for credentials; its body is in memory,
/// so `Request::try_clone` always succeeds.
///
/// ```
/// use modelarts_client::{Hooks, Transport, TransportFuture, devenviron};
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Token(&'static str);
///
/// impl Transport for Token {
///     fn execute<'a>(
///         &'a self,
///         http: &'a reqwest::Client,
///         mut request: reqwest::Request,
///         _operation_id: &'static str,
///     ) -> TransportFuture<'a> {
///         request.headers_mut().insert("x-auth-token", self.0.parse().unwrap());
///         Box::pin(http.execute(request))
///     }
/// }
///
/// # fn build(http: reqwest::Client) -> devenviron::Client {
/// let hooks = Hooks::new(Arc::new(Token("00000000")));
/// devenviron::Client::new_with_client("http://127.0.0.1:8780", http, hooks)
/// # }
/// ```
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends one request and returns the answer, whatever its status.
    fn execute<'a>(
        &'a self,
        http: &'a reqwest::Client,
        request: Request,
        operation_id: &'static str,
    ) -> TransportFuture<'a>;
}

/// What a generated client calls around every request.
///
/// The default sends the request as it is.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    transport: Option<Arc<dyn Transport>>,
}

impl Hooks {
    /// Hands every request to `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport: Some(transport),
        }
    }

    pub(crate) async fn execute(
        &self,
        http: &reqwest::Client,
        request: Request,
        operation_id: &'static str,
    ) -> reqwest::Result<Response> {
        let response = match &self.transport {
            Some(transport) => transport.execute(http, request, operation_id).await?,
            None => http.execute(with_length(request)).await?,
        };
        Ok(settle(response))
    }
}

/// Says that there is no body where one is usual: without the header, gateways refuse such requests.
fn with_length(mut request: Request) -> Request {
    let usual = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    if usual && request.body().is_none() {
        let none = HeaderValue::from_static("0");
        request.headers_mut().insert(CONTENT_LENGTH, none);
    }
    request
}

/// Gives an answer without content the empty object that its type decodes from.
///
/// The pages list 204 beside 200 for deletions; the generated code knows one success body only.
fn settle(response: Response) -> Response {
    if response.status() != StatusCode::NO_CONTENT {
        return response;
    }
    let mut settled = http::Response::new("{}");
    *settled.status_mut() = response.status();
    *settled.headers_mut() = response.headers().clone();
    settled.headers_mut().remove(CONTENT_LENGTH);
    Response::from(settled)
}

/// Joins a generated client to its [`Hooks`].
macro_rules! hooked {
    ($client:ty) => {
        impl ::progenitor_client::ClientHooks<$crate::Hooks> for $client {
            async fn exec(
                &self,
                request: ::reqwest::Request,
                info: &::progenitor_client::OperationInfo,
            ) -> ::reqwest::Result<::reqwest::Response> {
                use ::progenitor_client::ClientInfo as _;
                self.inner()
                    .execute(self.client(), request, info.operation_id)
                    .await
            }
        }
    };
}
pub(crate) use hooked;

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &'static str) -> Response {
        Response::from(
            http::Response::builder()
                .status(status)
                .header("x-request-id", "r-1")
                .body(body)
                .unwrap(),
        )
    }

    #[test]
    fn a_post_without_body_says_so() {
        let request = |method| Request::new(method, "http://127.0.0.1/".parse().unwrap());
        let length = |method| {
            with_length(request(method))
                .headers()
                .get(CONTENT_LENGTH)
                .cloned()
        };
        assert_eq!(length(Method::POST), Some(HeaderValue::from_static("0")));
        assert_eq!(length(Method::GET), None);
    }

    #[tokio::test]
    async fn no_content_becomes_an_empty_object() {
        let settled = settle(response(204, ""));
        assert_eq!(settled.status(), StatusCode::NO_CONTENT);
        assert_eq!(settled.headers()["x-request-id"], "r-1");
        assert_eq!(settled.text().await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn an_empty_200_stays_empty() {
        assert_eq!(settle(response(200, "")).text().await.unwrap(), "");
    }
}
