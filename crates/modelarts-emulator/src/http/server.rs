//! The socket: connections in, responses out, and an orderly end.

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

const MAX_HEAD: usize = 128 * 1024;

/// So much, and for so long, is read and thrown away after a refusal of the HTTP library: closing with unread data would
/// destroy the response on its way.
const LINGER: usize = 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How long the end of the emulator waits for responses that are under way.
const GRACE: Duration = Duration::from_secs(10);

/// Responds until it is stopped; then waits for the responses under way.
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
                    // Out of file handles, as a rule: they come back when connections end.
                    tracing::warn!(%error, "no connection could be accepted");
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
        tracing::warn!("some connections did not end in time and are cut");
    }
}

/// Waits until the emulator is stopped, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(
    stream: TcpStream,
    app: Arc<App>,
    others: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Small responses must not wait for more to come.
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
        // Without lingering the socket closes with a reset instead of an orderly end.
        let _ = stream.set_zero_linger();
    } else {
        // Boxed, so that its buffer is no part of every connection.
        let _ = tokio::time::timeout(LINGER_TIME, Box::pin(drain(&stream))).await;
    }
}

/// Most requests have no body, which takes no room.
fn body(incoming: Incoming) -> Body {
    match incoming.is_end_stream() {
        true => Body::empty(),
        false => Body::new(incoming),
    }
}

/// Reads what is left and forgets it.
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
