//! `modelarts emulator`: runs the emulator as a process.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use modelarts::{Clock as _, SystemClock};
use modelarts_emulator::{Durations, Emulator, EmulatorBuilder, Fixtures};

use self::environment::{environment, introduction, readiness, write_env_file};
use self::log::{Log, start_log};
use crate::failure::Failure;
use crate::health::{self, POLL_INTERVAL};
use crate::output::notice;
use crate::registration::Registration;
use crate::text;

mod environment;
mod log;

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
    /// Check whether a running emulator is healthy
    #[command(after_help = "Example: modelarts emulator healthcheck --wait 30s")]
    Healthcheck {
        /// Port of the emulator
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// Address of the emulator
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
        host: IpAddr,
        /// Wait up to this long for the emulator to become healthy, such as 30s
        #[arg(long, value_parser = text::duration, value_name = "DURATION")]
        wait: Option<Duration>,
    },
    /// Run a command against a temporary emulator
    ///
    /// Starts an emulator on a free port, runs the command with environment variables that point clients to the
    /// emulator, stops the emulator, and exits with the exit code of the command. Your own OS_*, OTC_*, HUAWEICLOUD_*
    /// and MODELARTS_* variables are not passed to the command.
    #[command(after_help = "Example: modelarts emulator exec --instant -- pytest tests/")]
    Exec {
        #[command(flatten)]
        serve: Box<Serve>,
        /// Command to run, with its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

#[derive(Args)]
struct Serve {
    /// Port to listen on; 0 selects a free port [default: 8780; exec: a free port]
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Allow a --host reachable by other machines; anyone who can reach the emulator controls it
    #[arg(long)]
    allow_remote: bool,
    /// Host name under which clients may use the control plane, such as the name of a container (repeatable)
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// Base URL for URLs in responses [default: from the headers X-Forwarded-Proto, -Host and -Prefix, or from Host]
    #[arg(long, value_name = "URL")]
    external_url: Option<String>,
    /// SQLite file to store the state in; without it, the state is lost when the emulator stops
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Initial projects, users, images and instances: a JSON file, or the name of built-in fixtures (seed-pages)
    ///
    /// For example: {"users": [{"name": "ada", "password": "not-a-real-password"}], "instances": [{"name": "train-bert",
    /// "status": "STOPPED"}, {"generation": "dev_env", "name": "old"}], "capacity": {"instances": 50}}
    #[arg(long, value_name = "FILE|NAME")]
    fixtures: Option<PathBuf>,
    /// Seed for generated IDs and secrets, to make them the same in every run
    #[arg(long, value_name = "NUMBER")]
    rng_seed: Option<u64>,
    /// Clock of the emulator; a manual clock advances only through /_emulator/clock
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    clock: Clock,
    /// Emulated seconds per real second
    #[arg(
        long,
        default_value_t = 1.0,
        value_name = "FACTOR",
        conflicts_with = "clock"
    )]
    scale: f64,
    /// Complete every transition immediately
    #[arg(long)]
    instant: bool,
    /// Time in milliseconds for which reads after a change return the previous state, as can happen in the service
    #[arg(long, default_value_t = 0, value_name = "MS")]
    stale_reads: u64,
    /// Enforce the documentation where the service is known to be more lenient
    #[arg(long)]
    strict: bool,
    /// Region in the service catalogue
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Format of the request log on standard error [default: text; exec: off]
    #[arg(long, value_enum)]
    log: Option<Log>,
    /// Format of the message printed when the emulator is ready; json is a single line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// File to write the environment variables for clients to, as NAME=value lines, once the emulator is ready
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Exit when the parent process exits
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
    // The parent is read first: if it had exited earlier, that would go unnoticed.
    let parent_ended = parent_ended(&options);
    if let Some(file) = &options.env_file {
        // A script that waits for the file must not find the file of an earlier emulator.
        let _ = std::fs::remove_file(file);
    }
    let _log = start_log(options.log.unwrap_or(Log::Text));
    let emulator = start(&options, PORT).await?;
    let shutdown = shutdown()?;
    let environment = environment(&emulator);
    if let Some(file) = &options.env_file {
        write_env_file(file, &environment)?;
    }
    // An emulator that was started by a program is not used by `--emulator`.
    let is_for_program =
        exits_with_parent(&options) || options.env_file.is_some() || options.format == Format::Json;
    let _published = (!is_for_program)
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
            "--host {} can be reached by other machines; add --allow-remote to allow this",
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
fn exits_with_parent(options: &Serve) -> bool {
    options.exit_with_parent
}

#[cfg(not(unix))]
fn exits_with_parent(_: &Serve) -> bool {
    false
}

/// Completes when the parent process has exited, if `--exit-with-parent` is given.
#[cfg(unix)]
fn parent_ended(options: &Serve) -> impl Future<Output = ()> + use<> {
    use std::os::unix::process::parent_id;
    let parent = options.exit_with_parent.then(parent_id);
    async move {
        let Some(parent) = parent else {
            return std::future::pending().await;
        };
        // When the parent exits, the process gets another one.
        while parent_id() == parent {
            SystemClock.sleep(POLL_INTERVAL).await;
        }
    }
}

#[cfg(not(unix))]
fn parent_ended(_: &Serve) -> impl Future<Output = ()> + use<> {
    std::future::pending()
}

/// The prefixes of the variables that could point a command to another service.
const CLOUD_VARIABLES: [&str; 4] = ["OS_", "OTC_", "HUAWEICLOUD_", "MODELARTS_"];

/// Runs a command against a new emulator; returns the exit code of the command.
async fn exec(options: Serve, command: &[OsString]) -> Result<i32, Failure> {
    let [program, arguments @ ..] = command else {
        return Err(Failure::usage(anyhow!("no command is given after --")));
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
            // A terminal signals the command as well. After a signal to this process alone, the command is killed.
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

/// The time that an interrupted command has to exit.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the exit code as a shell does: 128 plus the signal for a command that was killed by a signal.
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
        builder = builder.fixtures(fixtures(source).map_err(Failure::usage)?);
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
            "--scale must be a number greater than 0, not {}",
            options.scale
        )));
    }
    Ok(match options.clock {
        Clock::Manual => builder.manual(),
        Clock::Real => builder.scale(options.scale),
    })
}

/// Returns the built-in fixtures of this name, or those in the file.
fn fixtures(source: &Path) -> anyhow::Result<Fixtures> {
    if let Some(built_in) = source.to_str().and_then(Fixtures::built_in) {
        return Ok(built_in);
    }
    let text = std::fs::read_to_string(source).with_context(|| {
        let names: Vec<&str> = Fixtures::built_in_names().collect();
        format!(
            "--fixtures: {} is neither a readable file nor a built-in name ({})",
            source.display(),
            names.join(", ")
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("--fixtures: in {}", source.display()))
}

/// Completes on SIGINT or SIGTERM. Signals are registered by the call itself, not by the first poll.
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
