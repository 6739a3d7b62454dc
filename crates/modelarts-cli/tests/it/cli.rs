//! The help, the demo, `api`, and the environment of the command.

use crate::support::{Emulator, modelarts, text, without_ports};

#[test]
fn the_demo_shows_every_step() {
    let output = modelarts(&["demo", "--speed", "0"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!("demo", without_ports(&text(&output.stdout)));
}

#[test]
fn any_operation_can_be_called() {
    let emulator = Emulator::start();
    let images = emulator.response(&["listImages", "--name", "pytorch-nlp"]);
    let image = images["data"][0]["id"].as_str().unwrap();
    let created = emulator.response(&[
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
    let shown = emulator.response(&["showNotebook", "--id", id]);
    assert_eq!(shown["status"], "RUNNING");
    assert_eq!(shown["lease"]["enable"], false);
    assert_eq!(shown["volume"]["capacity"], 50);
    let deleted = emulator.api(&["deleteNotebook", "--id", id]);
    assert!(deleted.status.success(), "{}", text(&deleted.stderr));

    let projects = emulator.response(&["listProjects"]);
    assert!(!projects["projects"].as_array().unwrap().is_empty());
}

#[test]
fn errors_are_one_line_and_an_exit_code() {
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
fn what_is_missing_is_reported_once_with_a_remedy() {
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
fn health_is_reported_by_the_exit_code() {
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
fn a_reachable_address_needs_a_flag() {
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
fn help_lists_every_command() {
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

#[test]
fn a_blank_variable_counts_as_unset() {
    let emulator = Emulator::start();
    for blank in ["", "  "] {
        let mut command = emulator.command(&["auth", "status"]);
        for name in [
            "PROFILE",
            "CLOUD",
            "REGION",
            "PROJECT",
            "PROJECT_ID",
            "AUTH_URL",
            "TOKEN",
            "EMULATOR",
            "ALLOW_HTTP",
            "TIMEOUT",
            "RETRIES",
            "OUTPUT",
        ] {
            command.env(format!("MODELARTS_{name}"), blank);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[cfg(unix)]
#[test]
fn relevant_variables_with_invalid_utf_8_are_reported_by_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let emulator = Emulator::start();
    let bytes = OsStr::from_bytes(b"t0p-s3cret\xff");
    for name in [
        "OS_PASSWORD",
        "OS_PROJECT_NAME",
        "OS_CLOUD",
        "OS_CLIENT_CONFIG_FILE",
    ] {
        let mut command = modelarts(&["auth", "status"]);
        let cloud = [
            ("OS_CLOUD", "a"),
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
        ];
        let output = command.envs(cloud).env(name, bytes).output().unwrap();
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(
            printed.contains(&format!("{name} is not valid UTF-8")),
            "{printed}"
        );
        assert!(!printed.contains("s3cret"), "{printed}");
    }
    // Other variables are ignored, also when a cloud is selected by name.
    let mut command = emulator.command(&["auth", "status"]);
    assert!(
        command
            .env("OTHER", bytes)
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut command = modelarts(&["auth", "status", "--cloud", "nowhere"]);
    let output = command.env("OTHER", bytes).output().unwrap();
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("`nowhere`"), "{printed}");
}
