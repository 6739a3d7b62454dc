//! The program as people run it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `modelarts emulator` as a process of its own; it ends with the test.
struct Emulator {
    child: Child,
    url: String,
    environment: Vec<(String, String)>,
}

impl Emulator {
    fn start() -> Self {
        let mut child = modelarts(&[
            "emulator",
            "--port",
            "0",
            "--instant",
            "--rng-seed",
            "7",
            "--log",
            "off",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let first = lines.next().unwrap();
        let url = first
            .split_whitespace()
            .find(|word| word.starts_with("http"))
            .unwrap()
            .to_owned();
        // What it tells a shell to export, taken at its word.
        let told: Vec<String> = lines
            .take_while(|line| !line.starts_with("These"))
            .collect();
        let environment = told
            .iter()
            .flat_map(|line| line.split_whitespace())
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            child,
            url,
            environment,
        }
    }

    fn api(&self, arguments: &[&str]) -> Output {
        modelarts(&["api"])
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap()
    }

    fn answer(&self, arguments: &[&str]) -> serde_json::Value {
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

#[test]
fn the_demo_tells_the_whole_story() {
    let output = modelarts(&["demo", "--speed", "0"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!("demo", text(&output.stdout));
}

#[test]
fn any_operation_can_be_called() {
    let emulator = Emulator::start();
    let images = emulator.answer(&["listImages", "--name", "pytorch-nlp"]);
    let image = images["data"][0]["id"].as_str().unwrap();
    let created = emulator.answer(&[
        "createNotebook",
        "--name=train-bert",
        "--flavor=modelarts.vm.cpu.2u",
        "--image-id",
        image,
        "--volume",
        r#"{"category": "EVS"}"#,
        "--volume.ownership=MANAGED",
        "--volume.capacity=50",
        "--duration=-1",
    ]);
    let id = created["id"].as_str().unwrap();
    let shown = emulator.answer(&["showNotebook", "--id", id]);
    assert_eq!(shown["status"], "RUNNING");
    assert_eq!(shown["lease"]["enable"], false);
    assert_eq!(shown["volume"]["capacity"], 50);
    let deleted = emulator.api(&["deleteNotebook", "--id", id]);
    assert!(deleted.status.success(), "{}", text(&deleted.stderr));

    let projects = emulator.answer(&["listProjects"]);
    assert!(!projects["projects"].as_array().unwrap().is_empty());
}

#[test]
fn failures_are_told_in_one_line_and_by_the_exit_code() {
    let emulator = Emulator::start();
    let missing = emulator.api(&["showNotebook", "--id", "no-such-notebook"]);
    assert_eq!(missing.status.code(), Some(3));
    assert_eq!(text(&missing.stdout), "");
    let error = text(&missing.stderr);
    assert!(
        error.starts_with("error: showNotebook: HTTP 400, ModelArts.6309: "),
        "{error}"
    );

    let refused = modelarts(&[
        "api",
        "listFlavors",
        "--token",
        "hush",
        "--project-id",
        "p",
        "--endpoint",
        &emulator.url,
    ])
    .output()
    .unwrap();
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    assert!(!text(&refused.stderr).contains("hush"));

    let usage = emulator.api(&["createNotebook", "--volume.capacity", "big"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("--volume.capacity: `big` is not a whole number"));
}

#[test]
fn what_is_missing_is_said_once_and_with_the_way_out() {
    let refused = modelarts(&["api", "listFlavors"])
        .env("HOME", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let error = text(&refused.stderr);
    assert!(
        error.contains("OS_TOKEN") && error.contains("--token"),
        "{error}"
    );

    let data = ["emulator", "--data", "/nowhere/state.db"];
    let refused = text(&modelarts(&data).output().unwrap().stderr);
    assert_eq!(refused.matches("unable to open").count(), 1, "{refused}");
}

#[test]
fn health_is_an_exit_code() {
    let emulator = Emulator::start();
    let port = emulator.url.rsplit(':').next().unwrap();
    let well = modelarts(&["emulator", "healthcheck", "--port", port])
        .output()
        .unwrap();
    assert!(well.status.success(), "{}", text(&well.stderr));
    let port = port.to_owned();
    drop(emulator);
    let gone = modelarts(&["emulator", "healthcheck", "--port", &port])
        .output()
        .unwrap();
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn an_address_that_others_can_reach_needs_a_flag() {
    let refused = modelarts(&["emulator", "--host", "0.0.0.0", "--port", "0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("--allow-remote"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn help_tells_every_command() {
    let help = |arguments: &[&str]| {
        let output = modelarts(arguments).env("COLUMNS", "100").output().unwrap();
        text(&output.stdout)
    };
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help-api", help(&["api", "--help"]));
    insta::assert_snapshot!(
        "help-api-renewLease",
        help(&["api", "renewLease", "--help"])
    );
    insta::assert_snapshot!("help-emulator", help(&["emulator", "--help"]));
}
