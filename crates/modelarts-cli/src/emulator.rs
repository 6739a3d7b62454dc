//! `modelarts emulator`: the emulator as a process of its own.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use modelarts::{Clock as _, SystemClock};
use modelarts_emulator::{Durations, Emulator, EmulatorBuilder, Fixtures};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

use crate::failure::Failure;
use crate::files::write_private;
use crate::health::{self, POLL_INTERVAL};
use crate::output::notice;
use crate::registration::Registration;
use crate::text;

const PORT: u16 = 8780;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: modelarts emulator --scale 60 --data state.db"
)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Check whether a running emulator is healthy, as in a container
    #[command(after_help = "Example: modelarts emulator healthcheck --wait 30s")]
    Healthcheck {
        /// Its port
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// Its address
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
        host: IpAddr,
        /// Wait up to this long for it to become healthy, for example 30s
        #[arg(long, value_parser = text::duration, value_name = "DURATION")]
        wait: Option<Duration>,
    },
    /// Run a command with an emulator of its own
    ///
    /// Starts an emulator on a free port, runs the command with the environment that tools need to find it (and without
    /// your own OS_*, OTC_*, HUAWEICLOUD_* and MODELARTS_* variables), stops the emulator, and ends with the exit code of
    /// the command.
    #[command(after_help = "Example: modelarts emulator exec --instant -- pytest tests/")]
    Exec {
        #[command(flatten)]
        serve: Box<Serve>,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

#[derive(Args)]
struct Serve {
    /// Port; 0 for a free one [default: 8780, with exec a free one]
    #[arg(long)]
    port: Option<u16>,
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
    ///
    /// For example: {"users": [{"name": "ada", "password": "not-a-real-password"}], "instances": [{"name": "train-bert",
    /// "status": "STOPPED"}, {"generation": "dev_env", "name": "old"}], "capacity": {"instances": 50}}
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
    /// The log of requests on standard error [default: text, with exec off]
    #[arg(long, value_enum)]
    log: Option<Log>,
    /// How it says that it is ready: text for people, or one line of JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the environment that tools need to this file once it is ready, as NAME=value lines that a shell can read
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// End when the process that started this one has ended
    #[cfg(unix)]
    #[arg(long)]
    exit_with_parent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
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
        Some(Command::Healthcheck { port, host, wait }) => {
            Ok(health::check_within(host, port, wait.unwrap_or_default()).await?)
        }
        Some(Command::Exec { serve, command }) => {
            let code = exec(*serve, &command).await?;
            std::process::exit(code);
        }
        None => serve(options.serve).await,
    }
}

async fn serve(options: Serve) -> Result<(), Failure> {
    // Read before anything takes time: who has ended by then cannot be noticed.
    let parent_ended = parent_ended(&options);
    if let Some(file) = &options.env_file {
        // Whoever waits for the file must not find that of an earlier emulator.
        let _ = std::fs::remove_file(file);
    }
    let _log = start_log(options.log.unwrap_or(Log::Text));
    let emulator = start(&options, PORT).await?;
    let shutdown = shutdown()?;
    let environment = environment(&emulator);
    if let Some(file) = &options.env_file {
        write_env_file(file, &environment)?;
    }
    // What serves a program is not for `--emulator` of people.
    let is_fixture =
        parent_decides(&options) || options.env_file.is_some() || options.format == Format::Json;
    let _published = (!is_fixture)
        .then(|| Registration::publish(&emulator))
        .flatten();
    notice(&match options.format {
        Format::Text => introduction(&emulator, &environment),
        Format::Json => readiness(&emulator, &environment),
    });
    tokio::select! {
        () = shutdown => {}
        () = parent_ended => {}
    }
    emulator.shutdown().await;
    Ok(())
}

async fn start(options: &Serve, port: u16) -> Result<Emulator, Failure> {
    if !options.host.is_loopback() && !options.allow_remote {
        return Err(Failure::usage(anyhow!(
            "--host is {}, which other machines can reach; add --allow-remote if that is meant",
            options.host
        )));
    }
    let port = options.port.unwrap_or(port);
    let emulator = builder(options)?
        .bind(SocketAddr::new(options.host, port))
        .start()
        .await
        .map_err(anyhow::Error::from)?;
    Ok(emulator)
}

#[cfg(unix)]
fn parent_decides(options: &Serve) -> bool {
    options.exit_with_parent
}

#[cfg(not(unix))]
fn parent_decides(_: &Serve) -> bool {
    false
}

/// Completes when the process that started this one has ended, if that is asked for.
#[cfg(unix)]
fn parent_ended(options: &Serve) -> impl Future<Output = ()> + use<> {
    use std::os::unix::process::parent_id;
    let parent = options.exit_with_parent.then(parent_id);
    async move {
        let Some(parent) = parent else {
            return std::future::pending().await;
        };
        // An orphan is given another parent.
        while parent_id() == parent {
            SystemClock.sleep(POLL_INTERVAL).await;
        }
    }
}

#[cfg(not(unix))]
fn parent_ended(_: &Serve) -> impl Future<Output = ()> + use<> {
    std::future::pending()
}

/// The variables that lead a command to another service than the emulator.
const CLOUD_VARIABLES: [&str; 4] = ["OS_", "OTC_", "HUAWEICLOUD_", "MODELARTS_"];

/// Runs a command beside an emulator; its exit code.
async fn exec(options: Serve, command: &[OsString]) -> Result<i32, Failure> {
    let [program, arguments @ ..] = command else {
        return Err(Failure::usage(anyhow!("there is no command after --")));
    };
    let _log = start_log(options.log.unwrap_or(Log::Off));
    let emulator = start(&options, 0).await?;
    let environment = environment(&emulator);
    if let Some(file) = &options.env_file {
        write_env_file(file, &environment)?;
    }
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if CLOUD_VARIABLES
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.envs(environment);
    for name in ["NO_PROXY", "no_proxy"] {
        let mut hosts = std::env::var(name).unwrap_or_default();
        if !hosts.is_empty() {
            hosts.push(',');
        }
        command.env(name, hosts + "127.0.0.1,localhost");
    }
    let shutdown = shutdown()?;
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let status = tokio::select! {
        status = child.wait() => status?,
        () = shutdown => {
            // A terminal signals the command as well; a signal to this process alone is meant for both.
            tokio::select! {
                status = child.wait() => status?,
                () = SystemClock.sleep(SHUTDOWN_TIMEOUT) => {
                    child.kill().await?;
                    child.wait().await?
                }
            }
        }
    };
    emulator.shutdown().await;
    Ok(exit_code(status))
}

/// How long a command may take to end after it was interrupted.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// As a shell has it: 128 and the signal for a command that was ended by one.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(1)
}

fn builder(options: &Serve) -> Result<EmulatorBuilder, Failure> {
    let mut builder = Emulator::builder()
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

/// What tools need to find the emulator and to sign in.
fn environment(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let url = emulator.public_url();
    vec![
        ("OS_AUTH_URL", format!("{url}/v3")),
        ("OS_USERNAME", emulator.user_name().to_owned()),
        ("OS_PASSWORD", emulator.password().expose().to_owned()),
        ("OS_USER_DOMAIN_NAME", emulator.domain_name().to_owned()),
        // No name beside it: a client with an access key would ask whether both are the same project.
        ("OS_PROJECT_ID", emulator.project_id().to_owned()),
        ("HUAWEICLOUD_SDK_AK", emulator.access_key().to_owned()),
        (
            "HUAWEICLOUD_SDK_SK",
            emulator.secret_key().expose().to_owned(),
        ),
        (
            "HUAWEICLOUD_SDK_PROJECT_ID",
            emulator.project_id().to_owned(),
        ),
        ("MODELARTS_ENDPOINT", url.to_owned()),
        // For curl; under a name that no client reads, since it ends after a day of emulated time.
        ("X_AUTH_TOKEN", emulator.token().expose().to_owned()),
    ]
}

/// The address first: scripts wait for this line.
fn introduction(emulator: &Emulator, environment: &[(&str, String)]) -> String {
    let url = emulator.base_url();
    let exports: String = environment
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", shell_quoted(value)))
        .collect();
    format!(
        "Serving ModelArts at {url}\n\
         Documentation to try it: {url}/docs/\n\
         Control: {url}/_emulator/openapi/control.json\n\n\
         {exports}\n\
         These accounts exist in this emulator only. End it with Ctrl-C."
    )
}

/// The same for programs, in one line.
fn readiness(emulator: &Emulator, environment: &[(&str, String)]) -> String {
    let url = emulator.base_url();
    let environment: serde_json::Map<String, serde_json::Value> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    serde_json::json!({
        "url": url,
        "docs": format!("{url}/docs/"),
        "control": format!("{url}/_emulator/"),
        "environment": environment,
    })
    .to_string()
}

/// A value that a shell takes as it is, whatever is in it.
fn shell_quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Writes the file as a whole or not at all, for the eyes of its owner only.
fn write_env_file(file: &Path, environment: &[(&str, String)]) -> anyhow::Result<()> {
    let lines: String = environment
        .iter()
        .map(|(name, value)| format!("{name}={}\n", shell_quoted(value)))
        .collect();
    write_private(file, lines.as_bytes())
        .with_context(|| format!("--env-file: writing {}", file.display()))
}

/// How many lines wait for standard error; what comes when that many do is dropped and counted.
const LOG_LINES: usize = 8_192;

/// Begins the log. It is written by a thread of its own, so that whoever reads standard error, or does not, never decides
/// whether a request gets a response. The guard writes what is left when it is dropped, for a second at most.
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

/// Completes on Ctrl-C, or when the process is asked to end. Both are noticed from the call on, not from the first poll.
fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        tokio::signal::ctrl_c().await.ok();
    })
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
    fn a_shell_takes_quoted_values_as_they_are() {
        for value in [
            "plain-1.0_@%+",
            "",
            "two words",
            "$(touch /tmp/executed)",
            "`id`",
            "it's \"quoted\" \\ $HOME !x *",
            "a\nb",
            "größe; rm -rf x & y | z > w",
            "'",
            "''\\''",
            "-n",
            "~",
            "#x",
        ] {
            let script = format!("export X={}; printf %s \"$X\"", shell_quoted(value));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert!(output.status.success(), "{value}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
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
