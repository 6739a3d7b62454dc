//! A server for benchmarks that does not allocate.

use std::io::{self, Write as _};
use std::net::TcpStream;

use crate::listener::{Listener, read_head};

/// A server for benchmarks. It accepts requests without a body, records nothing, and allocates nothing once its
/// buffers have grown, unless its script does.
#[derive(Debug)]
pub struct BenchServer(Listener);

impl BenchServer {
    /// Starts a server that responds with 200 and the JSON that `script` appends for a target (path and query).
    pub fn start(script: impl Fn(&str, &mut Vec<u8>) + Send + Sync + 'static) -> Self {
        Self(Listener::start(move |stream| serve(stream, &script)))
    }

    /// Returns the URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }
}

fn serve(mut stream: TcpStream, script: &impl Fn(&str, &mut Vec<u8>)) -> io::Result<()> {
    let (mut request, mut body, mut response) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(length) = read_head(&mut stream, &mut request)? {
        body.clear();
        script(target(&request[..length]), &mut body);
        request.drain(..length);
        response.clear();
        write!(
            response,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        response.extend_from_slice(&body);
        stream.write_all(&response)?;
    }
    Ok(())
}

fn target(request: &[u8]) -> &str {
    let target = request.split(|byte| *byte == b' ').nth(1);
    str::from_utf8(target.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Connection;

    #[test]
    fn connections_are_persistent() {
        let server = BenchServer::start(|target, body| {
            body.extend_from_slice(format!("{target:?}").as_bytes());
        });
        let mut connection = Connection::open(&server.0.address().to_string()).unwrap();
        for target in ["/a?limit=7", "/b"] {
            let response = connection.send("GET", target, &[], None).unwrap();
            assert_eq!((response.status, response.body), (200, target.into()));
        }
    }
}
