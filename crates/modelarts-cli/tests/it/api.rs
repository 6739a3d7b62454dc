//! `modelarts api`: exit codes, checks before sending, and reports on standard error.

use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};

use crate::support::{Emulator, Scripted, modelarts, text};

const CREATE: [&str; 7] = [
    "api",
    "createNotebook",
    "--name=a",
    "--flavor=f",
    "--image-id=i",
    "--volume.category=EVS",
    "--volume.ownership=MANAGED",
];
const LIST: [&str; 2] = ["api", "listNotebooks"];
const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n<html>welcome</html>\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const GATEWAY_404: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<h1>nginx</h1>\r\n";

fn exit(output: &Output) -> (Option<i32>, String, String) {
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn html_is_not_a_response_of_the_service() {
    let server = Scripted::responding(HTML);
    let (code, data, error) = exit(&server.command(&LIST).output().unwrap());
    assert_eq!((code, data.as_str()), (Some(1), ""), "{error}");
    assert!(error.contains("is not JSON (text/html)"), "{error}");
    let paginate = ["api", "listNotebooks", "--paginate"];
    let (code, data, error) = exit(&server.command(&paginate).output().unwrap());
    assert_eq!((code, data.as_str()), (Some(1), ""), "{error}");
    assert!(
        error.contains("is not valid JSON (line 1, column 1)") && error.contains("a proxy"),
        "{error}"
    );
    let (code, data, error) = exit(&server.command(&CREATE).output().unwrap());
    assert_eq!((code, data.as_str()), (Some(7), ""), "{error}");
    assert!(
        error.contains("Check before you retry it: modelarts api listNotebooks"),
        "{error}"
    );
}

#[test]
fn an_empty_success_is_enough_for_an_action() {
    let server = Scripted::responding(EMPTY);
    for operation in ["stopNotebook", "startNotebook", "deleteNotebook"] {
        let output = server
            .command(&["api", operation, "--id=n"])
            .output()
            .unwrap();
        assert_eq!(
            exit(&output),
            (Some(0), String::new(), String::new()),
            "{operation}"
        );
    }
    assert_eq!(
        server.command(&CREATE).output().unwrap().status.code(),
        Some(7)
    );
}

#[test]
fn a_gateways_404_is_an_error() {
    let server = Scripted::responding(GATEWAY_404);
    let output = server
        .command(&["api", "showNotebook", "--id=n"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn a_creation_without_a_response_has_an_unknown_outcome() {
    let server = Scripted::closing();
    let (code, _, error) = exit(&server.command(&CREATE).output().unwrap());
    assert_eq!(code, Some(7), "{error}");
    assert!(error.contains("Check before you retry it"), "{error}");
    let output = server
        .command(&LIST)
        .args(["--retries", "0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
}

#[test]
fn a_long_retry_delay_is_announced() {
    let server = Scripted::responding(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n",
    );
    let mut child = server
        .command(&LIST)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("throttled, next attempt in 4"), "{line}");
    assert!(line.ends_with(" s (2 of 5)\n"), "{line}");
}

#[test]
fn bodies_are_checked_before_they_are_sent() {
    // The server would close the connection, so exit code 2 means that no request was sent.
    let server = Scripted::closing();
    for wrong in [
        &["api", "createNotebook", "--name=a"][..],
        &["api", "listNotebooks", "--limit=many"],
        &[
            "api",
            "updateNotebook",
            "--id=n",
            "--body",
            r#"{"nmae": "a"}"#,
        ],
        &[
            "api",
            "updateNotebook",
            "--id=n",
            "--body",
            r#"{"name": 5}"#,
        ],
        &["api", "showNotebook"],
    ] {
        let (code, data, error) = exit(&server.command(wrong).output().unwrap());
        assert_eq!((code, data.as_str()), (Some(2), ""), "{wrong:?}: {error}");
    }
}

#[test]
fn plain_http_to_another_machine_needs_a_flag() {
    let remote = [
        "api",
        "listNotebooks",
        "--endpoint=http://192.0.2.1",
        "--token=t",
        "--project-id=p",
    ];
    let (code, _, error) = exit(&modelarts(&remote).output().unwrap());
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--allow-http"), "{error}");
    assert!(!error.contains("`allow_http`"), "{error}");
}

#[test]
fn messages_name_flags_and_variables() {
    for arguments in [
        &["api", "listNotebooks"][..],
        &["api", "listNotebooks", "--token=t"],
        &["api", "listNotebooks", "--token=t", "--region=eu-de"],
        &[
            "api",
            "listNotebooks",
            "--token=t",
            "--endpoint=http://127.0.0.1:1",
        ],
    ] {
        let output = modelarts(arguments)
            .env("HOME", "/nowhere")
            .output()
            .unwrap();
        let error = text(&output.stderr);
        for word in [
            "builder",
            "call `",
            "`project_id`",
            "`region`",
            "`endpoint`",
            "::",
        ] {
            assert!(!error.contains(word), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn all_pages_are_merged() {
    let emulator = Emulator::start();
    let one = emulator.response(&["listImages", "--limit=200"]);
    let all = emulator.response(&["listImages", "--limit=2", "--paginate"]);
    assert_eq!(one["data"], all["data"]);
    assert_eq!(all["total"], all["data"].as_array().unwrap().len());
    let ids = emulator.api(&[
        "listImages",
        "--limit=2",
        "--paginate",
        "-o",
        "jq=.data[].id",
    ]);
    assert_eq!(
        text(&ids.stdout).lines().count(),
        all["data"].as_array().unwrap().len()
    );
}

#[test]
fn a_skeleton_is_a_valid_body() {
    let output = modelarts(&["api", "createNotebook", "--skeleton"])
        .output()
        .unwrap();
    let skeleton: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(skeleton["volume"]["category"].is_string(), "{skeleton}");
}

#[test]
fn a_path_outside_the_documents_can_be_called() {
    const JOBS: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n\
        {\"total\":1,\"items\":[{\"metadata\":{\"id\":\"j1\",\"name\":\"b\"}}]}";
    let server = Scripted::responding(JOBS);
    let path = "/v2/{project_id}/training-jobs";
    let list = [
        "api",
        "GET",
        path,
        "--query=limit=1",
        "--query=sort_by=create time",
        "-o",
        "jsonpath=$.items[*].metadata.id",
    ];
    let (code, data, error) = exit(&server.command(&list).output().unwrap());
    assert_eq!((code, data.trim()), (Some(0), "j1"), "{error}");
    let create = [
        "api",
        "POST",
        path,
        "--body",
        r#"{"kind": "job", "metadata": {"name": "b"}}"#,
    ];
    let (code, _, error) = exit(&server.command(&create).output().unwrap());
    assert_eq!(code, Some(0), "{error}");
    let [list, create] = &server.requests()[..] else {
        panic!("{:?}", server.requests());
    };
    assert_eq!(
        (list.method.as_str(), list.target.as_str()),
        ("GET", "/v2/p/training-jobs?limit=1&sort_by=create%20time")
    );
    assert_eq!(
        (create.method.as_str(), create.target.as_str()),
        ("POST", "/v2/p/training-jobs")
    );
    for (name, value) in [("x-auth-token", "t"), ("content-type", "application/json")] {
        assert_eq!(create.header(name), Some(value), "{name}");
    }
    assert_eq!(create.json()["metadata"]["name"], "b");
}

#[test]
fn any_path_can_be_called() {
    let emulator = Emulator::start();
    let by_path = emulator.response(&["GET", "/v1/{project_id}/notebooks", "--query=limit=1"]);
    assert_eq!(by_path["total"], 0);
    let unknown = emulator.api(&["GET", "/v1/{project_id}/../secrets"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown.stderr));
    let broken = Scripted::closing();
    for (method, code) in [("GET", 6), ("POST", 7)] {
        let output = broken
            .command(&["api", method, "/v1/p/new-things", "--retries=0"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    }
    let page = Scripted::responding(HTML);
    for (method, code) in [("GET", 1), ("POST", 7)] {
        let output = page
            .command(&["api", method, "/v1/p/new-things"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
}
