//! The program, an emulator for it, and a server that answers whatever a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");

/// The program, without what the environment of the test says about clouds.
pub(crate) fn modelarts(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["OS_", "OTC_", "HUAWEICLOUD_", "MODELARTS_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The port is another one in each run.
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

/// `modelarts emulator` as a process of its own; it ends with the test.
pub(crate) struct Emulator {
    child: Child,
    pub(crate) url: String,
    environment: Vec<(String, String)>,
}

impl Emulator {
    pub(crate) fn start() -> Self {
        let mut child = modelarts(&[
            "emulator",
            "--port",
            "0",
            "--instant",
            "--rng-seed",
            "7",
            "--format",
            "json",
            "--log",
            "off",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        let environment = ready["environment"].as_object().unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        Self {
            child,
            url,
            environment,
        }
    }

    /// The program with the environment that the emulator prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = modelarts(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
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

impl Drop for Emulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A server that answers every request with the same bytes, or breaks off the connection.
pub(crate) struct Scripted {
    pub(crate) url: String,
}

impl Scripted {
    /// Status line, headers and body, as they go over the wire.
    pub(crate) fn answering(response: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, response).ok();
            }
        });
        Self { url }
    }

    /// Ends every connection once the request is there.
    pub(crate) fn breaking_off() -> Self {
        Self::answering("")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = modelarts(arguments);
        command.args(["--endpoint", &self.url, "--token", "t", "--project-id", "p"]);
        command
    }
}

/// Reads a request whole, so that closing the connection is no reset before it was read.
fn serve(stream: TcpStream, response: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    (&stream).write_all(response.as_bytes())
}
