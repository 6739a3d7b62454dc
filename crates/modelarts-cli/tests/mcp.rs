//! `modelarts mcp`, tested by a client that sends the protocol line by line.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running server, which exits when its standard input is closed.
struct Agent {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Agent {
    /// Starts the server with its own emulator, and initializes the session.
    fn start(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_modelarts"))
            .args(["mcp", "--emulator"])
            .args(arguments)
            .env_clear()
            .env("HOME", folder)
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_STATE_HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut agent = Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
            last: 0,
        };
        let hello = agent.ask(
            "initialize",
            &json!({
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"}
            }),
        );
        assert_eq!(
            hello["result"]["serverInfo"]["name"], "modelarts",
            "{hello}"
        );
        agent.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        agent
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Calls a tool; returns its text, and whether it is an error.
    fn call(&mut self, tool: &str, arguments: &Value) -> (String, bool) {
        let response = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let result = &response["result"];
        let text = result["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{response}")).to_owned();
        (text, result["isError"] == true)
    }

    fn done(&mut self, tool: &str, arguments: &Value) -> Value {
        let (text, is_error) = self.call(tool, arguments);
        assert!(!is_error, "{tool}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn tools(&mut self) -> Vec<Value> {
        let list = self.ask("tools/list", &json!({}));
        list["result"]["tools"].as_array().unwrap().clone()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.input.take());
        self.process.wait().ok();
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn without_read_write_only_reads_are_available() {
    let mut agent = Agent::start(&folder("mcp-read"), &[]);
    let tools = agent.tools();
    assert!(tools.len() > 10, "{}", tools.len());
    for tool in &tools {
        assert_eq!(
            tool["annotations"]["readOnlyHint"], true,
            "{}",
            tool["name"]
        );
        assert_eq!(tool["inputSchema"]["type"], "object", "{}", tool["name"]);
    }
    let flavors = agent.done("listFlavors", &json!({}));
    assert!(!flavors["data"].as_array().unwrap().is_empty());

    let refused = agent.ask(
        "tools/call",
        &json!({"name": "deleteNotebook", "arguments": {"id": "n"}}),
    );
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("is not available"), "{refused}");

    let (text, is_error) = agent.call(
        "showNotebook",
        &json!({"id": "6fa459ea-ee8a-3ca4-894e-db77e160355e"}),
    );
    assert!(is_error && text.contains("ModelArts.6309"), "{text}");
    assert!(text.contains("Check the ID"), "the remedy is there: {text}");
    let (text, is_error) = agent.call("showNotebook", &json!({"ID": "n"}));
    assert!(is_error && text.contains("`id` is missing"), "{text}");
}

#[test]
fn with_read_write_a_notebook_is_created_without_secrets_shown() {
    let mut agent = Agent::start(&folder("mcp-write"), &["--read-write"]);
    let names: Vec<_> = agent
        .tools()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert!(names.contains(&"createNotebook".into()));
    assert!(
        !names.contains(&"createToken".into()),
        "it takes a password"
    );

    let flavor = agent.done("listFlavors", &json!({}))["data"][0]["id"].clone();
    let image = agent.done("listImages", &json!({"limit": 1}))["data"][0]["id"].clone();
    let volume = json!({"category": "EVS", "ownership": "MANAGED", "capacity": 5});
    let mut body =
        json!({"name": "of-an-agent", "flavor": flavor, "image_id": image, "volume": volume});
    let notebook = agent.done("createNotebook", &json!({ "body": body }));
    assert_eq!(notebook["name"], "of-an-agent");
    let id = &notebook["id"];
    let shown = agent.done("showNotebook", &json!({ "id": id }));
    for secret in [&notebook["token"], &shown["token"]] {
        assert_eq!(secret, "(hidden)");
    }
    body["volume"]["size"] = 5.into();
    let (text, is_error) = agent.call("createNotebook", &json!({ "body": body }));
    assert!(
        is_error && text.contains("`volume.size` is not a known field"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_server_while_input_is_open() {
    let mut agent = Agent::start(&folder("mcp-interrupted"), &[]);
    let pid = agent.process.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(agent.process.wait().unwrap().code(), Some(130));
}
