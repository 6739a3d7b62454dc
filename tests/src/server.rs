//! A server on loopback that records what it was sent and answers what it was told to, byte by byte.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

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
    pub body: Vec<u8>,
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
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
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
        assert_eq!(
            json.to_string().as_bytes(),
            self.body,
            "the body is plain JSON"
        );
        write!(f, "{json:#}")
    }
}

/// What the server does with a request.
pub struct Reply {
    bytes: Vec<u8>,
    end: End,
}

/// What follows the bytes of a reply.
enum End {
    Close,
    Reset,
    Stall(Box<dyn FnOnce() + Send>),
}

impl Reply {
    /// A complete answer.
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut reply = Self::promising(status, headers, body.len());
        reply.bytes.extend_from_slice(body);
        reply
    }

    /// A complete answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = [("content-type", "application/json")];
        Self::new(status, &headers, body.to_string())
    }

    /// The head of an answer that promises `length` bytes, of which none is sent yet.
    pub fn promising(status: u16, headers: &[(&str, &str)], length: usize) -> Self {
        let mut head =
            format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self {
            bytes: head.into_bytes(),
            end: End::Close,
        }
    }

    /// Nothing at all.
    pub fn nothing() -> Self {
        Self {
            bytes: Vec::new(),
            end: End::Close,
        }
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
        self.end = End::Reset;
        self
    }

    /// Says nothing more afterwards and keeps the connection open, after `stalled` was called.
    #[must_use]
    pub fn then_stall(mut self, stalled: impl FnOnce() + Send + 'static) -> Self {
        self.end = End::Stall(Box::new(stalled));
        self
    }
}

type Seen = Arc<Mutex<Vec<Recorded>>>;

/// The server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    seen: Seen,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers every request with what `answer` makes of it.
    pub async fn start(answer: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let answer = Arc::new(answer);
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                    tokio::spawn(async move {
                        // A client that goes away is its own affair: the test sees what it did.
                        let _ = serve(stream, &seen, &*answer).await;
                    });
                }
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// Answers every request with an empty object.
    pub async fn recording() -> Self {
        Self::start(|_| Reply::new(200, &[("content-type", "application/json")], "{}")).await
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The one request since the last call.
    pub fn take_one(&self) -> Recorded {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "exactly one request was expected: {seen:#?}");
        seen.remove(0)
    }
}

/// An address of which nobody listens; it is taken as long as this lives.
#[derive(Debug)]
pub struct Nobody(TcpSocket);

impl Nobody {
    /// Takes an address.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }

    /// Where nobody listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

impl Default for Nobody {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Seen,
    answer: &(impl Fn(&Recorded) -> Reply + Sync),
) -> io::Result<()> {
    let request = read(&mut stream).await?;
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    stream.write_all(&reply.bytes).await?;
    stream.flush().await?;
    match reply.end {
        End::Close => stream.shutdown().await,
        End::Reset => stream.set_zero_linger(),
        End::Stall(stalled) => {
            stalled();
            // Until the client gives up: it has nothing more to send.
            stream.read_u8().await.map(drop)
        }
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<Recorded> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = bytes.split_off(head + 4);
    let text = String::from_utf8(bytes).expect("the head is text");
    let mut lines = text.trim_end().split("\r\n");
    let mut start = lines.next().unwrap_or_default().split(' ');
    let mut request = Recorded {
        method: start.next().unwrap_or_default().to_owned(),
        target: start.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    };
    assert_eq!(
        request.header("transfer-encoding"),
        None,
        "bodies have a length"
    );
    let length = request.header("content-length");
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = body;
    Ok(request)
}
