//! A small HTTP client, for requests that no client library would send and for servers that are killed.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::listener::{header, parse_head, read_head, read_up_to};

/// Maximum time between two reads of a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A complete response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers in order, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body as JSON, a text if it is not JSON, or null if it is empty.
    pub body: Value,
}

impl Response {
    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// A persistent connection.
#[derive(Debug)]
pub struct Connection {
    host: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// When no server listens there.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self {
            host: address.to_owned(),
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// When the response is incomplete.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> io::Result<Response> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            self.host,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(&body);
        self.stream.write_all(request.as_bytes())?;
        self.receive()
    }

    fn receive(&mut self) -> io::Result<Response> {
        let whole = io::ErrorKind::UnexpectedEof;
        let length = read_head(&mut self.stream, &mut self.buffer)?.ok_or(whole)?;
        let (first, headers) = parse_head(&self.buffer[..length]);
        let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let announced = header(&headers, "content-length").map_or(Ok(0), str::parse);
        let end = length + announced.map_err(|_| io::ErrorKind::InvalidData)?;
        read_up_to(&mut self.stream, &mut self.buffer, end)?;
        let body = &self.buffer[length..end];
        let body = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(body)
                .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
        };
        self.buffer.drain(..end);
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

/// Sends one request on a new connection.
///
/// # Errors
/// When no server listens at the address, or the response is incomplete.
pub fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> io::Result<Response> {
    let headers = [headers, &[("connection", "close")]].concat();
    Connection::open(address)?.send(method, path, &headers, body)
}
