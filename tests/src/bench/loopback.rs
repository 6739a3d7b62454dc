//! A server that answers from memory it already has.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// A server with a thread for each connection, until the process ends.
///
/// It takes requests without a body and, once its buffers have grown, allocates nothing unless the answer does.
#[derive(Debug)]
pub struct Loopback(SocketAddr);

impl Loopback {
    /// Answers 200 with the JSON that `answer` appends for a target (path and query).
    pub fn start(answer: impl Fn(&str, &mut Vec<u8>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                // The end of a connection is the client's affair.
                std::thread::spawn(move || serve(stream, &*answer));
            }
        });
        Self(address)
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&str, &mut Vec<u8>)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut body, mut reply) = ([0; 16 * 1024], Vec::new(), Vec::new());
    loop {
        let mut length = 0;
        while !request[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut request[length..])? {
                0 => return Ok(()),
                more => length += more,
            }
        }
        body.clear();
        answer(target(&request[..length]), &mut body);
        reply.clear();
        write!(
            reply,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        reply.extend_from_slice(&body);
        stream.write_all(&reply)?;
    }
}

fn target(request: &[u8]) -> &str {
    let target = request.split(|byte| *byte == b' ').nth(1);
    str::from_utf8(target.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_on_a_kept_connection() {
        let server = Loopback::start(|target, body| {
            body.extend_from_slice(target.as_bytes());
        });
        let mut stream = TcpStream::connect(server.0).unwrap();
        for target in ["/a?limit=7", "/b"] {
            write!(stream, "GET {target} HTTP/1.1\r\n\r\n").unwrap();
            let mut reply = [0; 256];
            let length = stream.read(&mut reply).unwrap();
            assert!(reply[..length].ends_with(target.as_bytes()));
        }
    }
}
