//! `modelarts emulator` as a process: what its surroundings do to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

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
    // What it keeps, it keeps there.
    command.env(
        "XDG_DATA_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/kept"),
    );
    command
}

/// A running emulator; it ends when this is dropped.
struct Emulator {
    child: Child,
    output: BufReader<ChildStdout>,
    /// The first line that it wrote.
    first: String,
    address: String,
}

impl Emulator {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let (_, address) = first.trim().split_once("http://").unwrap();
        let address = address.split('"').next().unwrap().to_owned();
        Self {
            child,
            output,
            first,
            address,
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

const HOSTILE: &str = "it's $(touch EXECUTED) `touch EXECUTED` \"x\" \\ $HOME; touch EXECUTED";

/// A folder of its own for a test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_is_printed_and_written_for_a_shell_is_never_executed() {
    let folder = folder("quoting");
    let fixtures = json!({"users": [{"name": "ada lovelace", "password": HOSTILE}]});
    std::fs::write(folder.join("fixtures.json"), fixtures.to_string()).unwrap();
    let mut command = emulator("off");
    command
        .args(["--fixtures", "fixtures.json", "--env-file", "env"])
        .current_dir(&folder);
    let mut emulator = Emulator::start(command);
    let mut exports = String::new();
    loop {
        let mut line = String::new();
        emulator.output.read_line(&mut line).unwrap();
        if line.starts_with("These") {
            break;
        }
        if line.starts_with("export ") {
            exports.push_str(&line);
        }
    }
    let show = "printf '%s\\n%s\\n%s' \"$OS_USERNAME\" \"$OS_PASSWORD\" \"$X_AUTH_TOKEN\"";
    for script in [
        format!("{exports}\n{show}"),
        format!("set -a; . ./env; {show}"),
    ] {
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", &script])
            .current_dir(&folder)
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[..2], ["ada lovelace", HOSTILE], "{script}");
        // The token is ready to be used.
        let mut connection = emulator.connect();
        connection.token = lines[2].to_owned();
        assert_eq!(connection.send("GET", "/v3/projects", None).0, 200);
    }
    assert!(!folder.join("EXECUTED").exists());
}

#[test]
fn for_programs_it_says_in_one_line_that_it_is_ready() {
    let mut command = emulator("off");
    command.args([
        "--format",
        "json",
        "--external-url",
        "https://dev.example/x/",
    ]);
    let emulator = Emulator::start(command);
    let ready: Value = serde_json::from_str(&emulator.first).unwrap();
    assert_eq!(ready["url"], format!("http://{}", emulator.address));
    assert_eq!(
        ready["environment"]["OS_AUTH_URL"],
        "https://dev.example/x/v3"
    );
    assert!(
        !ready["environment"]["X_AUTH_TOKEN"]
            .as_str()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn exec_runs_a_command_beside_an_emulator_and_ends_with_its_code() {
    let exec = |arguments: &[&str], script: &str| {
        let mut command = modelarts(&["emulator", "exec", "--instant"]);
        command.args(arguments).args(["--", "sh", "-c", script]);
        // What would lead elsewhere does not reach the command.
        command
            .env("OS_CLOUD", "production")
            .env("OS_REGION_NAME", "eu-nl");
        command.env("MARK", "kept").output().unwrap()
    };
    let output = exec(
        &[],
        "echo $MARK-$OS_CLOUD-$OS_REGION_NAME-$OS_AUTH_URL; exit 42",
    );
    assert_eq!(output.status.code(), Some(42));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("kept---http://127.0.0.1:"), "{shown}");
    let listed = format!("{PROGRAM} api listFlavors >/dev/null");
    let output = exec(&["--log", "json"], &listed);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("listFlavors"), "{log}");
    assert_eq!(exec(&[], "kill -9 $$").status.code(), Some(137));
    let missing = modelarts(&["emulator", "exec", "--", "/no/such/command"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/no/such/command"));
    assert_eq!(
        modelarts(&["emulator", "exec"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_healthcheck_waits_for_an_emulator_that_is_still_to_come() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = port.to_string();
    let check =
        |wait: &str| modelarts(&["emulator", "healthcheck", "--port", &port, "--wait", wait]);
    assert_eq!(check("200ms").output().unwrap().status.code(), Some(1));
    let waiting = check("60s").stdout(Stdio::null()).spawn().unwrap();
    let mut command = modelarts(&["emulator", "--log", "off", "--port", &port]);
    let _emulator = Emulator::start({
        command.stderr(Stdio::null());
        command
    });
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[cfg(unix)]
#[test]
fn it_ends_with_the_process_that_started_it() {
    // A shell starts it in the background, tells its first line, and ends.
    let folder = folder("parent");
    let script = format!(
        "{PROGRAM} emulator --port 0 --log off --exit-with-parent --format json --env-file env >ready & \
         while ! [ -s env ]; do :; done; cat ready"
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder)
        .output()
        .unwrap();
    let ready: Value = serde_json::from_slice(&output.stdout).unwrap();
    let address = ready["url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let gone = (0..100_000).any(|_| TcpStream::connect(&address).is_err());
    assert!(gone, "it still listens at {address}");
}
