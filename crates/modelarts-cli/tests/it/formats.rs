//! Each noun in each format, and the less common commands.

use crate::nouns::{CREATE, transcript};
use crate::support::{Emulator, Home, modelarts, text};

const FORMATS: [&str; 5] = ["json", "yaml", "csv", "name", "jq=keys"];

/// Starts an emulator with a fixed notebook, mount, image and instance.
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

/// Replaces the numbers that depend on the clock.
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
    masked
}

/// Replaces the times that depend on the clock, such as `2026-01-01T00:00:00Z`.
fn without_times_of_day(text: &str) -> String {
    let is_time = |cell: &str| {
        cell.len() == 20 && cell.ends_with('Z') && cell.parse::<modelarts::Timestamp>().is_ok()
    };
    let cells =
        text.split_inclusive([',', '\n'])
            .map(|cell| match cell.trim_end_matches([',', '\n']) {
                bare if is_time(bare) => format!("TIME{}", &cell[bare.len()..]),
                _ => cell.to_owned(),
            });
    cells.collect()
}

#[test]
fn each_noun_in_each_format() {
    let (emulator, home) = inhabited("formats");
    let nouns: [(&str, &[&str]); 6] = [
        ("notebook", &["notebook", "show", "train-bert"]),
        ("instance", &["instance", "show", "old"]),
        ("lease", &["lease", "show", "train-bert"]),
        ("image", &["image", "list", "--limit=1"]),
        ("flavor", &["flavor", "list", "--limit=1"]),
        ("storage", &["storage", "list", "train-bert"]),
    ];
    for (name, noun) in nouns {
        let mut printed = String::new();
        for format in FORMATS {
            let arguments = [noun, &["-o", format]].concat();
            printed += &transcript(&emulator, &home, &[&arguments]);
        }
        let printed = without_times_of_day(&without_clock(&printed));
        insta::assert_snapshot!(format!("format-{name}"), printed);
    }
}

#[test]
fn rare_commands() {
    let (emulator, home) = (Emulator::start(), Home::new("rare"));
    let with_key = [&CREATE[..], &["--key-pair=bert", "-o", "name"]].concat();
    let address = "swr.eu-de.otc.t-systems.com/nlp-team/bert:1.0.0";
    let transcript = transcript(
        &emulator,
        &home,
        &[
            &with_key,
            &["notebook", "open", "train-bert", "--print"],
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
    let run = |arguments: &[&str]| {
        let output = emulator.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let id = run(&["storage", "list", "train-bert", "-o", "name"]);
    let mount = ["storage", "show", "train-bert", id.trim(), "-o"];
    assert_eq!(
        run(&[&mount[..], &["jq=.mount_path"]].concat()),
        "/data/texts/\n"
    );
    let unmount = ["storage", "unmount", "train-bert", id.trim()];
    run(&[&unmount[..], &["--wait", "--interval=0s"]].concat());
    assert_eq!(
        run(&["storage", "list", "train-bert", "-o", "json"]),
        "[]\n"
    );
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
fn other_programs_get_their_arguments() {
    use std::os::unix::fs::PermissionsExt as _;

    let (emulator, home) = (Emulator::start(), Home::new("programs"));
    let with_key = [&CREATE[..], &["--key-pair=bert"]].concat();
    let output = emulator.command(&with_key).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // They replace the real programs, and print their arguments.
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

/// Collects the help of a command and of its subcommands.
fn help_pages(path: &[String], pages: &mut Vec<Vec<String>>) {
    let output = modelarts(&[]).args(path).arg("--help").output().unwrap();
    assert!(output.status.success(), "{path:?}");
    let help = text(&output.stdout);
    pages.push(path.to_vec());
    let Some((_, commands)) = help.split_once("\nCommands:\n") else {
        return;
    };
    let lines = commands.lines().take_while(|line| !line.is_empty());
    for name in lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()) {
        // One operation is enough.
        let is_other_operation = path == ["api"] && !["createNotebook", "GET"].contains(&name);
        if !name.is_empty() && name != "help" && !is_other_operation {
            help_pages(&[path, &[name.to_owned()]].concat(), pages);
        }
    }
}

#[test]
fn help_fits_a_terminal() {
    let mut pages = Vec::new();
    help_pages(&[], &mut pages);
    assert!(pages.len() > 60, "{}", pages.len());
    for wanted in [
        &["apply"][..],
        &["notebook", "tag", "add"],
        &["emulator", "exec"],
    ] {
        assert!(pages.iter().any(|page| page == wanted), "{wanted:?}");
    }
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

/// Results of actions are reported in each format, and standard output contains nothing else.
#[test]
fn results_in_each_format() {
    let (emulator, home) = inhabited("results");
    let file = home.0.join("notebooks.yaml");
    std::fs::write(
        &file,
        "name: train-bert\ndescription: changed\ntags: {team: nlp}\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let commands: [&[&str]; 11] = [
        &["diff", "-f", file],
        &["apply", "-f", file, "--dry-run"],
        &["apply", "-f", file, "--yes"],
        &["top"],
        &["auth", "status"],
        &["config", "show"],
        &["explain", "ModelArts.6309"],
        &["notebook", "tag", "add", "train-bert", "stage=dev"],
        &["notebook", "stop", "--all", "--dry-run"],
        &["notebook", "stop", "train-bert", "--yes"],
        &["notebook", "stop", "--all", "--yes"],
    ];
    for command in commands {
        for format in ["json", "yaml", "csv", "name", "jsonpath=$", "jq=."] {
            let arguments = [command, &["-o", format]].concat();
            let output = home.of(&mut emulator.command(&arguments)).output().unwrap();
            let printed = text(&output.stdout);
            // The notebook has already been stopped by the previous command.
            let is_done = output.status.success() || output.status.code() == Some(4);
            assert!(is_done, "{arguments:?}: {}", text(&output.stderr));
            match format {
                "csv" => {
                    let lines: Vec<_> = printed.lines().collect();
                    let cells = |line: &str| line.split(',').count();
                    assert!(cells(lines[0]) > 1, "{arguments:?}: {printed}");
                    assert!(lines[0].is_ascii() && !lines[0].contains(' '), "{printed}");
                }
                "name" => assert!(!printed.contains(' '), "{arguments:?}: {printed}"),
                "yaml" => assert!(!printed.trim().is_empty(), "{arguments:?}"),
                _ => {
                    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
                    assert!(json.is_array() || json.is_object(), "{arguments:?}: {json}");
                }
            }
        }
    }
}

#[test]
fn an_unsupported_format_is_an_error_only_by_flag() {
    let emulator = Emulator::start();
    for (arguments, format) in [
        (&["config", "path"][..], "json"),
        (&["api", "listNotebooks"], "csv"),
    ] {
        let output = emulator
            .command(&[arguments, &["-o", format]].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).contains("--output: "),
            "{}",
            text(&output.stderr)
        );
        let mut command = emulator.command(arguments);
        let output = command.env("MODELARTS_OUTPUT", format).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn silent_mistakes_are_reported() {
    let emulator = Emulator::start();
    let run = |arguments: &[&str]| {
        let output = emulator.command(arguments).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, error) = run(&["image", "list", "--type", "BUILDIN"]);
    let warning =
        "warning: `BUILDIN` is not a documented value of `type`; did you mean `BUILD_IN`?\n";
    assert!(error.starts_with(warning), "{code:?} {error}");
    for (flags, message) in [
        (&["--columns=colour"][..], "there is no column `colour`"),
        (&["--sort=-colour"], "there is no column `colour`"),
        (
            &["--columns=id", "-o", "json"],
            "--wide and --columns apply only to tables and CSV",
        ),
    ] {
        emulator.control("DELETE", "requests", "null");
        let (code, error) = run(&[&["notebook", "list"], flags].concat());
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(message), "{error}");
        assert_eq!(emulator.operations(), [""; 0]);
    }
}
