//! `modelarts emulator`: the emulator as a process of its own.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use modelarts_emulator::{Durations, Emulator, EmulatorBuilder, Fixtures};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

use crate::failure::Failure;
use crate::output::{line, notice};

const PORT: u16 = 8780;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a running emulator whether it is well; for containers
    Healthcheck {
        /// Its port
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// Its address
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
        host: IpAddr,
    },
}

#[derive(Args)]
struct Serve {
    /// Port; 0 for a free one
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Allow an address that other machines can reach: whoever reaches the emulator controls it
    #[arg(long)]
    allow_remote: bool,
    /// A name of this machine under which clients may use the control plane, like that of a container; repeatable
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// What URLs in responses begin with; without it they follow X-Forwarded-Proto, -Host and -Prefix, or the host that the
    /// client asked for
    #[arg(long, value_name = "URL")]
    external_url: Option<String>,
    /// Keep the state in this SQLite file; without it, the state ends with the process
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Projects, users, images and instances to begin with: a JSON file, or the name of built-in ones (seed-pages)
    #[arg(long, value_name = "FILE|NAME")]
    fixtures: Option<PathBuf>,
    /// Draw ids and secrets from this number, so that they are the same in every run
    #[arg(long, value_name = "NUMBER")]
    rng_seed: Option<u64>,
    /// How time passes; a manual clock stands until /_emulator/clock moves it
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    clock: Clock,
    /// How many seconds of the service pass in a second
    #[arg(
        long,
        default_value_t = 1.0,
        value_name = "FACTOR",
        conflicts_with = "clock"
    )]
    scale: f64,
    /// Let every transition take no time
    #[arg(long)]
    instant: bool,
    /// Let reads after a change show the state before it for so long, as the service may
    #[arg(long, default_value_t = 0, value_name = "MS")]
    stale_reads: u64,
    /// Go by the documentation where practice is more lenient
    #[arg(long)]
    strict: bool,
    /// The region that the catalogue names
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The log of requests on standard error
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
}

#[derive(Clone, Copy, ValueEnum)]
enum Clock {
    Real,
    Manual,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Log {
    Text,
    Json,
    Off,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    match options.command {
        Some(Command::Healthcheck { port, host }) => Ok(healthcheck(host, port)?),
        None => serve(options.serve).await,
    }
}

async fn serve(options: Serve) -> Result<(), Failure> {
    if !options.host.is_loopback() && !options.allow_remote {
        return Err(Failure::usage(anyhow!(
            "--host is {}, which other machines can reach; add --allow-remote if that is meant",
            options.host
        )));
    }
    let _log = start_log(options.log);
    let emulator = builder(&options)?
        .start()
        .await
        .map_err(anyhow::Error::from)?;
    notice(&introduction(&emulator));
    shutdown().await?;
    emulator.shutdown().await;
    Ok(())
}

fn builder(options: &Serve) -> Result<EmulatorBuilder, Failure> {
    let mut builder = Emulator::builder()
        .bind(SocketAddr::new(options.host, options.port))
        .allow_remote(options.allow_remote)
        .strict(options.strict)
        .stale_reads(Duration::from_millis(options.stale_reads));
    for name in &options.host_name {
        builder = builder.host_name(name);
    }
    if let Some(url) = &options.external_url {
        builder = builder.external_url(url);
    }
    if let Some(number) = options.rng_seed {
        builder = builder.rng_seed(number);
    }
    if let Some(source) = &options.fixtures {
        builder = builder.fixtures(fixtures(source)?);
    }
    if let Some(file) = &options.data {
        builder = builder.data(file);
    }
    if let Some(region) = &options.region {
        builder = builder.region(region);
    }
    if options.instant {
        builder = builder.durations(Durations::instant());
    }
    if !(options.scale.is_finite() && options.scale > 0.0) {
        return Err(Failure::usage(anyhow!(
            "--scale is {}, but has to be a number above 0",
            options.scale
        )));
    }
    Ok(match options.clock {
        Clock::Manual => builder.manual(),
        Clock::Real => builder.scale(options.scale),
    })
}

/// The built-in fixtures of this name, or those in the file.
fn fixtures(source: &Path) -> anyhow::Result<Fixtures> {
    if let Some(built_in) = source.to_str().and_then(Fixtures::built_in) {
        return Ok(built_in);
    }
    let text = std::fs::read_to_string(source).with_context(|| {
        let names: Vec<&str> = Fixtures::built_in_names().collect();
        format!(
            "--fixtures: {} is no file that can be read, and none of the built-in names ({})",
            source.display(),
            names.join(", ")
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("--fixtures: in {}", source.display()))
}

/// The address first: scripts wait for this line.
fn introduction(emulator: &Emulator) -> String {
    let url = emulator.base_url();
    format!(
        "Serving ModelArts at {url}\n\
         Documentation to try it: {url}/docs/\n\
         Control: {url}/_emulator/openapi/control.json\n\n\
         export OS_AUTH_URL={url}/v3\n\
         export OS_USERNAME={} OS_PASSWORD={}\n\
         export OS_USER_DOMAIN_NAME={}\n\
         export OS_PROJECT_NAME={} OS_PROJECT_ID={}\n\
         export HUAWEICLOUD_SDK_AK={}\n\
         export HUAWEICLOUD_SDK_SK={}\n\
         export HUAWEICLOUD_SDK_PROJECT_ID={}\n\
         export MODELARTS_ENDPOINT={url}\n\n\
         These accounts exist in this emulator only. End it with Ctrl-C.",
        emulator.user_name(),
        emulator.password().expose(),
        emulator.domain_name(),
        emulator.project_name(),
        emulator.project_id(),
        emulator.access_key(),
        emulator.secret_key().expose(),
        emulator.project_id(),
    )
}

/// How many lines wait for standard error; what comes when that many do is dropped and counted.
const LOG_LINES: usize = 8_192;

/// Begins the log. It is written by a thread of its own, so that whoever reads standard error, or does not, never decides
/// whether a request is answered. The guard writes what is left when it is dropped, for a second at most.
fn start_log(log: Log) -> Option<WorkerGuard> {
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

/// Completes on Ctrl-C, or when the process is asked to end.
async fn shutdown() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// The longest that a healthy emulator takes to answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn healthcheck(host: IpAddr, port: u16) -> anyhow::Result<()> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| anyhow!("{host}:{port} is no address"))?;
    let place = format!("the emulator at http://{address}");
    let answer = ask(&address).with_context(|| format!("asking {place}"))?;
    let status = answer.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        bail!("{place} answered `{status}`");
    }
    line(&format!("{place} is well"))?;
    Ok(())
}

fn ask(address: &SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /_emulator/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    // Status and headers are enough, however much follows.
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
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
