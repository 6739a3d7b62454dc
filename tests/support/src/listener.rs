//! Shared parts of the servers: a thread per connection, and parsing of heads.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Accepts connections on a free port of the loopback interface until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Listener {
    /// Calls `serve` for each connection, on a new thread.
    pub(crate) fn start(
        serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let (serve, stop) = (Arc::new(serve), Arc::clone(&stopped));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let serve = Arc::clone(&serve);
                // Errors of the client are visible to the test in other ways.
                thread::spawn(move || stream.set_nodelay(true).and_then(|()| serve(stream)));
            }
        });
        Self { address, stopped }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        TcpStream::connect(self.address).ok();
    }
}

/// Reads until `buffer` starts with a complete head; returns its length including the empty line.
///
/// Returns `None` if the connection ends before another message starts.
pub(crate) fn read_head(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    const END: &[u8] = b"\r\n\r\n";
    loop {
        if let Some(start) = buffer.windows(END.len()).position(|four| four == END) {
            return Ok(Some(start + END.len()));
        }
        if !read_more(stream, buffer)? {
            return match buffer.is_empty() {
                true => Ok(None),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
    }
}

/// Reads until `buffer` has this many bytes.
pub(crate) fn read_up_to(
    stream: &mut impl Read,
    buffer: &mut Vec<u8>,
    length: usize,
) -> io::Result<()> {
    while buffer.len() < length {
        if !read_more(stream, buffer)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn read_more(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 16 * 1024];
    let length = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..length]);
    Ok(length > 0)
}

/// Returns the first line of a head, and its headers with lower-case names.
pub(crate) fn parse_head(head: &[u8]) -> (&str, Vec<(String, String)>) {
    let text = str::from_utf8(head).expect("the head is text");
    let mut lines = text.trim_end().split("\r\n");
    let first = lines.next().unwrap_or_default();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    (first, headers.collect())
}

/// The value of a header.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}
