//! The connection below the HTTP library. It adds a body to the library's own refusals, and disconnects clients that
//! do not read their responses.
//!
//! Bytes that are not HTTP, and heads that are too large, never become a request: hyper responds with a bare status
//! and closes the connection. That response gets the body that the gateway in front of the service would send.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::future::BoxFuture;
use http::StatusCode;
use hyper::rt::{Read, ReadBufCursor, Write};

use super::response::gateway_body;
use crate::app::App;
use crate::clock::real_sleep;
use crate::error::{ApiError, code};

/// The activity of a connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    is_responding: AtomicBool,
    is_reset: AtomicBool,
    /// Counts the writes, and the responses that are complete.
    done: AtomicUsize,
}

impl Activity {
    /// How often the activity is checked within the timeout for a head.
    const CHECKS: u32 = 4;

    /// Records that a request has arrived.
    pub(crate) fn begin(&self) {
        self.is_responding.store(true, Ordering::Relaxed);
    }

    /// Records that its response is ready, or that the connection has to be reset instead.
    pub(crate) fn end(&self, is_reset: bool) {
        self.is_responding.store(false, Ordering::Relaxed);
        self.is_reset.store(is_reset, Ordering::Relaxed);
        self.advance();
    }

    fn advance(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    /// Completes when the connection has been inactive for this time, or up to a quarter longer: no request arrived,
    /// and no response was prepared or written. The client then sends nothing, or an incomplete head.
    ///
    /// There is one timer per connection. The HTTP library has one for each head, which is noticeable with short
    /// responses.
    pub(crate) async fn ceased(&self, limit: Duration) {
        let (mut known, mut quiet) = (self.done.load(Ordering::Relaxed), 0);
        while quiet < Self::CHECKS {
            real_sleep(limit / Self::CHECKS).await;
            let done = self.done.load(Ordering::Relaxed);
            let is_quiet = done == known && !self.is_responding.load(Ordering::Relaxed);
            quiet = if is_quiet { quiet + 1 } else { 0 };
            known = done;
        }
    }
}

/// A connection that adds a body to bare refusals, and fails a write when the client stops reading.
pub(crate) struct GatewayErrorStream<S> {
    stream: S,
    app: Arc<App>,
    activity: Arc<Activity>,
    /// The rest of the response that replaces a bare refusal.
    replacement: Bytes,
    /// Completes when the client has not read anything for too long.
    stalled: Option<BoxFuture<'static, ()>>,
}

impl<S> GatewayErrorStream<S> {
    pub(crate) fn new(stream: S, app: Arc<App>, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            app,
            activity,
            replacement: Bytes::new(),
            stalled: None,
        }
    }

    /// Returns the result of a write, or an error if writes have been pending for too long.
    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            self.activity.advance();
            return written;
        }
        let limit = self.app.timeouts.body;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(real_sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Read + Unpin> Read for GatewayErrorStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for GatewayErrorStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replacement.is_empty() {
            match bare_refusal(bytes) {
                None => {
                    let written = Pin::new(&mut this.stream).poll_write(context, bytes);
                    return this.in_time(context, written);
                }
                Some((status, head)) => {
                    this.replacement = gateway_response(&this.app, status, head)
                }
            }
        }
        while this.replacement.has_remaining() {
            let written = Pin::new(&mut this.stream).poll_write(context, &this.replacement);
            match ready!(this.in_time(context, written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => this.replacement.advance(count),
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [bytes] => self.poll_write(context, bytes),
            _ => {
                let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
                self.in_time(context, written)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const NO_BODY: &str = "content-length: 0\r\n";

/// Returns the status and the head if the bytes are a response of the HTTP library; the emulator's have a request id.
fn bare_refusal(bytes: &[u8]) -> Option<(StatusCode, &str)> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ")?;
    if rest.first() != Some(&b'4') || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?;
    let bare = head.contains(NO_BODY) && !head.contains("x-request-id");
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    bare.then_some((status, head))
}

fn gateway_response(app: &App, status: StatusCode, head: &str) -> Bytes {
    let message = match status {
        StatusCode::URI_TOO_LONG => "The URL of the request is too long.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "The request has too many headers, or they are too large in total."
        }
        _ => "The request is not HTTP/1.1.",
    };
    let id = app.request_ids.next();
    tracing::info!(
        target: "modelarts_emulator::request",
        request_id = %id,
        status = status.as_u16(),
        error_code = code::GATEWAY_REQUEST.as_str(),
    );
    let error = ApiError::with_status(status, code::GATEWAY_REQUEST, message);
    let body = gateway_body(&error, id).to_string();
    let with_body = format!(
        "content-type: application/json\r\nx-request-id: {id}\r\ncontent-length: {}\r\n",
        body.len()
    );
    Bytes::from(head.replacen(NO_BODY, &with_body, 1) + &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_responses_of_the_library_are_bare_refusals() {
        let bare = b"HTTP/1.1 431 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let (status, _) = bare_refusal(bare).unwrap();
        assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 4",
            b"{}",
            b"",
        ] {
            assert!(bare_refusal(other).is_none());
        }
    }
}
