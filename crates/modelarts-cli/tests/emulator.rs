//! `modelarts emulator` as a process: closed pipes, hostile values, and its life with other processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::io::BufRead as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use modelarts_test_support::connection::{Connection, exchange};
use modelarts_test_support::process::{EmulatorProcess, without_clouds};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");

/// Returns the command, without the cloud variables of the environment.
fn modelarts(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    without_clouds(&mut command);
    command.args(arguments).stdin(Stdio::null());
    command.env(
        "XDG_DATA_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/kept"),
    );
    command
}

/// A signed-in user of an emulator, on a persistent connection.
struct User {
    connection: Connection,
    token: String,
    project: String,
}

impl User {
    /// Signs in with the first account of `/_emulator/accounts`.
    fn sign_in(emulator: &EmulatorProcess) -> Self {
        let mut connection = Connection::open(emulator.address()).unwrap();
        let accounts = connection.send("GET", "/_emulator/accounts", &[], None);
        let accounts = accounts.unwrap().body;
        let user = &accounts["users"][0];
        let project = user["projects"][0].as_str().unwrap().to_owned();
        let who = json!({
            "name": user["name"], "password": user["password"], "domain": {"name": user["domain"]},
        });
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"id": project}},
        }});
        let response = connection.send("POST", "/v3/auth/tokens", &[], Some(&body));
        let response = response.unwrap();
        assert_eq!(response.status, 201);
        Self {
            token: response.header("x-subject-token").unwrap().to_owned(),
            connection,
            project,
        }
    }

    /// Sends a request to the project.
    fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let path = format!("/v1/{}/{path}", self.project);
        let token = [("X-Auth-Token", self.token.as_str())];
        let response = self.connection.send(method, &path, &token, body).unwrap();
        (response.status, response.body)
    }

    fn create(&mut self, name: &str) -> (u16, Value) {
        let body = json!({
            "name": name,
            "flavor": "modelarts.vm.cpu.2u",
            "image_id": "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11",
            "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
        });
        self.send("POST", "notebooks", Some(&body))
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
        let mut emulator = EmulatorProcess::start(command).unwrap();
        drop(emulator.child().stderr.take());
        let mut user = User::sign_in(&emulator);
        for number in 0..20 {
            let (status, created) = user.create(&format!("n-{number}"));
            assert_eq!(status, 200, "{created}");
        }
        let (_, listed) = user.send("GET", "notebooks?limit=100", None);
        assert_eq!(listed["total"], 20, "{log}");
    }
}

#[test]
fn a_full_pipe_stops_nothing() {
    let mut command = emulator("json");
    command.stderr(Stdio::piped());
    // Standard error stays open, but nobody reads it.
    let emulator = EmulatorProcess::start(command).unwrap();
    let mut user = User::sign_in(&emulator);
    // Far more output than a pipe can hold.
    for _ in 0..3_000 {
        let (status, _) = user.send("GET", "flavors", None);
        assert_eq!(status, 404);
    }
    let (status, created) = user.create("last");
    assert_eq!(status, 200, "{created}");
}

const HOSTILE: &str = "it's $(touch EXECUTED) `touch EXECUTED` \"x\" \\ $HOME; touch EXECUTED";

/// Creates an empty folder for a test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_shell_never_executes_values_of_the_environment() {
    let folder = folder("quoting");
    let fixtures = json!({"users": [{"name": "ada lovelace", "password": HOSTILE}]});
    std::fs::write(folder.join("fixtures.json"), fixtures.to_string()).unwrap();
    let mut command = emulator("off");
    command
        .args(["--fixtures", "fixtures.json", "--env-file", "env"])
        .current_dir(&folder);
    let mut emulator = EmulatorProcess::start(command).unwrap();
    let mut exports = String::new();
    loop {
        let mut line = String::new();
        emulator.output().read_line(&mut line).unwrap();
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
        // The token is valid.
        let token = [("X-Auth-Token", lines[2])];
        let projects = exchange(emulator.address(), "GET", "/v3/projects", &token, None);
        assert_eq!(projects.unwrap().status, 200);
    }
    assert!(!folder.join("EXECUTED").exists());
}

#[test]
fn readiness_for_programs_is_one_line_of_json() {
    let mut command = emulator("off");
    command.args([
        "--format",
        "json",
        "--external-url",
        "https://dev.example/x/",
    ]);
    let emulator = EmulatorProcess::start(command).unwrap();
    let ready: Value = serde_json::from_str(emulator.ready()).unwrap();
    assert_eq!(ready["url"], emulator.url());
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
fn exec_exits_with_the_code_of_the_command() {
    let exec = |arguments: &[&str], script: &str| {
        let mut command = modelarts(&["emulator", "exec", "--instant"]);
        command.args(arguments).args(["--", "sh", "-c", script]);
        // Variables that point to other services are not passed to the command.
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
fn a_healthcheck_waits_until_an_emulator_starts() {
    // A port that was just free.
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
    command.stderr(Stdio::null());
    let _emulator = EmulatorProcess::start(command).unwrap();
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[cfg(unix)]
#[test]
fn the_emulator_exits_with_its_parent() {
    // A shell starts the emulator in the background, prints its first line, and exits.
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
