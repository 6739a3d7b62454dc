//! The number of requests of each command, and how `--debug` shows them.

use crate::nouns::CREATE;
use crate::support::{Emulator, Home, text};

const ID: &str = "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e12";

/// The environment of an access key, which needs no sign-in.
fn without_password(emulator: &Emulator, arguments: &[&str]) -> std::process::Command {
    let mut command = emulator.command(arguments);
    for name in [
        "OS_AUTH_URL",
        "OS_USERNAME",
        "OS_PASSWORD",
        "OS_USER_DOMAIN_NAME",
        "OS_PROJECT_ID",
    ] {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_command_sends_no_unnecessary_requests() {
    let emulator = Emulator::start();
    for (arguments, operations) in [
        (&["notebook", "show", ID][..], &["showNotebook"][..]),
        (&["instance", "show", ID], &["showDevEnvInstance"]),
        (&["image", "show", ID], &["showImage"]),
        (&["lease", "show", ID], &["showLease"]),
        (&["lease", "set", ID, "--for=8h"], &["renewLease"]),
        (&["notebook", "start", ID], &["startNotebook"]),
        (&["notebook", "stop", ID], &["stopNotebook"]),
        (&["notebook", "delete", ID, "--yes"], &["deleteNotebook"]),
        (&["notebook", "update", ID, "--name=a"], &["updateNotebook"]),
        (&["notebook", "list"], &["listNotebooks"]),
        (
            &["notebook", "tag", "add", ID, "a=b"],
            &["createNotebookTags"],
        ),
        (&["notebook", "show", "nobody"], &["listNotebooks"]),
        (&["image", "sync", ID], &["syncImage"]),
        (
            &["image", "delete-group", ID, "--yes"],
            &["deleteImageGroup"],
        ),
        (
            &["image", "update-group", ID, "--read-me=x"],
            &["updateImageGroup"],
        ),
        (&["notebook", "tag", "list"], &["listNotebookTags"]),
        (&["flavor", "list"], &["listFlavors"]),
        (&["top"], &["listNotebooks", "listDevEnvInstances"]),
        (&["explain", "6309"], &[]),
        (&["notebook", "stop"], &[]),
        (&["api", "createNotebook", "--skeleton"], &[]),
    ] {
        emulator.control("DELETE", "requests", "null");
        without_password(&emulator, arguments).output().unwrap();
        assert_eq!(emulator.operations(), operations, "{arguments:?}");
    }
}

#[test]
fn debug_shows_requests_and_responses_without_secrets() {
    let (emulator, home) = (Emulator::start(), Home::new("debug"));
    let created = emulator.command(&CREATE).output().unwrap();
    assert!(created.status.success(), "{}", text(&created.stderr));
    let secret = [
        "notebook",
        "show",
        "train-bert",
        "--show-secrets",
        "-o",
        "jq=.token",
    ];
    let secret = text(&emulator.command(&secret).output().unwrap().stdout);
    let trace = home.0.join("trace.jsonl");
    let mut command = emulator.command(&["lease", "set", "train-bert", "--for=4h", "--debug"]);
    // A password requires a sign-in.
    for name in ["AK", "SK", "PROJECT_ID"] {
        command.env_remove(format!("HUAWEICLOUD_SDK_{name}"));
    }
    let output = command
        .args(["-o", "jq=.enable", "--trace-file"])
        .arg(&trace)
        .output()
        .unwrap();
    let shown = text(&output.stderr);
    for line in [
        "> POST http://127.0.0.1:",
        "> x-auth-token: [redacted]",
        "\"password\":\"[redacted]\"",
        "< x-subject-token: [redacted]",
        "> PATCH http://127.0.0.1:",
        "> {\"duration\":14400000,\"type\":\"timing\"}",
        "< HTTP 200",
        "< content-type: application/json",
        "\"token\":\"[redacted]\"",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let traced = std::fs::read_to_string(&trace).unwrap();
    let events: Vec<serde_json::Value> = traced
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let renewals: Vec<_> = events
        .iter()
        .filter(|event| event["fields"]["method"] == "PATCH")
        .collect();
    assert_eq!(renewals.len(), 1, "{traced}");
    let body = renewals[0]["fields"]["body"].as_str().unwrap();
    assert!(body.contains("14400000"), "{body}");
    let secrets = [
        secret.trim().to_owned(),
        emulator.variable("OS_PASSWORD"),
        emulator.variable("HUAWEICLOUD_SDK_SK"),
    ];
    for secret in secrets {
        assert!(!secret.is_empty());
        assert!(
            !shown.contains(&secret) && !traced.contains(&secret),
            "{secret}"
        );
    }
}

#[test]
fn without_debug_no_exchange_is_shown() {
    let emulator = Emulator::start();
    let output = emulator
        .command(&["notebook", "list", "-v"])
        .output()
        .unwrap();
    let shown = text(&output.stderr);
    assert!(
        shown.contains("listNotebooks attempt 1: HTTP 200"),
        "{shown}"
    );
    assert!(
        !shown.contains("> GET") && !shown.contains("x-auth-token"),
        "{shown}"
    );
}
