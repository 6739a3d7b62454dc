//! A scripted server on the loopback interface that records requests and controls every byte of its responses.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use crate::listener::{Listener, header, parse_head, read_head, read_up_to};

/// A recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query, as in the request line.
    pub target: String,
    /// The headers in order, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Recorded {
    /// Returns the target without the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// Returns the pairs of the query, still encoded.
    pub fn query(&self) -> Vec<&str> {
        let query = self.target.split_once('?').map(|(_, query)| query);
        query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .collect()
    }

    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        match self.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&self.body).expect("the body is JSON"),
        }
    }
}

/// Formats the request for a snapshot: sorted headers, hidden port, indented JSON.
impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.path())?;
        writeln!(f, "\nquery")?;
        for pair in self.query() {
            writeln!(f, "  {pair}")?;
        }
        if self.query().is_empty() {
            writeln!(f, "  (none)")?;
        }
        writeln!(f, "\nheaders")?;
        let mut headers = self.headers.clone();
        headers.sort();
        for (name, value) in &headers {
            let value = if name == "host" { "[host]" } else { value };
            writeln!(f, "  {name}: {value}")?;
        }
        writeln!(f, "\nbody")?;
        if self.body.is_empty() {
            return write!(f, "  (none)");
        }
        let json = self.json();
        // The indentation must not hide a difference.
        assert_eq!(json.to_string(), self.body, "the body is plain JSON");
        write!(f, "{json:#}")
    }
}

/// The reaction to a request.
pub struct Reply {
    /// Status line and headers without the empty line; `None` for raw bytes.
    head: String,
    bytes: Vec<u8>,
    then: Then,
}

/// What happens after the bytes of a reply.
enum Then {
    KeepOpen,
    Close,
    Reset,
    Stall(Box<dyn FnOnce() + Send>),
    Repeat(Box<dyn Fn(usize) + Send>),
}

impl Reply {
    /// Creates a complete response.
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut reply = Self::promising(status, headers, body.len()).and(body);
        reply.then = Then::KeepOpen;
        reply
    }

    /// Creates a complete response with a JSON body.
    pub fn json(status: u16, body: impl fmt::Display) -> Self {
        let headers = [("content-type", "application/json")];
        Self::new(status, &headers, body.to_string())
    }

    /// Creates the head of a response that declares `length` bytes but sends none. Then the connection is closed.
    pub fn promising(status: u16, headers: &[(&str, &str)], length: usize) -> Self {
        let mut reply = Self::raw("");
        reply.head = format!("HTTP/1.1 {status} \r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            reply = reply.header(name, value);
        }
        reply
    }

    /// Sends raw bytes, which need not be HTTP. Then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            head: String::new(),
            bytes: bytes.into(),
            then: Then::Close,
        }
    }

    /// Sends nothing and keeps the connection open.
    pub fn silence() -> Self {
        Self::raw("").then_stall(|| {})
    }

    /// Sends the bytes repeatedly; `written` is called each time with the number of repetitions.
    pub fn endless(bytes: impl Into<Vec<u8>>, written: impl Fn(usize) + Send + 'static) -> Self {
        let mut reply = Self::raw(bytes);
        reply.then = Then::Repeat(Box::new(written));
        reply
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Also sends `part`.
    #[must_use]
    pub fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(part.as_ref());
        self
    }

    /// Resets the connection afterwards instead of closing it.
    #[must_use]
    pub fn then_reset(mut self) -> Self {
        self.then = Then::Reset;
        self
    }

    /// Calls `stalled` afterwards, sends nothing more, and keeps the connection open.
    #[must_use]
    pub fn then_stall(mut self, stalled: impl FnOnce() + Send + 'static) -> Self {
        self.then = Then::Stall(Box::new(stalled));
        self
    }
}

/// A server, which is stopped on drop.
#[derive(Debug)]
pub struct Server {
    /// The URL, without a trailing slash.
    pub url: String,
    requests: Arc<Mutex<Vec<Recorded>>>,
    _listener: Listener,
}

impl Server {
    /// Starts a server. `script` returns the reply for a request and the number of requests before it.
    pub fn start(script: impl Fn(&Recorded, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::over("http", Ok, script)
    }

    /// Does the same over streams that `secure` creates from connections, with this URL scheme.
    pub fn over<S: Read + Write>(
        scheme: &str,
        secure: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
        script: impl Fn(&Recorded, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        let listener = Listener::start(move |socket| {
            let mut stream = secure(socket.try_clone()?)?;
            serve(&mut stream, &socket, &recorded, &script)
        });
        Self {
            url: format!("{scheme}://{}", listener.address()),
            requests,
            _listener: listener,
        }
    }

    /// Starts a server that replies to every request with an empty object.
    pub fn recording() -> Self {
        Self::start(|_, _| Reply::json(200, "{}"))
    }

    /// Returns all requests so far that were not taken.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the number of these requests.
    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// Takes the requests since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Takes the only request since the last call.
    pub fn take_one(&self) -> Recorded {
        let mut requests = self.take();
        let count = requests.len();
        assert_eq!(count, 1, "exactly one request was expected: {requests:#?}");
        requests.remove(0)
    }
}

/// An address at which no server listens. It is reserved until this value is dropped.
#[derive(Debug)]
pub struct Nobody(Socket);

impl Nobody {
    /// Reserves an address.
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    /// Returns the URL, without a trailing slash.
    pub fn url(&self) -> String {
        let address = self.0.local_addr().unwrap().as_socket();
        format!("http://{}", address.unwrap())
    }
}

impl Default for Nobody {
    fn default() -> Self {
        Self::new()
    }
}

fn serve<S: Read + Write>(
    stream: &mut S,
    socket: &TcpStream,
    requests: &Mutex<Vec<Recorded>>,
    script: &impl Fn(&Recorded, usize) -> Reply,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read(stream, &mut buffer)? {
        let before = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let Reply { head, bytes, then } = script(&request, before);
        let mut response = head.into_bytes();
        if !response.is_empty() {
            response.extend_from_slice(b"\r\n");
        }
        response.extend_from_slice(&bytes);
        stream.write_all(&response)?;
        stream.flush()?;
        match then {
            Then::KeepOpen => {}
            Then::Close => return socket.shutdown(Shutdown::Both),
            Then::Reset => return SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            Then::Stall(stalled) => {
                stalled();
                // Waits until the client closes the connection.
                return stream.read(&mut [0]).map(drop);
            }
            Then::Repeat(written) => {
                for times in 1.. {
                    written(times);
                    stream.write_all(&bytes)?;
                }
            }
        }
    }
    Ok(())
}

fn read(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Recorded>> {
    let Some(head) = read_head(stream, buffer)? else {
        return Ok(None);
    };
    let (first, headers) = parse_head(&buffer[..head]);
    let encoding = header(&headers, "transfer-encoding");
    assert_eq!(encoding, None, "bodies have a length");
    let mut first = first.split(' ').map(str::to_owned);
    let (method, target) = (first.next(), first.next());
    let length = header(&headers, "content-length");
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    read_up_to(stream, buffer, head + length)?;
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Ok(Some(Recorded {
        method: method.unwrap_or_default(),
        target: target.unwrap_or_default(),
        headers,
        body: String::from_utf8(body).expect("the body is text"),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connection::{Connection, exchange};

    fn address(server: &Server) -> &str {
        server.url.trim_start_matches("http://")
    }

    #[test]
    fn requests_on_a_persistent_connection_are_recorded() {
        let server = Server::start(|request, before| {
            let body = json!({"path": request.path(), "before": before});
            Reply::json(200, body).header("x-number", &before.to_string())
        });
        let mut connection = Connection::open(address(&server)).unwrap();
        for number in 0..2 {
            let body = json!({"number": number});
            let sent = connection.send(
                "POST",
                "/things?limit=1&x=%2F",
                &[("X-A", "b")],
                Some(&body),
            );
            let response = sent.unwrap();
            assert_eq!(response.status, 200);
            assert_eq!(response.body, json!({"path": "/things", "before": number}));
            let expected = number.to_string();
            assert_eq!(response.header("x-number"), Some(expected.as_str()));
            let recorded = server.requests().pop().unwrap();
            assert_eq!(recorded.query(), ["limit=1", "x=%2F"]);
            assert_eq!(recorded.header("x-a"), Some("b"));
            assert_eq!(recorded.json(), body);
        }
        assert_eq!(
            (server.count(), server.take().len(), server.count()),
            (2, 2, 0)
        );
    }

    #[test]
    fn incomplete_responses_are_errors() {
        let ways: [fn() -> Reply; 4] = [
            || Reply::raw(""),
            || Reply::raw("HTTP/1.1 200 OK\r\ncontent-"),
            || Reply::promising(200, &[], 9).and("half"),
            || Reply::promising(200, &[], 9).then_reset(),
        ];
        for way in ways {
            let server = Server::start(move |_, _| way());
            exchange(address(&server), "GET", "/", &[], None).unwrap_err();
            assert_eq!(server.count(), 1);
        }
        let nobody = Nobody::new();
        let address = nobody.url();
        let address = address.trim_start_matches("http://");
        exchange(address, "GET", "/", &[], None).unwrap_err();
    }

    #[test]
    fn a_dropped_server_does_not_listen() {
        let server = Server::recording();
        let address = address(&server).to_owned();
        exchange(&address, "GET", "/", &[], None).unwrap();
        drop(server);
        // The accepting thread ends a moment later.
        while TcpStream::connect(&address).is_ok() {}
    }
}
