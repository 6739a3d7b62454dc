//! The log of requests on standard error.

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Log {
    Text,
    Json,
    Off,
}

/// How many lines wait for standard error; what comes when that many do is dropped and counted.
const LOG_LINES: usize = 8_192;

/// Begins the log. It is written by a thread of its own, so that whoever reads standard error, or does not, never decides
/// whether a request gets a response. The guard writes what is left when it is dropped, for a second at most.
pub(super) fn start_log(log: Log) -> Option<WorkerGuard> {
    if log == Log::Off {
        return None;
    }
    let dropped = Arc::new(OnceLock::new());
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LOG_LINES)
        .thread_name("modelarts-emulator-log")
        .finish(LogWriter {
            inner: std::io::stderr(),
            dropped: Arc::clone(&dropped),
            reported: 0,
            json: log == Log::Json,
        });
    let _ = dropped.set(writer.error_counter());
    let no_color = std::env::var_os("NO_COLOR");
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        // What cannot be written is nothing to write about, least of all to the same place.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal() && no_color.is_none_or(|value| value.is_empty()))
        .with_max_level(LevelFilter::INFO);
    match log {
        Log::Json => subscriber.json().flatten_event(true).init(),
        Log::Text | Log::Off => subscriber.with_target(false).init(),
    }
    Some(guard)
}

/// Writes lines of the log, and before the next one how many were dropped since the last.
struct LogWriter<W> {
    inner: W,
    dropped: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
    json: bool,
}

impl<W: std::io::Write> std::io::Write for LogWriter<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if dropped > self.reported {
            let lines = dropped - self.reported;
            let message = "standard error was not read in time";
            match self.json {
                true => writeln!(
                    self.inner,
                    r#"{{"level":"WARN","message":"{message}","dropped_lines":{lines}}}"#
                )?,
                false => writeln!(self.inner, "WARN {message} dropped_lines={lines}")?,
            }
            self.reported = dropped;
        }
        self.inner.write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc;

    use super::*;

    /// Takes nothing before it is let go, like a pipe that nobody reads.
    struct Pipe {
        open: mpsc::Receiver<()>,
        read: mpsc::Sender<String>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // When the other end is dropped, everything flows.
            let _ = self.open.recv();
            let _ = self.read.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_dropped_and_counted() {
        let (open, opened) = mpsc::channel();
        let (read, lines) = mpsc::channel();
        let dropped = Arc::new(OnceLock::new());
        let (mut writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(2)
            .finish(LogWriter {
                inner: Pipe { open: opened, read },
                dropped: Arc::clone(&dropped),
                reported: 0,
                json: true,
            });
        let _ = dropped.set(writer.error_counter());
        for number in 0..100 {
            writer
                .write_all(format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let lost = writer.error_counter().dropped_lines();
        assert!((97..100).contains(&lost), "{lost}");
        drop(open);
        drop(guard);
        let text: String = lines.iter().collect();
        assert!(
            text.starts_with("line 0\n") || text.starts_with("{"),
            "{text}"
        );
        assert!(
            text.contains(&format!("\"dropped_lines\":{lost}")),
            "{text}"
        );
    }
}
