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
    // What it keeps, it keeps there, and no token but in the tests of that.
    let kept = concat!(env!("CARGO_TARGET_TMPDIR"), "/kept");
    command
        .env("XDG_DATA_HOME", kept)
        .env("XDG_CACHE_HOME", kept)
        .env("MODELARTS_NO_TOKEN_CACHE", "1");
    command
}

/// A folder of one's own for what the program keeps.
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
        Self::with(&["--instant"])
    }

    /// One whose transitions last until somebody moves its clock.
    pub(crate) fn standing_still() -> Self {
        Self::with(&["--clock=manual"])
    }

    fn with(arguments: &[&str]) -> Self {
        let mut child = modelarts(&[
            "emulator",
            "--port",
            "0",
            "--rng-seed",
            "7",
            "--format",
            "json",
            "--log",
            "off",
        ])
        .args(arguments)
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

    /// What it prints for the environment.
    pub(crate) fn variable(&self, name: &str) -> String {
        let mut found = self.environment.iter().filter(|(of, _)| of == name);
        found.next().unwrap().1.clone()
    }

    /// A request to the control plane.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "{method} /_emulator/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 20"), "{response}");
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
