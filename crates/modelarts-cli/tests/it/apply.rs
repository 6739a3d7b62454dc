//! `apply` and `diff`.

use std::fs;
use std::process::Output;

use crate::nouns::{CREATE, transcript};
use crate::support::{Emulator, Home, text};

const TWO: &str = "\
name: train-bert
flavor: modelarts.vm.cpu.2u
image: pytorch-nlp
volume: 50GB
auto_stop: 8h
description: Fine-tuning
tags: {team: nlp, managed-by: ci}
---
name: idle
flavor: modelarts.vm.cpu.2u
image: pytorch-nlp
auto_stop: {idle: 2h}
tags: {managed-by: ci}
state: stopped
";

/// The first notebook changes its flavor, which requires a stop; the second is no longer in the file.
const ONE: &str = "\
name: train-bert
flavor: modelarts.vm.gpu.v100
volume: 60GB
auto_stop: {idle: 2h}
description: ''
tags: {managed-by: ci}
state: running
";

struct Files<'a> {
    emulator: &'a Emulator,
    home: Home,
}

impl Files<'_> {
    fn run(&self, yaml: &str, arguments: &[&str]) -> Output {
        let file = self.home.0.join("notebooks.yaml");
        fs::write(&file, yaml).unwrap();
        let mut command = self.emulator.command(arguments);
        command
            .args(["-f", "notebooks.yaml"])
            .current_dir(&self.home.0);
        self.home.of(&mut command).output().unwrap()
    }

    /// Runs a command; returns the exit code, standard output and standard error.
    fn ends(&self, yaml: &str, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(yaml, arguments);
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn apply(&self, yaml: &str, more: &[&str]) -> (i32, String, String) {
        let apply = [
            "apply",
            "--yes",
            "--wait",
            "--interval=0s",
            "--concurrency=1",
        ];
        self.ends(yaml, &[&apply[..], more].concat())
    }
}

#[test]
fn applying_a_file_twice_changes_nothing() {
    let emulator = Emulator::start();
    let files = Files {
        emulator: &emulator,
        home: Home::new("apply"),
    };
    let (code, plan, summary) = files.ends(TWO, &["diff", "--exit-code"]);
    assert_eq!((code, summary.as_str()), (11, "2 to create\n"));
    assert!(
        plan.contains("+ create train-bert") && plan.contains("auto_stop    8h"),
        "{plan}"
    );
    // A script cannot be asked for confirmation; a dry run needs none.
    assert_eq!(files.ends(TWO, &["apply"]).0, 2);
    assert_eq!(files.ends(TWO, &["apply", "--dry-run"]).0, 0);
    assert!(!emulator.operations().contains(&"createNotebook".to_owned()));

    let (code, done, error) = files.apply(TWO, &[]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(done, "train-bert  created\nidle  created\n");
    let columns = "--columns=name,status,flavor,volume,tags";
    let sort = "--sort=name";
    let shown = transcript(
        &emulator,
        &files.home,
        &[&["notebook", "list", columns, sort]],
    );
    insta::assert_snapshot!("applied", shown);

    emulator.control("DELETE", "requests", "null");
    let (code, done, summary) = files.apply(TWO, &[]);
    assert_eq!((code, done.as_str()), (0, ""), "{summary}");
    assert_eq!(summary, "nothing to do: 2 unchanged\n");
    assert_eq!(files.ends(TWO, &["diff", "--exit-code"]).0, 0);
    let mut operations = emulator.operations();
    operations.retain(|operation| operation != "createToken");
    operations.sort();
    operations.dedup();
    assert_eq!(operations, ["listImages", "listNotebooks"]);

    let (_, plan, _) = files.ends(ONE, &["diff"]);
    insta::assert_snapshot!("differences", without_id(&plan));
    let (code, done, error) = files.apply(ONE, &[]);
    assert_eq!(
        (code, done.as_str()),
        (0, "train-bert  updated\n"),
        "{error}"
    );
    let (code, _, summary) = files.apply(ONE, &[]);
    assert_eq!(
        (code, summary.as_str()),
        (0, "nothing to do: 1 unchanged\n")
    );
    let lease = emulator.command(&["lease", "show", "train-bert", "-o", "jq=.type"]);
    assert_eq!(text(&{ lease }.output().unwrap().stdout), "IDLE\n");
}

/// Returns the id of a notebook, which is in parentheses.
fn without_id(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" (") {
        Some((before, _)) if !line.starts_with(' ') => format!("{before} (ID)"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn only_selected_notebooks_are_pruned() {
    let emulator = Emulator::start();
    let files = Files {
        emulator: &emulator,
        home: Home::new("prune"),
    };
    assert_eq!(files.apply(TWO, &[]).0, 0);
    // Notebooks of other users.
    let foreign = CREATE.map(|argument| match argument {
        "train-bert" => "foreign",
        other => other,
    });
    assert!(
        emulator
            .command(&foreign)
            .output()
            .unwrap()
            .status
            .success()
    );
    let names = || {
        let list = ["notebook", "list", "--sort=name", "-o", "jq=.[].name"];
        text(&emulator.command(&list).output().unwrap().stdout)
    };
    let one = TWO.split_once("---").unwrap().0;
    assert_eq!(files.apply(one, &[]).0, 0);
    assert_eq!(names(), "foreign\nidle\ntrain-bert\n");
    for wrong in [
        &["--prune"][..],
        &["--prune", "-l", "name=*"],
        &["-l", "name=i*"],
    ] {
        let (code, _, error) = files.apply(one, wrong);
        assert_eq!(code, 2, "{wrong:?}: {error}");
    }
    assert_eq!(names(), "foreign\nidle\ntrain-bert\n");
    let prune = ["--prune", "-l", "tags.managed-by=ci"];
    let (code, done, error) = files.apply(one, &prune);
    assert_eq!(
        (code, done.as_str()),
        (0, "train-bert  unchanged\nidle  deleted\n"),
        "{error}"
    );
    assert_eq!(names(), "foreign\ntrain-bert\n");
    // Nothing is deleted if another change has failed.
    emulator.control("PUT", "capacity", r#"{"instances": 0}"#);
    let failing = "name: new\nflavor: modelarts.vm.cpu.2u\nimage: pytorch-nlp\n";
    let (code, _, error) = files.apply(failing, &prune);
    assert_eq!(code, 8, "{error}");
    assert!(error.contains("nothing was deleted"), "{error}");
    assert_eq!(names(), "foreign\ntrain-bert\n");
}

#[test]
fn problems_are_reported_before_any_change() {
    let emulator = Emulator::start();
    let files = Files {
        emulator: &emulator,
        home: Home::new("apply-wrong"),
    };
    for (yaml, words) in [
        (
            "name: a\nflavour: f\n",
            &["notebooks.yaml:2: `flavour` is not a known field; did you mean `flavor`?"][..],
        ),
        (
            "name: a\nstate: on\nvolume: x\n",
            &[
                "2 problems",
                "notebooks.yaml:2: `state`",
                "notebooks.yaml:3: `volume`",
            ],
        ),
        (
            "name: a\n",
            &[
                "notebooks.yaml:1: `a` does not exist, and creating it requires `flavor` and `image`",
            ],
        ),
        (
            "name: a\nflavor: f\nimage: no-such\n",
            &["notebooks.yaml:1: `image`: there is no image named `no-such`"],
        ),
        ("name: [\n", &["notebooks.yaml:"]),
        ("", &["describe no notebook"]),
    ] {
        let (code, done, error) = files.apply(yaml, &[]);
        assert!(matches!(code, 2 | 3), "{yaml}: {code} {error}");
        assert_eq!(done, "", "{yaml}");
        for word in words {
            assert!(error.contains(word), "{yaml}: {error}");
        }
    }
    assert!(!emulator.operations().contains(&"createNotebook".to_owned()));
    for _ in 0..2 {
        assert!(emulator.command(&CREATE).output().unwrap().status.success());
    }
    let (code, _, error) = files.apply("name: train-bert\n", &[]);
    assert_eq!(code, 2);
    assert!(
        error.contains("2 notebooks are named `train-bert`"),
        "{error}"
    );
    let shrinking = "name: solo\nflavor: modelarts.vm.cpu.2u\nimage: pytorch-nlp\nvolume: 50GB\n";
    assert_eq!(files.apply(shrinking, &[]).0, 0);
    let (code, _, error) = files.apply("name: solo\nvolume: 5GB\n", &[]);
    assert_eq!(code, 2);
    assert!(
        error.contains("`volume` is 50 GB and can only grow"),
        "{error}"
    );
}

#[test]
fn a_plan_can_be_printed_for_programs() {
    let emulator = Emulator::start();
    let files = Files {
        emulator: &emulator,
        home: Home::new("apply-json"),
    };
    let (_, plan, _) = files.ends(TWO, &["diff", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan[0]["action"], "create");
    assert_eq!(plan[1]["changes"][0]["field"], "flavor");
    let (_, done, _) = files.apply(TWO, &["-o", "json"]);
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    assert!(
        done[0]["id"].is_string() && done[0]["error"].is_null(),
        "{done}"
    );
    assert_eq!(files.ends(ONE, &["diff", "-o", "name"]).1, "train-bert\n");
}
