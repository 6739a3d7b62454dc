//! The command, an emulator for it, and a scripted server.

use std::process::{Command, Output, Stdio};

use modelarts_test_support::connection::exchange;
use modelarts_test_support::process::{EmulatorProcess, without_clouds};
use modelarts_test_support::server::{Recorded, Reply, Server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");

/// Returns the command, without the cloud variables of the environment.
pub(crate) fn modelarts(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    without_clouds(&mut command);
    command.args(arguments).stdin(Stdio::null());
    // Its files are kept apart from those of the user, and only the tests of the token cache use one.
    let kept = concat!(env!("CARGO_TARGET_TMPDIR"), "/kept");
    command
        .env("XDG_DATA_HOME", kept)
        .env("XDG_CACHE_HOME", kept)
        .env("MODELARTS_NO_TOKEN_CACHE", "1")
        .env("LC_ALL", "C.UTF-8");
    command
}

/// A separate home directory for the files of the command.
pub(crate) struct Home(pub(crate) std::path::PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("modelarts-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.0)
            .env("XDG_DATA_HOME", self.0.join("data"))
            .env("XDG_CACHE_HOME", self.0.join("cache"))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Replaces the ports, which differ in each run.
pub(crate) fn without_ports(text: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut parts = text.split(HOST);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked += HOST;
        masked += "PORT";
        masked += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    masked
}

/// A `modelarts emulator` process, which is stopped when the test ends.
pub(crate) struct Emulator {
    process: EmulatorProcess,
    pub(crate) url: String,
    environment: Vec<(String, String)>,
}

impl Emulator {
    pub(crate) fn start() -> Self {
        Self::with(&["--instant"])
    }

    /// Starts an emulator whose clock does not advance by itself.
    pub(crate) fn with_manual_clock() -> Self {
        Self::with(&["--clock=manual"])
    }

    fn with(arguments: &[&str]) -> Self {
        let mut command = modelarts(&["emulator", "--port=0", "--rng-seed=7"]);
        command.args(["--format=json", "--log=off"]).args(arguments);
        let process = EmulatorProcess::start(command).unwrap();
        let ready: serde_json::Value = serde_json::from_str(process.ready()).unwrap();
        let environment = ready["environment"].as_object().unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        Self {
            url: process.url(),
            process,
            environment,
        }
    }

    /// Returns the command with the environment that the emulator prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = modelarts(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns a variable of the environment that the emulator prints.
    pub(crate) fn variable(&self, name: &str) -> String {
        let mut found = self.environment.iter().filter(|(of, _)| of == name);
        found.next().unwrap().1.clone()
    }

    /// Returns the operations received since the request log of the emulator was last cleared.
    pub(crate) fn operations(&self) -> Vec<String> {
        let log = self.control("GET", "requests", "null");
        let requests = log.as_array().unwrap();
        let operation =
            |request: &serde_json::Value| request["operation"].as_str().map(str::to_owned);
        requests.iter().filter_map(operation).collect()
    }

    /// Sends a request to the control plane; returns the body of the response.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let path = format!("/_emulator/{path}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let body = Some(&body).filter(|body| !body.is_null());
        let address = self.process.address();
        let response = exchange(address, method, &path, &[], body).unwrap();
        assert_eq!(response.status / 100, 2, "{response:?}");
        response.body
    }

    pub(crate) fn api(&self, arguments: &[&str]) -> Output {
        let arguments: Vec<_> = std::iter::once("api")
            .chain(arguments.iter().copied())
            .collect();
        self.command(&arguments).output().unwrap()
    }

    pub(crate) fn response(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.api(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A server that responds to every request with the same bytes, or closes the connection.
pub(crate) struct Scripted(Server);

impl Scripted {
    /// Starts a server with this response: status line, headers and body.
    pub(crate) fn responding(response: &'static str) -> Self {
        Self(Server::start(move |_, _| Reply::raw(response)))
    }

    /// Starts a server that closes each connection after the request.
    pub(crate) fn closing() -> Self {
        Self::responding("")
    }

    /// Returns the requests received so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.0.requests()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = modelarts(arguments);
        command.args([
            "--endpoint",
            &self.0.url,
            "--token",
            "t",
            "--project-id",
            "p",
        ]);
        command
    }
}
