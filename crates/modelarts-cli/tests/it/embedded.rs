//! `--emulator` in consecutive and in concurrent commands.

use std::process::{Command, Stdio};

use modelarts_test_support::process::EmulatorProcess;

use crate::nouns::CREATE;
use crate::support::{Home, modelarts, text};

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = modelarts(&["--emulator"]);
    home.of(command.args(arguments));
    command
}

fn run(home: &Home, arguments: &[&str]) -> String {
    let output = command(home, arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn create(name: &str) -> Vec<&str> {
    let arguments = CREATE.iter().filter(|argument| **argument != "--wait");
    let named = arguments.map(|argument| match *argument {
        "train-bert" => name,
        other => other,
    });
    named.chain(["-o", "name"]).collect()
}

/// An emulator as a person starts it; it is stopped when the test ends.
fn serve(home: &Home) -> EmulatorProcess {
    let mut command = modelarts(&["emulator", "--port=0", "--instant", "--log=off"]);
    home.of(&mut command);
    EmulatorProcess::start(command).unwrap()
}

#[test]
fn the_state_is_kept_for_the_next_command() {
    let home = Home::new("embedded");
    let created = run(&home, &create("train-bert"));
    assert_eq!(run(&home, &["notebook", "list", "-o", "name"]), created);
    assert_eq!(
        run(&home, &["notebook", "show", "@last", "-o", "jq=.status"]),
        "CREATING\n"
    );
}

#[test]
fn concurrent_commands_lose_nothing() {
    let home = Home::new("embedded-two");
    let names = ["one", "two", "three"];
    let running: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = command(&home, &create(name));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let listed = run(
        &home,
        &["notebook", "list", "--sort=name", "-o", "jq=.[].name"],
    );
    assert_eq!(listed, "one\nthree\ntwo\n");
}

#[test]
fn a_running_emulator_is_used() {
    let home = Home::new("served");
    let kept = run(&home, &create("kept"));
    let served = serve(&home);
    assert_eq!(run(&home, &["notebook", "list", "-o", "name"]), "");
    let created = run(&home, &create("served"));
    let status = run(&home, &["notebook", "show", "@last", "-o", "jq=.status"]);
    assert_eq!(status, "RUNNING\n");
    assert_eq!(run(&home, &["notebook", "list", "-o", "name"]), created);
    // It is killed, so that its registration is not removed.
    drop(served);
    assert!(home.0.join("data/modelarts/emulator/server.json").exists());
    assert_eq!(run(&home, &["notebook", "list", "-o", "name"]), kept);
}

#[cfg(unix)]
#[test]
fn an_emulator_that_is_stopped_removes_its_registration() {
    let home = Home::new("ended");
    let mut served = serve(&home);
    let pid = served.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(served.child().wait().unwrap().success());
    assert!(!home.0.join("data/modelarts/emulator/server.json").exists());
}
