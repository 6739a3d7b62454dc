//! `modelarts emulator` as a process: what its surroundings do to it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");

/// The program, without what the environment of the test says about clouds.
fn modelarts(arguments: &[&str]) -> Command {
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

/// A running emulator; it ends when this is dropped.
struct Emulator {
    child: Child,
    /// Stays open: it goes on writing there.
    _output: BufReader<ChildStdout>,
    address: String,
}

impl Emulator {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let (_, address) = first.trim().split_once("http://").unwrap();
        Self {
            child,
            _output: output,
            address: address.to_owned(),
        }
    }

    fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Connection {
            host: self.address.clone(),
            stream: BufReader::new(stream),
            token: String::new(),
        }
    }

    /// The account of the emulator, as `/_emulator/accounts` has it.
    fn signed_in(&self) -> (Connection, String) {
        let mut connection = self.connect();
        let accounts = connection.send("GET", "/_emulator/accounts", None).1;
        let user = &accounts["users"][0];
        let project = user["projects"][0].as_str().unwrap().to_owned();
        let who = json!({
            "name": user["name"], "password": user["password"], "domain": {"name": user["domain"]},
        });
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"id": project}},
        }});
        let (status, _) = connection.send("POST", "/v3/auth/tokens", Some(&body));
        assert_eq!(status, 201);
        (connection, project)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A connection that stays open; it keeps the token of the last sign-in.
struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
    token: String,
}

impl Connection {
    fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (host, token) = (&self.host, &self.token);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).expect(&line).parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "x-subject-token" => self.token = value.to_owned(),
                _ => {}
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn create(&mut self, project: &str, name: &str) -> (u16, Value) {
        let body = json!({
            "name": name,
            "flavor": "modelarts.vm.cpu.2u",
            "image_id": "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11",
            "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
        });
        self.send("POST", &format!("/v1/{project}/notebooks"), Some(&body))
    }
}

fn emulator(log: &str) -> Command {
    modelarts(&["emulator", "--port", "0", "--instant", "--log", log])
}

#[test]
fn a_closed_standard_error_loses_no_response() {
    for log in ["text", "json"] {
        let mut command = emulator(log);
        command.stderr(Stdio::piped());
        let mut emulator = Emulator::start(command);
        drop(emulator.child.stderr.take());
        let (mut connection, project) = emulator.signed_in();
        for number in 0..20 {
            let (status, created) = connection.create(&project, &format!("n-{number}"));
            assert_eq!(status, 200, "{created}");
        }
        let path = format!("/v1/{project}/notebooks?limit=100");
        assert_eq!(connection.send("GET", &path, None).1["total"], 20, "{log}");
    }
}

#[test]
fn a_full_pipe_stops_nothing() {
    let mut command = emulator("json");
    command.stderr(Stdio::piped());
    // Its standard error stays open, and nobody reads it.
    let emulator = Emulator::start(command);
    let (mut connection, project) = emulator.signed_in();
    // Far more than a pipe takes.
    for _ in 0..3_000 {
        let (status, _) = connection.send("GET", &format!("/v1/{project}/flavors"), None);
        assert_eq!(status, 404);
    }
    let (status, created) = connection.create(&project, "last");
    assert_eq!(status, 200, "{created}");
}
