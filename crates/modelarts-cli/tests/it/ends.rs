//! The exit codes of commands that fail.

use std::process::Output;

use crate::nouns::CREATE;
use crate::support::{Emulator, Home, text};

fn created(emulator: &Emulator, home: &Home, more: &[&str]) -> Output {
    let mut command = emulator.command(&CREATE);
    home.of(command.args(more)).output().unwrap()
}

fn ends(output: &Output, code: i32, words: &[&str]) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(text(&output.stdout), "");
    for word in words {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn refused_credentials_are_5() {
    let emulator = Emulator::start();
    let mut command = emulator.command(&["notebook", "list"]);
    for name in [
        "HUAWEICLOUD_SDK_AK",
        "HUAWEICLOUD_SDK_SK",
        "HUAWEICLOUD_SDK_PROJECT_ID",
    ] {
        command.env_remove(name);
    }
    let output = command
        .env("OS_PASSWORD", "not-the-password")
        .output()
        .unwrap();
    ends(&output, 5, &["createToken"]);
    assert!(!text(&output.stderr).contains("not-the-password"));
    let token = emulator
        .command(&["notebook", "list", "--token=hush"])
        .output()
        .unwrap();
    ends(&token, 5, &["HTTP 401"]);
}

#[test]
fn an_exhausted_quota_is_8() {
    let (emulator, home) = (Emulator::start(), Home::new("quota"));
    emulator.control("PUT", "capacity", r#"{"instances": 0}"#);
    ends(&created(&emulator, &home, &[]), 8, &["createNotebook"]);
}

#[test]
fn a_wait_timeout_is_9() {
    let (emulator, home) = (Emulator::with_manual_clock(), Home::new("late"));
    let output = created(&emulator, &home, &["--timeout=1s"]);
    ends(&output, 9, &["CREATING"]);
}

#[test]
fn a_notebook_that_fails_is_10() {
    let (emulator, home) = (Emulator::start(), Home::new("failed"));
    emulator.control(
        "POST",
        "faults/transitions",
        r#"{"step": "create", "reason": "the disk did not come"}"#,
    );
    let output = created(&emulator, &home, &[]);
    ends(&output, 10, &["CREATE_FAILED", "the disk did not come"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_130_and_reports_the_state() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    let (emulator, home) = (Emulator::with_manual_clock(), Home::new("interrupted"));
    let mut command = emulator.command(&CREATE);
    let mut child = home
        .of(&mut command)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("notebook train-bert: CREATING"), "{line}");
    let pid = child.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(interrupted.success());
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(
        rest.contains("error: interrupted; notebook train-bert is CREATING"),
        "{rest}"
    );
    assert!(
        rest.trim_end().ends_with("and the operation continues"),
        "{rest}"
    );
    assert_eq!(
        rest.lines()
            .filter(|line| line.starts_with("error"))
            .count(),
        1
    );
}
