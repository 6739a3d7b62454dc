//! Typical sessions as transcripts: the commands, their output, and their exit codes.

use std::fmt::Write as _;

use crate::support::{Emulator, Home, Scripted, modelarts, text, without_ports};

/// Replaces the times, which depend on the day, by letters of the same length, so that columns stay aligned.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        word.len() > 1
            && word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h', 'd'])
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || "dhms".contains(c))
    };
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        match is_time(bare) {
            // All of the same length, whatever the time is.
            true => {
                format!("T{}", &word[bare.len()..].replace(' ', ""))
                    + if word.ends_with(' ') { " " } else { "" }
            }
            false => word.to_owned(),
        }
    });
    let text: String = words.collect();
    let lines = text.lines().map(|line| {
        // The text after a time moves with its length.
        match line.contains(" T ") && !line.contains("--") {
            true => line.split_whitespace().collect::<Vec<_>>().join("  "),
            false => line.trim_end().to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Replaces the request id, which depends on the number of earlier requests.
fn without_ids(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match line.split_once(", request ") {
            Some((before, id)) => {
                let rest = id.trim_start_matches(|c: char| c.is_ascii_hexdigit());
                format!("{before}, request ID{rest}")
            }
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn transcript(emulator: &Emulator, home: &Home, lines: &[&[&str]]) -> String {
    let mut transcript = String::new();
    for arguments in lines {
        let output = home.of(&mut emulator.command(arguments)).output().unwrap();
        let _ = writeln!(transcript, "$ modelarts {}", arguments.join(" "));
        for stream in [&output.stdout, &output.stderr] {
            let printed = without_ids(&without_ports(&without_times(&text(stream))));
            if !printed.is_empty() {
                let _ = writeln!(transcript, "{printed}");
            }
        }
        if !output.status.success() {
            let _ = writeln!(transcript, "[exit {}]", output.status.code().unwrap());
        }
        transcript.push('\n');
    }
    transcript
}

pub(crate) const CREATE: [&str; 10] = [
    "notebook",
    "create",
    "train-bert",
    "--flavor=modelarts.vm.cpu.2u",
    "--image=c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11",
    "--volume=50GB",
    "--for=8h",
    "--wait",
    "--interval=0s",
    "--description=- a dash",
];

#[test]
fn a_day_with_notebooks() {
    let (emulator, home) = (Emulator::start(), Home::new("notebooks"));
    let second = CREATE.map(|argument| match argument {
        "train-bert" => "idle",
        "--for=8h" => "--off",
        other => other,
    });
    let transcript = transcript(
        &emulator,
        &home,
        &[
            &["notebook", "list"],
            &CREATE,
            &second,
            &["notebook", "list"],
            &[
                "notebook",
                "list",
                "--no-auto-stop",
                "--columns=name,status",
            ],
            &[
                "notebook",
                "list",
                "--sort=-name",
                "-o",
                "csv",
                "--columns=name,flavor",
            ],
            &["notebook", "list", "--limit=1", "-o", "jq=.[].name"],
            &["notebook", "list", "--older-than=8h"],
            &["notebook", "show", "train-bert", "-o", "jq=.token"],
            &["notebook", "show", "@last", "-o", "jq=.name"],
            &["notebook", "show", "nobody"],
            &["lease", "show", "train-bert"],
            &["lease", "set", "train-bert", "--for", "4h"],
            &["lease", "set", "train-bert"],
            &[
                "notebook",
                "update",
                "train-bert",
                "--description=-",
                "-o",
                "jq=.description",
            ],
            &["notebook", "update", "train-bert"],
            &["top"],
            &["notebook", "stop", "--all", "--dry-run"],
            &["notebook", "stop", "--all"],
            &[
                "notebook",
                "stop",
                "--all",
                "--yes",
                "--wait",
                "--interval=0s",
                "--concurrency=1",
            ],
            &["notebook", "stop", "--all", "--yes"],
            &["notebook", "stop"],
            &["notebook", "stop", "train-bert"],
            &[
                "notebook",
                "start",
                "idle",
                "--for=1h",
                "--wait",
                "--interval=0s",
                "-o",
                "name",
            ],
            &[
                "notebook",
                "wait",
                "idle",
                "--for",
                "running",
                "--interval=0s",
                "-o",
                "jq=.status",
            ],
            &[
                "notebook",
                "restart",
                "train-bert",
                "--interval=0s",
                "-o",
                "jq=.status",
            ],
            &["notebook", "delete", "-l", "name=*", "--dry-run"],
            &[
                "notebook",
                "delete",
                "-l",
                "name=t*",
                "--yes",
                "--wait",
                "--interval=0s",
            ],
            &["notebook", "delete", "idle"],
            &["notebook", "list", "-o", "jq=.[].name"],
        ],
    );
    insta::assert_snapshot!(transcript);
}

#[test]
fn a_day_with_the_rest() {
    let (emulator, home) = (Emulator::start(), Home::new("rest"));
    let transcript = transcript(
        &emulator,
        &home,
        &[
            &["flavor", "list", "--sort=vcpus"],
            &["flavor", "list", "--available", "--limit=1", "-o", "name"],
            &["image", "list", "--limit=2"],
            &["image", "groups", "--limit=2"],
            &CREATE,
            &["flavor", "switchable", "@last", "-o", "name", "--limit=1"],
            &[
                "storage",
                "mount",
                "train-bert",
                "obs://corpus/texts/",
                "/data/texts/",
                "--wait",
                "--interval=0s",
            ],
            &["storage", "list", "train-bert", "-o", "jq=.[].uri"],
            &[
                "instance",
                "create",
                "old",
                "--profile-id=Multi-Engine 1.0 (python3)-cpu",
                "--flavor=modelarts.vm.cpu.2u",
                "--path=/bucket/notebooks/",
                "--for=2h",
                "--wait",
                "--interval=0s",
            ],
            &["instance", "list", "--columns=name,status"],
            &["instance", "stop", "old", "--wait", "--interval=0s"],
            &[
                "instance",
                "start",
                "old",
                "--wait",
                "--interval=0s",
                "-o",
                "jq=.status",
            ],
            &[
                "instance",
                "update",
                "old",
                "--off",
                "-o",
                "jq=.spec.auto_stop.enable",
            ],
            &[
                "instance",
                "delete",
                "old",
                "--yes",
                "--wait",
                "--interval=0s",
            ],
            &["instance", "update", "old", "--idle=1h"],
            &["auth", "status", "-o", "jq=.project_id"],
            &["explain", "6309"],
            &["explain", "ModelArts.6399"],
            &["notebook", "list", "--columns=colour"],
            &["notebook", "list", "-o", "xml"],
        ],
    );
    insta::assert_snapshot!(transcript);
}

#[test]
fn an_ambiguous_name_lists_all_matches() {
    let (emulator, home) = (Emulator::start(), Home::new("names"));
    for _ in 0..2 {
        let created = home.of(&mut emulator.command(&CREATE)).output().unwrap();
        assert!(created.status.success(), "{}", text(&created.stderr));
    }
    let refused = emulator
        .command(&["notebook", "show", "train-bert"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let error = text(&refused.stderr);
    assert!(
        error.contains("2 notebooks are named `train-bert`: "),
        "{error}"
    );
    assert_eq!(error.matches("(RUNNING)").count(), 2, "{error}");
}

#[test]
fn an_id_is_resolved_without_a_request() {
    let emulator = Emulator::start();
    let id = "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e12";
    let output = emulator
        .command(&["notebook", "show", id, "-v"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let error = text(&output.stderr);
    assert_eq!(error.matches("showNotebook attempt").count(), 1, "{error}");
    assert!(!error.contains("listNotebooks"), "{error}");
}

#[test]
fn control_characters_of_names_are_escaped() {
    let hostile = r#"{"data": [{"id": "1", "name": "a\u001b[2J\u202eb", "status": "RUNNING\u0007"}], "total": 1}"#;
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{hostile}",
        hostile.len()
    );
    let server = Scripted::responding(response.leak());
    for format in ["table", "json", "yaml", "csv", "name", "jq=.[].name"] {
        let output = server
            .command(&["notebook", "list", "-o", format])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{format}: {}",
            text(&output.stderr)
        );
        let printed = text(&output.stdout);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!printed.contains(acts), "{format}: {printed:?}");
    }
}

#[test]
fn a_wait_reports_the_last_state() {
    let starting = r#"{"id": "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e12", "status": "STARTING"}"#;
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{starting}",
        starting.len()
    );
    let server = Scripted::responding(response.leak());
    let wait = [
        "notebook",
        "wait",
        "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e12",
        "--for=running",
    ];
    let timed_out = server
        .command(&wait)
        .args(["--interval=0s", "--timeout=1s"])
        .output()
        .unwrap();
    let error = text(&timed_out.stderr);
    assert_eq!(timed_out.status.code(), Some(9), "{error}");
    assert!(error.contains("STARTING"), "{error}");
    let failed = r#"{"id": "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e12", "status": "START_FAILED"}"#;
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{failed}",
        failed.len()
    );
    let server = Scripted::responding(response.leak());
    let stopped = server
        .command(&wait)
        .args(["--interval=0s"])
        .output()
        .unwrap();
    assert_eq!(stopped.status.code(), Some(10), "{}", text(&stopped.stderr));
}

#[test]
fn a_profile_is_used_and_shown() {
    let home = Home::new("profiles");
    let file = home.0.join("config.toml");
    std::fs::write(
        &file,
        "default = \"work\"\n[profiles.work]\nregion = \"eu-de\"\nproject = \"eu-de_nlp\"\ntoken = \"hush\"\noutput = \"yaml\"\n\
         [profiles.test]\nendpoint = \"http://127.0.0.1:1\"\nproject_id = \"p\"\ntoken = \"hush\"\nretries = 0\n",
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let mut command = modelarts(arguments);
        let output = home
            .of(&mut command)
            .env("MODELARTS_CONFIG", &file)
            .output()
            .unwrap();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (_, shown, warning) = run(&["config", "show", "-o", "json", "--region", "eu-nl"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        shown["region"],
        serde_json::json!({"value": "eu-nl", "from": "--region"})
    );
    assert_eq!(
        shown["project"],
        serde_json::json!({"value": "eu-de_nlp", "from": "profile"})
    );
    assert_eq!(shown["credentials"]["value"], "(hidden)");
    #[cfg(unix)]
    assert!(warning.contains("chmod 600"), "{warning}");
    // The request goes to the endpoint of the profile.
    assert_eq!(run(&["notebook", "list", "--profile", "test"]).0, Some(6));
    let (code, _, error) = run(&["notebook", "list", "--profile", "tset"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("did you mean `test`?"), "{error}");
}
