//! The socket: connections in, responses out, and an orderly end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::GatewayErrorStream;
use super::pipeline::respond;
use super::router::router;
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
    let router = router(&app);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&app), router.clone(), stop.clone()));
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
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Small responses must not wait for more to come.
    let _ = stream.set_nodelay(true);
    let reset = AtomicBool::new(false);
    let service = service_fn(|request: http::Request<Incoming>| {
        let response = respond(&app, router.clone(), request.map(Body::new));
        async {
            response.await.ok_or_else(|| {
                reset.store(true, Ordering::Release);
                io::Error::from(io::ErrorKind::ConnectionReset)
            })
        }
    });
    let stream = GatewayErrorStream::new(TokioIo::new(stream), Arc::clone(&app));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.timeouts.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(stream, service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stop) => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let refused = ended.is_err_and(|error| error.is_parse());
    if !refused && !reset.load(Ordering::Acquire) {
        return;
    }
    let stream = connection.into_parts().io.into_inner().into_inner();
    if reset.load(Ordering::Acquire) {
        // Without lingering the socket closes with a reset instead of an orderly end.
        let _ = stream.set_zero_linger();
    } else {
        // Boxed, so that its buffer is no part of every connection.
        let _ = tokio::time::timeout(LINGER_TIME, Box::pin(drain(&stream))).await;
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
