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

/// The maximum number of buffered lines. When the buffer is full, further lines are dropped and counted.
const LOG_LINES: usize = 8_192;

/// Starts the log. A separate thread writes it, so that a slow reader of standard error never delays a response. When the
/// guard is dropped, it writes the remaining lines for at most a second.
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
        // An error of the log would be reported on standard error, which has just failed.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal() && no_color.is_none_or(|value| value.is_empty()))
        .with_max_level(LevelFilter::INFO);
    match log {
        Log::Json => subscriber.json().flatten_event(true).init(),
        Log::Text | Log::Off => subscriber.with_target(false).init(),
    }
    Some(guard)
}

/// Writes the lines of the log. A line that follows dropped ones is preceded by their number.
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
            let message = "lines were dropped because standard error was not read in time";
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

    /// Blocks until it is released, like a full pipe that nobody reads.
    struct Pipe {
        open: mpsc::Receiver<()>,
        read: mpsc::Sender<String>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Fails when the other end has been dropped; then nothing blocks any more.
            let _ = self.open.recv();
            let _ = self.read.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn unread_lines_are_dropped_and_counted() {
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
