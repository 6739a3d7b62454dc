//! Failures below HTTP: no connection, an untrusted certificate, a broken connection, bytes that are not HTTP.

use std::error::Error as StdError;
use std::sync::Arc;

use super::{Error, ErrorKind};

impl Error {
    /// Creates the error of an exchange that failed below HTTP.
    pub(crate) fn exchange(error: reqwest::Error) -> Self {
        let hint = no_tls_hint(&error);
        // The URL contains the project and the query.
        let error = error.without_url();
        let cause = root_cause(&error);
        let kind = if error.is_connect() && cause.contains("certificate") {
            ErrorKind::Certificate
        } else if error.is_connect() {
            ErrorKind::Connect
        } else if error.is_timeout() {
            ErrorKind::AttemptTimeout
        } else if error.is_builder() {
            ErrorKind::InvalidArgument
        } else if is_no_http(&error) {
            ErrorKind::Protocol
        } else {
            ErrorKind::Interrupted
        };
        let message = match kind {
            ErrorKind::Connect => "no connection to the service",
            ErrorKind::Certificate => "the certificate of the server is not trusted",
            ErrorKind::AttemptTimeout => "no complete response in time",
            ErrorKind::InvalidArgument => "the request cannot be built",
            ErrorKind::Protocol => "the response is not HTTP",
            _ => "the connection broke off before the response was complete",
        };
        let mut this = Self::new(kind, format!("{message}: {cause}{hint}"));
        this.0.transport = Some(Arc::new(error));
        this
    }
}

/// A hint why `https` fails in a build of this crate without a TLS library, unless another crate enables one.
fn no_tls_hint(error: &reqwest::Error) -> &'static str {
    const HAS_TLS: bool = cfg!(any(feature = "rustls", feature = "native-tls"));
    let is_https = error.url().is_some_and(|url| url.scheme() == "https");
    match is_https && !HAS_TLS && error.is_connect() {
        true => "; https needs the feature `rustls` or `native-tls` of the crate `modelarts`",
        false => "",
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Whether the received bytes are not HTTP; the same server would send them again.
fn is_no_http(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::predicates;
    use super::*;

    /// The error of the HTTP client for a server that responds like this.
    async fn exchanged(response: Option<&'static [u8]>) -> Error {
        use std::io::{Read as _, Write as _};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/v1/p1/secret-path",
            listener.local_addr().unwrap()
        );
        let server = response.map(|response| {
            std::thread::spawn(move || {
                let mut connection = listener.accept().unwrap().0;
                assert_ne!(connection.read(&mut [0; 1024]).unwrap(), 0);
                connection.write_all(response).unwrap();
            })
        });
        // Without a response, the listener is already closed.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = match client.get(url).send().await {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        server.into_iter().for_each(|server| server.join().unwrap());
        Error::exchange(error)
    }

    #[tokio::test]
    async fn failures_below_http_are_distinguished() {
        let https = reqwest::Client::new().get("https://127.0.0.1:1/").send();
        let no_url = reqwest::Client::new().get("http://").send();
        // A program may set limits on its own HTTP client.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let late = client.get(url).timeout(Duration::from_millis(20)).send();
        for (error, kind, expected, shown) in [
            (
                exchanged(None).await,
                ErrorKind::Connect,
                "retryable connect",
                "no connection to the service: ",
            ),
            (
                Error::exchange(https.await.unwrap_err()),
                ErrorKind::Connect,
                "retryable connect",
                "no connection to the service: ",
            ),
            (
                exchanged(Some(b"")).await,
                ErrorKind::Interrupted,
                "retryable unknown",
                "the connection broke off before the response was complete: ",
            ),
            (
                exchanged(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")).await,
                ErrorKind::Interrupted,
                "retryable unknown",
                "the connection broke off before the response was complete: ",
            ),
            (
                exchanged(Some(b"220 mail.test ESMTP\r\n\r\n")).await,
                ErrorKind::Protocol,
                "unknown",
                "the response is not HTTP: ",
            ),
            (
                Error::exchange(late.await.unwrap_err()),
                ErrorKind::AttemptTimeout,
                "retryable unknown timeout",
                "no complete response in time: ",
            ),
            (
                Error::exchange(no_url.await.unwrap_err()),
                ErrorKind::InvalidArgument,
                "usage",
                "the request cannot be built: ",
            ),
        ] {
            assert_eq!(
                (error.kind(), &*predicates(&error)),
                (kind, expected),
                "{error}"
            );
            let text = error.to_string();
            // It ends with the innermost reason, and contains neither the URL nor the hint for builds without TLS.
            assert!(
                text.starts_with(shown) && text.len() > shown.len(),
                "{text}"
            );
            assert!(
                !text.contains("secret-path") && !text.contains("feature"),
                "{text}"
            );
            assert!(error.transport_error().is_some());
        }
    }
}
