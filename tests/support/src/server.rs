//! A server on loopback that records what it was sent and replies as its script says, byte by byte.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use crate::listener::{Listener, header, parse_head, read_head, read_up_to};

/// A request as it left the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query, as they stood in the request line.
    pub target: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Recorded {
    /// The target without the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The pairs of the query as they were sent, still encoded.
    pub fn query(&self) -> Vec<&str> {
        let query = self.target.split_once('?').map(|(_, query)| query);
        query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .collect()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        match self.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&self.body).expect("the body is JSON"),
        }
    }
}

/// The whole request for a snapshot: headers sorted, the port hidden, JSON spread over lines.
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
        // Spreading it over lines must not hide anything that was sent.
        assert_eq!(json.to_string(), self.body, "the body is plain JSON");
        write!(f, "{json:#}")
    }
}

/// What the server does about a request.
pub struct Reply {
    /// Status line and headers without the empty line; nothing, if the bytes are sent as they are.
    head: String,
    bytes: Vec<u8>,
    then: Then,
}

/// What follows the bytes of a reply.
enum Then {
    KeepOpen,
    Close,
    Reset,
    Stall(Box<dyn FnOnce() + Send>),
    Repeat(Box<dyn Fn(usize) + Send>),
}

impl Reply {
    /// A complete response.
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut reply = Self::promising(status, headers, body.len()).and(body);
        reply.then = Then::KeepOpen;
        reply
    }

    /// A complete response with a JSON body.
    pub fn json(status: u16, body: impl fmt::Display) -> Self {
        let headers = [("content-type", "application/json")];
        Self::new(status, &headers, body.to_string())
    }

    /// The head of a response that promises `length` bytes, of which none is sent yet. Then the connection is closed.
    pub fn promising(status: u16, headers: &[(&str, &str)], length: usize) -> Self {
        let mut reply = Self::raw("");
        reply.head = format!("HTTP/1.1 {status} \r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            reply = reply.header(name, value);
        }
        reply
    }

    /// These bytes as they are, whether that is HTTP or not. Then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            head: String::new(),
            bytes: bytes.into(),
            then: Then::Close,
        }
    }

    /// Nothing at all; the connection stays open.
    pub fn silence() -> Self {
        Self::raw("").then_stall(|| {})
    }

    /// These bytes again and again; `written` is called each time with how often that was.
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

    /// Sends `part` as well.
    #[must_use]
    pub fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(part.as_ref());
        self
    }

    /// Resets the connection afterwards instead of closing it in order.
    #[must_use]
    pub fn then_reset(mut self) -> Self {
        self.then = Then::Reset;
        self
    }

    /// Sends nothing more afterwards and keeps the connection open, after `stalled` was called.
    #[must_use]
    pub fn then_stall(mut self, stalled: impl FnOnce() + Send + 'static) -> Self {
        self.then = Then::Stall(Box::new(stalled));
        self
    }
}

/// The server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, without a slash at the end.
    pub url: String,
    requests: Arc<Mutex<Vec<Recorded>>>,
    _listener: Listener,
}

impl Server {
    /// Replies to every request with what `script` makes of it and of the number of requests before it.
    pub fn start(script: impl Fn(&Recorded, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::over("http", Ok, script)
    }

    /// The same over streams that `secure` makes of connections, with the URL scheme that goes with it.
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

    /// Replies to every request with an empty object.
    pub fn recording() -> Self {
        Self::start(|_, _| Reply::json(200, "{}"))
    }

    /// All requests so far, but for those that were taken.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    /// How many that are.
    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// The one request since the last call.
    pub fn take_one(&self) -> Recorded {
        let mut requests = self.take();
        let count = requests.len();
        assert_eq!(count, 1, "exactly one request was expected: {requests:#?}");
        requests.remove(0)
    }
}

/// An address at which nobody listens; it is taken as long as this lives.
#[derive(Debug)]
pub struct Nobody(Socket);

impl Nobody {
    /// Takes an address.
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    /// Where nobody listens, without a slash at the end.
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
                // Until the client gives up: it has nothing more to send.
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
    fn requests_are_recorded_on_a_connection_that_is_kept() {
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
    fn what_is_no_whole_response_is_an_error() {
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
    fn a_server_that_was_dropped_does_not_listen() {
        let server = Server::recording();
        let address = address(&server).to_owned();
        exchange(&address, "GET", "/", &[], None).unwrap();
        drop(server);
        // The thread that accepts ends a moment later.
        while TcpStream::connect(&address).is_ok() {}
    }
}
