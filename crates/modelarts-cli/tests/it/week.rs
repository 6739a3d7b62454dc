//! A week's work with notebooks in a shell script that needs no other program.

use std::process::{Command, Stdio};

use crate::support::{Emulator, Home, modelarts, text};

/// Each line checks what a script relies on: the exit code, and that standard output contains nothing but data.
const SCRIPT: &str = r#"
set -eu
fail() { echo "$1" >&2; exit 99; }

# Lists are complete whatever the page size; names work in place of ids.
for n in 1 2 3 4 5; do
    modelarts notebook create "test-$n" --flavor modelarts.vm.cpu.2u --image pytorch-nlp --off 2>/dev/null >/dev/null
done
modelarts notebook create train --flavor modelarts.vm.cpu.2u --image pytorch-nlp --volume 50GB --for 8h --wait --interval 0s -o name >id 2>notes
grep -q 'notebook train: RUNNING' notes || fail "the wait is silent"
[ "$(modelarts notebook list -o name | wc -l)" = 6 ] || fail "not all are listed"
[ "$(modelarts api listNotebooks --limit 2 --paginate -o 'jq=.data | length')" = 6 ] || fail "not all pages"
[ "$(modelarts notebook show train -o 'jq=.id')" = "$(cat id)" ] || fail "a name is not the id"
[ "$(modelarts notebook show @last -o 'jq=.name')" = train ] || fail "@last is another one"

# What is running, and when it stops.
modelarts notebook list >table
head -1 table | grep -q 'NAME *STATUS *FLAVOR *AGE *UP *STOPS IN *ID' || fail "the table has other columns"
grep -q 'train *RUNNING.* 7h59m ' table || grep -q 'train *RUNNING.* 8h ' table || fail "the time left is missing"
[ "$(modelarts notebook list --no-auto-stop -o name | wc -l)" = 5 ] || fail "not all without an automatic stop"
modelarts lease set train --for 4h -o 'jq=.enable' >/dev/null
stops_at=$(modelarts notebook list --columns stops_at --name train -o csv | tail -1)
case $stops_at in 20??-??-??T??:??:??Z) ;; *) fail "csv has no time of day: $stops_at" ;; esac

# Errors.
if modelarts notebook show nobody 2>error; then fail "nobody exists"; else [ $? = 3 ] || fail "not 3"; fi
[ "$(grep -c '^error: ' error)" = 1 ] || fail "not one line"
if modelarts notebook wait train --for stopped --timeout 1s --interval 0s 2>error; then fail "it has stopped"; else [ $? = 9 ] || fail "not 9"; fi
if modelarts api updateNotebook --id "$(cat id)" --body '{"nmae": "x"}' 2>error; then fail "sent"; else [ $? = 2 ] || fail "not 2"; fi
grep -q 'did you mean `name`' error || fail "no nearest name"
modelarts notebook list --debug 2>debug >/dev/null
grep -q '^> GET http' debug && grep -q '^< HTTP 200' debug || fail "no exchange"

# A body template, and any path.
modelarts api createNotebook --skeleton | grep -q '"image_id"' || fail "no skeleton"
[ "$(modelarts api GET '/v1/{project_id}/notebooks' --query limit=1 -o 'jq=.total')" = 6 ] || fail "no raw request"

# Profiles.
cat >config.toml <<END
default = "here"
[profiles.here]
output = "json"
END
chmod 600 config.toml
MODELARTS_CONFIG=$PWD/config.toml modelarts notebook list | head -c 1 | grep -q '\[' || fail "the profile is not used"

# Bulk actions: confirmed first.
if modelarts notebook stop --selector 'name=test-*' 2>error </dev/null; then fail "no confirmation was required"; else [ $? = 2 ] || fail "not 2"; fi
grep -q 'confirm with --yes' error || fail "--yes is not suggested"
[ "$(modelarts notebook stop -l 'name=test-*' --dry-run 2>/dev/null | wc -l)" = 5 ] || fail "a dry run shows what would be stopped"
modelarts notebook stop -l 'name=test-*' --yes --wait --interval 0s >stopped 2>notes
[ "$(wc -l <stopped)" = 5 ] && grep -q 'stopped: 5 notebooks' notes || fail "not all have stopped"
modelarts notebook delete -l 'name=test-*' --yes --wait --interval 0s >/dev/null 2>&1
[ "$(modelarts notebook list -o 'jq=.[].name')" = train ] || fail "not all are gone"

# Notebooks described by a file.
cat >notebooks.yaml <<END
name: train
auto_stop: 4h
tags: {team: nlp}
END
modelarts apply -f notebooks.yaml --yes >/dev/null 2>&1
modelarts diff -f notebooks.yaml --exit-code 2>/dev/null || fail "the second run changes something"
[ "$(modelarts notebook list -l tags.team=nlp -o 'jq=.[].name')" = train ] || fail "no tag"
modelarts completion bash | bash -n || fail "the completion is no bash"
echo done
"#;

#[cfg(unix)]
#[test]
fn a_week_is_a_script() {
    let (emulator, home) = (Emulator::start(), Home::new("week"));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_modelarts"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("sh");
    for (name, value) in emulator.command(&[]).get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let shell = shell.args(["-c", SCRIPT]).env("PATH", path);
    let output = home
        .of(shell.current_dir(&home.0).stdin(Stdio::null()))
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(
        (text(&output.stdout).as_str(), error.as_str()),
        ("done\n", "")
    );
}

/// If no automatic stop is requested, the command reports the default of the service.
#[test]
fn a_creation_without_an_automatic_stop_reports_the_default() {
    let (emulator, home) = (Emulator::start(), Home::new("notice"));
    let run = |arguments: &[&str]| {
        let output = home.of(&mut emulator.command(arguments)).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let notebook = [
        "notebook",
        "create",
        "a",
        "--flavor=modelarts.vm.cpu.2u",
        "--image=pytorch-nlp",
    ];
    let note = run(&notebook);
    assert!(
        note.starts_with(
            "stops automatically after 1h (the service default); use --for, --idle or --off to change this\n"
        ),
        "{note}"
    );
    let note = run(&[&notebook[..], &["--for=8h"]].concat());
    assert!(
        note.starts_with("to wait until it is running: modelarts notebook wait "),
        "{note}"
    );
    let instance = [
        "instance",
        "create",
        "old",
        "--profile-id=Multi-Engine 1.0 (python3)-cpu",
        "--flavor=modelarts.vm.cpu.2u",
        "--path=/bucket/notebooks/",
    ];
    let note = run(&instance);
    assert!(
        note.starts_with("never stops automatically (the service default), and costs accrue"),
        "{note}"
    );
    assert_eq!(run(&[&instance[..], &["--for=2h"]].concat()), "");
}

#[test]
fn a_terminal_without_unicode_gets_plain_characters() {
    for variable in ["LC_ALL", "LANG"] {
        let mut command = modelarts(&["demo", "--speed", "0"]);
        let output = command
            .env_remove("LC_ALL")
            .env(variable, "C")
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        assert!(output.status.success() && shown.is_ascii(), "{shown}");
        assert!(shown.contains("... 110 s and 11 polls later"), "{shown}");
    }
}
