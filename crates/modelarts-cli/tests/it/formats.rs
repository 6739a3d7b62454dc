//! Each noun in each format, and the commands that no day needs.

use crate::nouns::{CREATE, transcript};
use crate::support::{Emulator, Home, modelarts, text};

const FORMATS: [&str; 5] = ["json", "yaml", "csv", "name", "jq=keys"];

/// A notebook, a mount, an image and an instance, always the same ones.
fn inhabited(name: &str) -> (Emulator, Home) {
    let (emulator, home) = (Emulator::start(), Home::new(name));
    let mount = [
        "storage",
        "mount",
        "train-bert",
        "obs://corpus/texts/",
        "/data/texts/",
        "--wait",
        "--interval=0s",
    ];
    let instance = [
        "instance",
        "create",
        "old",
        "--profile-id=Multi-Engine 1.0 (python3)-cpu",
        "--flavor=modelarts.vm.cpu.2u",
        "--path=/bucket/notebooks/",
        "--off",
        "--wait",
        "--interval=0s",
    ];
    for arguments in [&CREATE[..], &mount, &instance] {
        let output = home.of(&mut emulator.command(arguments)).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    (emulator, home)
}

/// Numbers that the clock makes.
fn without_clock(text: &str) -> String {
    let is_time = |digits: &str| digits.len() >= 13 && digits.starts_with('1');
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, numbers) = rest.split_at(start);
        let end = numbers
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(numbers.len());
        let (digits, after) = numbers.split_at(end);
        masked += before;
        masked += if is_time(digits) { "MILLIS" } else { digits };
        rest = after;
    }
    masked += rest;
    // As a cell of CSV, where nothing is aligned.
    let is_brief = |cell: &str| {
        cell.starts_with(|c: char| c.is_ascii_digit())
            && cell.ends_with(['s', 'm', 'h'])
            && cell
                .chars()
                .all(|c| c.is_ascii_digit() || "hms".contains(c))
    };
    let lines = masked.lines().map(|line| {
        let cells = line
            .split(',')
            .map(|cell| if is_brief(cell) { "T" } else { cell });
        cells.collect::<Vec<_>>().join(",")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn snapshot(name: &str, noun: &[&str]) {
    let (emulator, home) = inhabited(&format!("format-{name}"));
    let mut printed = String::new();
    for format in FORMATS {
        let arguments = [noun, &["-o", format]].concat();
        printed += &transcript(&emulator, &home, &[&arguments]);
    }
    insta::assert_snapshot!(format!("format-{name}"), without_clock(&printed));
}

#[test]
fn a_notebook_in_each_format() {
    snapshot("notebook", &["notebook", "show", "train-bert"]);
}

#[test]
fn an_instance_in_each_format() {
    snapshot("instance", &["instance", "show", "old"]);
}

#[test]
fn a_lease_in_each_format() {
    snapshot("lease", &["lease", "show", "train-bert"]);
}

#[test]
fn images_in_each_format() {
    snapshot("image", &["image", "list", "--limit=1"]);
}

#[test]
fn flavors_in_each_format() {
    snapshot("flavor", &["flavor", "list", "--limit=1"]);
}

#[test]
fn mounts_in_each_format() {
    snapshot("storage", &["storage", "list", "train-bert"]);
}

#[test]
fn what_no_day_needs() {
    let (emulator, home) = (Emulator::start(), Home::new("rare"));
    let with_key = [&CREATE[..], &["--key-pair=bert", "-o", "name"]].concat();
    let address = "swr.eu-de.otc.t-systems.com/nlp-team/bert:1.0.0";
    let transcript = transcript(
        &emulator,
        &home,
        &[
            &with_key,
            &["notebook", "open", "train-bert", "--print", "-o", "name"],
            &[
                "notebook",
                "ssh-config",
                "train-bert",
                "--identity=~/.ssh/bert.pem",
            ],
            &[
                "notebook",
                "save-image",
                "train-bert",
                "--name=saved",
                "--namespace=nlp-team",
                "--tag=1.0.0",
                "--wait",
                "--interval=0s",
                "-o",
                "jsonpath=$.name",
            ],
            &[
                "image",
                "register",
                address,
                "--description=ours",
                "-o",
                "jsonpath=$.status",
            ],
            &[
                "image",
                "wait",
                "@last",
                "--interval=0s",
                "-o",
                "jq=.status",
            ],
            &["image", "show", "bert", "-o", "jq=.swr_path"],
            &["image", "delete", "bert"],
            &["image", "show", "bert"],
            &[
                "storage",
                "mount",
                "train-bert",
                "obs://corpus/texts/",
                "/data/texts/",
                "--wait",
                "--interval=0s",
                "-o",
                "name",
            ],
            &["storage", "unmount", "train-bert", "no-such-mount"],
            &["instance", "restart", "nobody"],
            &["notebook", "list", "-o", "jsonpath=.name"],
        ],
    );
    insta::assert_snapshot!("rare", without_token(&without_clock(&transcript)));
    let id = emulator.command(&["storage", "list", "train-bert", "-o", "name"]);
    let id = text(&{ id }.output().unwrap().stdout);
    let shown = emulator
        .command(&[
            "storage",
            "show",
            "train-bert",
            id.trim(),
            "-o",
            "jq=.mount_path",
        ])
        .output()
        .unwrap();
    assert_eq!(text(&shown.stdout), "/data/texts/\n");
    let unmounted = emulator
        .command(&[
            "storage",
            "unmount",
            "train-bert",
            id.trim(),
            "--wait",
            "--interval=0s",
        ])
        .output()
        .unwrap();
    assert!(unmounted.status.success(), "{}", text(&unmounted.stderr));
    let left = emulator.command(&["storage", "list", "train-bert", "-o", "json"]);
    assert_eq!(text(&{ left }.output().unwrap().stdout), "[]\n");
}

fn without_token(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("?token=") {
        Some((address, _)) => format!("{address}?token=TOKEN"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(unix)]
#[test]
fn other_programs_are_called_with_what_they_need() {
    use std::os::unix::fs::PermissionsExt as _;

    let (emulator, home) = (Emulator::start(), Home::new("programs"));
    let with_key = [&CREATE[..], &["--key-pair=bert"]].concat();
    let output = emulator.command(&with_key).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // In place of the real ones they write their arguments.
    let opener = match std::env::consts::OS {
        "macos" => "open",
        _ => "xdg-open",
    };
    for program in ["ssh", opener] {
        let file = home.0.join(program);
        std::fs::write(&file, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = emulator.command(arguments);
        let output = command
            .env("PATH", format!("{}:{path}", home.0.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let ssh = run(&["notebook", "ssh", "train-bert", "--identity=key.pem"]);
    let arguments: Vec<_> = ssh.lines().collect();
    assert_eq!(&arguments[..3], ["-i", "key.pem", "-p"], "{ssh}");
    assert_eq!(&arguments[4..7], ["-l", "ma-user", "--"], "{ssh}");
    let opened = run(&["notebook", "open", "train-bert"]);
    assert!(
        opened.starts_with("https://") && opened.contains("?token="),
        "{opened}"
    );
}

#[test]
fn help_fits_a_terminal() {
    let emulator_and_api = ["emulator", "api"];
    let tree = [
        "notebook", "instance", "lease", "image", "flavor", "storage", "auth", "config",
    ];
    let mut pages = vec![vec![]];
    pages.extend(["top", "explain", "demo", "completion", "man"].map(|one| vec![one.to_owned()]));
    pages.extend(emulator_and_api.map(|one| vec![one.to_owned()]));
    for noun in tree {
        let output = modelarts(&[noun, "--help"]).output().unwrap();
        let help = text(&output.stdout);
        let commands = help.split_once("Commands:\n").unwrap().1;
        let verbs = commands.lines().take_while(|line| !line.is_empty());
        for verb in verbs.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()) {
            if !verb.is_empty() && verb != "help" {
                pages.push(vec![noun.to_owned(), verb.to_owned()]);
            }
        }
        pages.push(vec![noun.to_owned()]);
    }
    assert!(pages.len() > 50, "{}", pages.len());
    let mut wide = Vec::new();
    for page in pages {
        for flag in ["-h", "--help"] {
            let output = modelarts(&[])
                .args(&page)
                .arg(flag)
                .env("COLUMNS", "80")
                .output()
                .unwrap();
            assert!(output.status.success(), "{page:?}");
            for line in text(&output.stdout).lines() {
                if line.chars().count() > 80 {
                    wide.push(format!("{page:?} {flag}: {line}"));
                }
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}
