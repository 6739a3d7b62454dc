//! Everything that goes to standard output passes here.

use std::io::{self, ErrorKind, Write as _};

/// Writes a text and a line end. A reader that has gone away ends the output quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

/// Writes a text that nobody has to read: a service goes on when its reader has gone away.
pub(crate) fn notice(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
