//! A load generator: persistent connections with one request at a time on each; responses are read, not parsed.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::measure::now;

/// Connections to one server.
#[derive(Debug)]
pub struct Connections(Vec<Connection>);

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    reply: Vec<u8>,
}

/// The measurements of a round of requests.
#[derive(Debug)]
pub struct Round {
    /// Time from the first request to the last response.
    pub wall: Duration,
    /// Latency of each request.
    pub latencies: Vec<Duration>,
}

impl Connections {
    /// Connects to a URL such as `http://127.0.0.1:8780`.
    pub async fn open(url: &str, number: usize) -> Self {
        let address = url.trim_start_matches("http://");
        let mut connections = Vec::with_capacity(number);
        for _ in 0..number {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(Connection {
                stream,
                reply: Vec::new(),
            });
        }
        Self(connections)
    }

    /// Sends a request `times` times on each connection.
    pub async fn round(&mut self, request: &Request, times: usize) -> Round {
        let begun = now();
        let connections = self.0.drain(..).map(|mut connection| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(times);
                for _ in 0..times {
                    let sent = now();
                    connection.exchange(&request).await;
                    latencies.push(sent.elapsed());
                }
                (connection, latencies)
            })
        });
        let connections: Vec<_> = connections.collect();
        let mut latencies = Vec::with_capacity(times * connections.len());
        for connection in connections {
            let (connection, mut its_own) = connection.await.unwrap();
            self.0.push(connection);
            latencies.append(&mut its_own);
        }
        Round {
            wall: begun.elapsed(),
            latencies,
        }
    }

    /// Sends a request and returns the body of the response.
    pub async fn body(&mut self, request: &Request) -> Vec<u8> {
        let connection = &mut self.0[0];
        let head = connection.exchange(request).await;
        connection.reply[head..].to_vec()
    }
}

/// An encoded request.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    /// Creates a `GET` request for a path.
    pub fn get(path: &str, token: &str) -> Self {
        let lines = [
            &format!("GET {path} HTTP/1.1"),
            "host: 127.0.0.1",
            "accept: application/json",
            "content-type: application/json",
            "user-agent: bench",
            &format!("x-auth-token: {token}"),
        ];
        Self(format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes())
    }
}

impl Connection {
    /// Sends a request and reads the response into `reply`; returns the length of its head.
    async fn exchange(&mut self, request: &Request) -> usize {
        self.stream.write_all(&request.0).await.unwrap();
        self.reply.clear();
        let mut whole = None;
        while whole.is_none_or(|(_, length)| self.reply.len() < length) {
            let read = self.stream.read_buf(&mut self.reply).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            whole = whole.or_else(|| lengths(&self.reply));
        }
        whole.unwrap().0
    }
}

/// The lengths of the head and of the whole response, once the head is complete. Panics on any status other than 200.
fn lengths(reply: &[u8]) -> Option<(usize, usize)> {
    let head = reply.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = str::from_utf8(&reply[..head]).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let (_, rest) = text.split_once("content-length: ").unwrap();
    let (length, _) = rest.split_once('\r').unwrap();
    Some((head, head + length.parse::<usize>().unwrap()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelarts_test_support::BenchServer;

    #[tokio::test]
    async fn every_request_gets_its_response() {
        let server = BenchServer::start(|target, body| body.extend_from_slice(target.as_bytes()));
        let mut connections = Connections::open(&server.url(), 3).await;
        let request = Request::get("/v1/a", "t");
        assert_eq!(connections.round(&request, 5).await.latencies.len(), 15);
        assert_eq!(connections.body(&request).await, b"/v1/a");
    }
}
