//! Invalid command lines are reported before any request is sent.

use crate::support::{Emulator, Home, modelarts, text};

#[test]
fn invalid_input_is_rejected_before_any_request() {
    let emulator = Emulator::start();
    emulator.control("DELETE", "requests", "null");
    let create = ["notebook", "create", "a", "--flavor=f", "--image=i"];
    let with = |flag: &'static str| [&create[..], &[flag]].concat();
    let cases: [(&[&str], &str); 22] = [
        (
            &["notebook", "list", "-l", "nmae=a"],
            "notebooks have no field `nmae`; did you mean `name`?",
        ),
        (
            &["notebook", "stop", "-l", "lease.enabled=false"],
            "did you mean `enable`?",
        ),
        (
            &["instance", "list", "-l", "nam=a"],
            "instances have no field `nam`",
        ),
        (
            &["notebook", "list", "-l", "name"],
            "write it like name=train-*",
        ),
        (
            &["notebook", "list", "--limit=-1"],
            "must be a whole number, at least 1",
        ),
        (
            &["notebook", "list", "--limit", "-1"],
            "must be a whole number, at least 1",
        ),
        (
            &["notebook", "list", "--limit=0"],
            "must be a whole number, at least 1",
        ),
        (
            &["notebook", "stop", "--all", "--concurrency=0"],
            "must be a whole number, at least 1",
        ),
        (
            &["notebook", "list", "--retries", "-1"],
            "invalid value '-1'",
        ),
        (
            &["notebook", "list", "--older-than=8"],
            "is not a duration; write it like 8h",
        ),
        (
            &["notebook", "list", "--timeout=soon"],
            "is not a duration; write it like 8h",
        ),
        (
            &["notebook", "list", "-o", "xml"],
            "expected table, json, yaml",
        ),
        (
            &["notebook", "list", "-o", "jq=.["],
            "is not a valid jq filter",
        ),
        (
            &["notebook", "list", "-o", "jsonpath=x"],
            "is not a valid JSONPath",
        ),
        (
            &["notebook", "list", "--sort=colour"],
            "there is no column `colour`",
        ),
        (&["notebook", "stop"], "no notebooks given"),
        (&["lease", "set", "a"], "give --for 8h, --idle 2h or --off"),
        (
            &["apply", "-f", "/no/such/file"],
            "--file: reading /no/such/file",
        ),
        (
            &["diff", "-f", "/no/such/file"],
            "--file: reading /no/such/file",
        ),
        (&with("--volume=50MB"), "is not a size; write it like 50GB"),
        (&with("--allow-ip=192.0.2.1"), "--key-pair"),
        (
            &["emulator", "--fixtures=/no/such/file"],
            "is neither a readable file nor a built-in name",
        ),
    ];
    for (arguments, message) in cases {
        let output = emulator.command(arguments).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(emulator.operations(), [""; 0]);
}

/// Commands that help to fix a profile work without a valid one.
#[test]
fn commands_without_a_profile_ignore_an_invalid_one() {
    let home = Home::new("wrong-profile");
    let file = home.0.join("config.toml");
    std::fs::write(&file, "default = \"a\"\n[profiles.a]\nusername = \"u\"\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = modelarts(arguments);
        home.of(&mut command)
            .env("MODELARTS_CONFIG", &file)
            .output()
            .unwrap()
    };
    for arguments in [
        &["config", "path"][..],
        &["explain", "6309"],
        &["completion", "bash"],
        &["man"],
        &["auth", "logout"],
    ] {
        let output = run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
    let output = run(&["notebook", "list"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains("profile `a`: username and password must both be set"),
        "{error}"
    );
}

#[test]
fn a_wait_timeout_has_a_remedy() {
    let emulator = Emulator::with_manual_clock();
    let image = "--image=pytorch-nlp";
    let create = [
        "notebook",
        "create",
        "a",
        "--flavor=modelarts.vm.cpu.2u",
        image,
        "--for=8h",
    ];
    let wait = ["--wait", "--interval=10ms", "--timeout=300ms"];
    let output = emulator
        .command(&[&create[..], &wait].concat())
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(9), "{error}");
    assert!(
        error.ends_with("The operation continues. Wait again, or raise --timeout.\n"),
        "{error}"
    );
}
