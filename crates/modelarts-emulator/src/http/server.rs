//! The socket: accepts connections, serves them, and shuts down gracefully.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Activity, GatewayErrorStream};
use super::pipeline::respond;
use super::router::others;
use crate::app::App;
use crate::clock::real_sleep;

/// The maximum size of the head of a request.
const MAX_HEAD: usize = 128 * 1024;

/// How much is read and discarded, and for how long, after a refusal of the HTTP library. If the connection were
/// closed with unread data, the response could get lost.
const LINGER: usize = 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How long the shutdown waits for responses in flight.
const GRACE: Duration = Duration::from_secs(10);

/// Serves connections until it is stopped, then waits for the responses in flight.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let others = others(&app);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&app), others.clone(), stop.clone()));
                }
                Err(error) => {
                    // Usually there are no file handles left; they become available when connections end.
                    tracing::warn!(%error, "cannot accept a connection");
                    real_sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("some connections did not end in time and are closed");
    }
}

/// Waits until the emulator is stopped or dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(
    stream: TcpStream,
    app: Arc<App>,
    others: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Small responses are sent at once.
    let _ = stream.set_nodelay(true);
    let activity = Arc::<Activity>::default();
    let service = service_fn(|request: http::Request<Incoming>| {
        activity.begin();
        let response = respond(&app, &others, request.map(body));
        async {
            let response = response.await;
            activity.end(response.is_none());
            response.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionReset))
        }
    });
    let stream = TokioIo::new(stream);
    let stream = GatewayErrorStream::new(stream, Arc::clone(&app), Arc::clone(&activity));
    let mut connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(stream, service);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = activity.ceased(app.timeouts.head) => return,
        () = stopped(&mut stop) => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let refused = ended.is_err_and(|error| error.is_parse());
    if !refused && !activity.is_reset() {
        return;
    }
    let stream = connection.into_parts().io.into_inner().into_inner();
    if activity.is_reset() {
        // Without lingering, the socket is closed with a reset.
        let _ = stream.set_zero_linger();
    } else {
        // Boxed, so that its buffer is not part of every connection.
        let _ = tokio::time::timeout(LINGER_TIME, Box::pin(drain(&stream))).await;
    }
}

/// Converts a body; an empty one, which most requests have, takes no allocation.
fn body(incoming: Incoming) -> Body {
    match incoming.is_end_stream() {
        true => Body::empty(),
        false => Body::new(incoming),
    }
}

/// Reads and discards what is left of the request.
async fn drain(stream: &TcpStream) {
    let mut buffer = [0; 4096];
    let mut left = LINGER;
    while left > 0 && stream.readable().await.is_ok() {
        match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => left = left.saturating_sub(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
