//! Completion scripts and man pages.

use std::process::Command;

use crate::nouns::CREATE;
use crate::support::{Emulator, Home, modelarts, text};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[test]
fn every_shell_has_a_dynamic_and_a_static_script() {
    for shell in SHELLS {
        let script = modelarts(&["completion", shell]).output().unwrap();
        assert!(
            text(&script.stdout).contains("MODELARTS_COMPLETE"),
            "{shell}"
        );
        let script = modelarts(&["completion", shell, "--static"])
            .output()
            .unwrap();
        assert!(text(&script.stdout).contains("save-image"), "{shell}");
    }
}

/// Returns the completions of bash at the end of a line, with the script of `modelarts completion`.
fn completed(emulator: &Emulator, home: &Home, line: &str) -> Vec<String> {
    let script = modelarts(&["completion", "bash"]).output().unwrap();
    let file = home.0.join("completion.bash");
    let words: Vec<_> = line.split(' ').collect();
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    // Calls the function that the script registers, as bash does.
    let program = format!(
        "{}\nfunction=$(complete -p modelarts | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         COMP_WORDS=({})\nCOMP_CWORD={}\nCOMP_TYPE=9\n\
         $function modelarts '{}' '' 2>&1\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        text(&script.stdout),
        quoted.join(" "),
        words.len() - 1,
        words.last().unwrap(),
    );
    std::fs::write(&file, program).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_modelarts"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    // With the environment of the emulator.
    let mut bash = Command::new("bash");
    let command = emulator.command(&[]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let output = home.of(bash.arg(&file).env("PATH", path)).output().unwrap();
    let error = text(&output.stderr);
    assert!(!error.contains("error"), "{error}");
    text(&output.stdout)
        .lines()
        .map(|word| word.trim().to_owned())
        .collect()
}

#[test]
fn bash_completes_commands_flags_and_names() {
    let (emulator, home) = (Emulator::start(), Home::new("bash"));
    for name in ["train-bert", "train-gpt", "other"] {
        let create = CREATE.map(|argument| match argument {
            "train-bert" => name,
            other => other,
        });
        let created = emulator.command(&create).output().unwrap();
        assert!(created.status.success(), "{}", text(&created.stderr));
    }
    let completed = |line: &str| completed(&emulator, &home, line);
    assert_eq!(completed("modelarts notebook st"), ["start", "stop"]);
    assert_eq!(
        completed("modelarts notebook stop --older"),
        ["--older-than"]
    );
    let mut names = completed("modelarts notebook stop train-");
    names.sort();
    assert_eq!(names, ["train-bert", "train-gpt"]);
    // After a flag with a value.
    assert_eq!(completed("modelarts --timeout 5s lease set oth"), ["other"]);
    assert_eq!(completed("modelarts image show pytorch-n"), ["pytorch-nlp"]);
    let flavors = completed("modelarts notebook create x --flavor modelarts.vm.gpu");
    assert!(
        flavors.contains(&"modelarts.vm.gpu.v100".to_owned()),
        "{flavors:?}"
    );
    // An error produces no candidates.
    assert_eq!(
        completed("modelarts --endpoint http://127.0.0.1:1 notebook stop tr"),
        [""]
    );
    assert_eq!(
        completed("modelarts api listNotebookT"),
        ["listNotebookTags"]
    );
}

#[test]
fn bash_completes_with_the_static_script() {
    let script = modelarts(&["completion", "bash", "--static"])
        .output()
        .unwrap();
    let home = Home::new("shells");
    let file = home.0.join("program.bash");
    let program = format!(
        "{}\nCOMP_WORDS=(modelarts notebook st); COMP_CWORD=2; _modelarts modelarts st notebook; echo \"${{COMPREPLY[*]}}\"",
        text(&script.stdout)
    );
    std::fs::write(&file, program).unwrap();
    let completed = Command::new("bash").arg(&file).output().unwrap();
    let error = text(&completed.stderr);
    assert_eq!(text(&completed.stdout), "start stop\n", "{error}");
}

#[test]
fn man_pages_are_generated() {
    let home = Home::new("man");
    let made = modelarts(&["man", home.0.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    for page in [
        "modelarts-notebook-create.1",
        "modelarts-apply.1",
        "modelarts-notebook-tag-add.1",
    ] {
        assert!(home.0.join(page).exists(), "{page}");
    }
    let page = modelarts(&["man"]).output().unwrap();
    assert!(text(&page.stdout).contains(".TH modelarts 1"));
}
