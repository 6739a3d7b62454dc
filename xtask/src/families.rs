//! `cargo xtask families`: tests that changes of the API need no hand-written code.
//!
//! Works in a copy of the checkout. The copy gets a small additional family that uses features that the other
//! families do not use; the first family gets a new status, a new request field, and a new operation with
//! `x-emulated: false`. Only documents, their list, and two manifests are edited. Then everything must generate,
//! build and be reachable. Finally `x-emulated: false` is removed: now the compiler must report the missing method of
//! the emulator.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use heck::ToSnakeCase as _;
use modelarts_test_support::server::Server;
use xtask::{check, problem::Problem, regen, workspace};

use crate::{copy, process, target};

const NAME: &str = "generic";
const DOCUMENT: &str = include_str!("families/generic.yaml");
const OPERATIONS: [&str; 2] = ["listGenericNotebooks", "patchGenericNotebook"];
/// The document that is extended, and the insertions. Each goes after its last marker; the markers are searched in
/// turn.
const GROWING: &str = "openapi/devenviron.yaml";
const GROWTH: [(&[&str], &str); 5] = [
    (
        &["\n    NotebookStatus:\n", "\n      x-extensible-enum: ["],
        "MIGRATING, ",
    ),
    (
        &["\n    NotebookStatus:\n", "\n      x-enum-descriptions:\n"],
        "        MIGRATING: The notebook is moving to another machine.\n",
    ),
    (
        &[
            "\n    NotebookStatus:\n",
            "\n      x-states:\n",
            "        transient:\n",
        ],
        "          MIGRATING: [start]\n",
    ),
    (
        &["\n    UpdateNotebookRequest:\n", "\n      properties:\n"],
        "        hostname:\n          type: string\n          description: Name of the notebook inside its network.\n          \
         maxLength: 63\n          x-source: observed\n",
    ),
    (&["\npaths:\n"], OPERATION),
];
const OPERATION: &str = include_str!("families/operation.yaml");
const GROWN: &str = "migrateNotebook";
const LIST: &str = "openapi/documents.toml";
const ROUTES: &str = "crates/modelarts-emulator/src/generated/generic.rs";
const CLIENT: &str = "crates/modelarts-client/Cargo.toml";
const FACADE: &str = "crates/modelarts/Cargo.toml";

/// Runs all steps; an error names the step that does not work.
pub(crate) fn run() -> Result<bool> {
    let folder = target::locked("families")?;
    let copy = folder.path.as_path();
    // A separate target folder: in the shared one, cargo would confuse the copy's programs with those of the
    // checkout.
    let target = copy.with_file_name("families-target");
    let root = workspace::root();
    copy::synchronize(&root, copy)?;

    let document = copy.join(format!("openapi/{NAME}.yaml"));
    add_family(copy, &document)?;
    extend_first_family(copy)?;
    add_features(copy)?;
    generate_twice(copy, &document)?;
    check_differences(&root, copy)?;
    build(copy, &target)?;

    let program = target.join(format!("debug/modelarts{}", env::consts::EXE_SUFFIX));
    check_help(&program)?;
    call_emulator(&program)?;
    call_service(&program)?;
    require_method(copy, &target)?;
    println!("a new status, field and non-emulated operation need only changes to their document");
    println!("a new family needs only its document and changes to {LIST}, {CLIENT} and {FACADE}");
    Ok(true)
}

/// Adds the document and its entry in the list; first with an operation id of another document and without the cargo
/// feature, which `check` must report.
fn add_family(copy: &Path, document: &Path) -> Result<()> {
    let list = fs::read_to_string(copy.join(LIST))?;
    let entry = format!("{list}\n[[document]]\nname = \"{NAME}\"\n");
    fs::write(copy.join(LIST), entry)?;
    fs::write(document, DOCUMENT.replace(OPERATIONS[0], "listNotebooks"))?;
    refused(copy, "operation-id", "listNotebooks")?;
    refused(copy, "feature", NAME)?;
    fs::write(document, DOCUMENT)?;
    Ok(())
}

/// Inserts the new status, field and operation.
fn extend_first_family(copy: &Path) -> Result<()> {
    let mut grown = fs::read_to_string(copy.join(GROWING))?;
    for (marks, added) in GROWTH {
        let mut place = 0;
        for mark in marks {
            let found = grown[place..].find(mark);
            place += found.with_context(|| format!("{GROWING} has no {mark:?}"))? + mark.len();
        }
        grown.insert_str(place, added);
    }
    fs::write(copy.join(GROWING), grown)?;
    Ok(())
}

/// Adds the cargo feature to the manifests of client and facade.
fn add_features(copy: &Path) -> Result<()> {
    let change = |manifest: &str, change: fn(String) -> String| -> Result<()> {
        let text = fs::read_to_string(copy.join(manifest))?;
        Ok(fs::write(copy.join(manifest), change(text))?)
    };
    change(CLIENT, |text| {
        text.replacen("default = [", &format!("default = [\"{NAME}\", "), 1)
            .replacen("\niam = []\n", &format!("\niam = []\n{NAME} = []\n"), 1)
    })?;
    change(FACADE, |text| {
        let feature = format!("[features]\n{NAME} = [\"modelarts-client/{NAME}\"]\n");
        text.replacen("[features]\n", &feature, 1)
    })?;
    Ok(())
}

/// Runs `regen` with `x-emulated: false` on every operation and with `emulated = false` on the document, which must
/// generate the same routes. Leaves the latter.
fn generate_twice(copy: &Path, document: &Path) -> Result<()> {
    let marked = DOCUMENT.replace(
        "      x-idempotent: true\n",
        "      x-idempotent: true\n      x-emulated: false\n",
    );
    fs::write(document, marked)?;
    generate(copy)?;
    let by_operation = fs::read_to_string(copy.join(ROUTES))?;
    fs::write(document, DOCUMENT)?;
    let list = fs::read_to_string(copy.join(LIST))?;
    fs::write(copy.join(LIST), list + "emulated = false\n")?;
    generate(copy)?;
    if by_operation != fs::read_to_string(copy.join(ROUTES))? {
        bail!(
            "`x-emulated: false` on every operation does not generate the same routes as `emulated = false` on the document"
        );
    }
    if !regen::run_in(copy, true)? {
        bail!("a second `regen` generates different files");
    }
    Ok(())
}

/// Checks that no hand-written file differs other than the list and the manifests. `regen --check` has compared the
/// generated files.
fn check_differences(root: &Path, copy: &Path) -> Result<()> {
    for file in different(root, copy)? {
        let written = file
            .extension()
            .is_some_and(|ending| ending == "rs" || ending == "toml");
        let generated = file
            .components()
            .any(|part| part.as_os_str() == "generated");
        let listed = [LIST, CLIENT, FACADE]
            .iter()
            .any(|known| file == Path::new(known));
        if written && !generated && !listed {
            bail!("{} is touched", file.display());
        }
    }
    Ok(())
}

/// Builds client, facade and command with the family, and runs the unit tests with the new status.
fn build(copy: &Path, target: &Path) -> Result<()> {
    for arguments in [
        &[
            "check",
            "--package",
            "modelarts-client",
            "--no-default-features",
            "--features",
            NAME,
        ][..],
        &[
            "check",
            "--package",
            "modelarts",
            "--no-default-features",
            "--features",
            NAME,
        ],
        &["build", "--package", "modelarts-cli"],
        &[
            "test",
            "--quiet",
            "--lib",
            "--package",
            "modelarts",
            "--package",
            "modelarts-emulator",
        ],
    ] {
        process::succeed(&mut cargo(copy, target, arguments))?;
    }
    Ok(())
}

fn check_help(program: &Path) -> Result<()> {
    let help = printed(Command::new(program).args(["api", "--help"]))?;
    for operation in OPERATIONS.into_iter().chain([GROWN]) {
        if !help.contains(operation) {
            bail!("`modelarts api --help` does not list {operation}");
        }
    }
    Ok(())
}

/// Calls the new operations through the facade against the emulator, which must respond with 501.
fn call_emulator(program: &Path) -> Result<()> {
    for call in [
        &["api", OPERATIONS[0], "--limit", "20"][..],
        &[
            "api",
            OPERATIONS[1],
            "--id",
            "n1",
            "--body",
            "{\"name\": \"outside\"}",
        ],
        &["api", GROWN, "--id", "n1"],
    ] {
        let output = Command::new(program)
            .args(["emulator", "exec", "--"])
            .arg(program)
            .args(call)
            .output()?;
        let text = text_of(&output);
        let expected = ["501", "does not implement", call[1]];
        if output.status.success() || !expected.iter().all(|part| text.contains(part)) {
            bail!(
                "`modelarts {}` against the emulator does not report status 501, but:\n{text}",
                call.join(" ")
            );
        }
    }
    Ok(())
}

/// Calls the new operations against a service that implements them: header parameters must be sent as headers, and the
/// body under its own content type.
fn call_service(program: &Path) -> Result<()> {
    for (call, expected) in [
        (
            &["api", OPERATIONS[0], "--x-generic-locale", "en-us"][..],
            &["get /v3/p1/generic/notebooks\n", "x-generic-locale: en-us"][..],
        ),
        (
            &["api", OPERATIONS[1], "--id", "n1", "--name", "outside"],
            &[
                "patch /v3/p1/generic/notebooks/n1\n",
                "content-type: application/merge-patch+json",
                "{\"name\":\"outside\"}",
            ],
        ),
    ] {
        let request = recorded(Command::new(program).args(call))?.to_ascii_lowercase();
        if !expected.iter().all(|part| request.contains(part)) {
            bail!("`modelarts {}` sends:\n{request}", call.join(" "));
        }
    }
    Ok(())
}

/// Removes `x-emulated: false` from the new operation and checks that the compiler reports one missing trait method,
/// and nothing else.
fn require_method(copy: &Path, target: &Path) -> Result<()> {
    let document = copy.join(GROWING);
    let text = fs::read_to_string(&document)?;
    let emulated = OPERATION.replace("      x-emulated: false\n", "");
    fs::write(&document, text.replacen(OPERATION, &emulated, 1))?;
    generate(copy)?;
    let check = ["check", "--package", "modelarts-emulator", "--lib"];
    let output = cargo(copy, target, &check)
        .args(["--message-format", "short"])
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut errors = errors.lines().filter(|line| line.contains(": error"));
    let (first, second) = (errors.next().unwrap_or_default(), errors.next());
    let place = Path::new("src").join("api").join("notebooks.rs");
    let method = GROWN.to_snake_case();
    let is_owed = first.contains(&place.display().to_string()) && first.contains(&method);
    if output.status.success() || !is_owed || second.is_some() {
        bail!(
            "the compiler must report only the missing method of {GROWN}, but prints:\n{}",
            text_of(&output)
        );
    }
    Ok(())
}

/// Runs `regen` in the copy.
fn generate(copy: &Path) -> Result<()> {
    match regen::run_in(copy, false)? {
        true => Ok(()),
        false => bail!("`regen` rejects a document of the copy"),
    }
}

fn cargo(copy: &Path, target: &Path, arguments: &[&str]) -> Command {
    let mut command = process::cargo();
    command
        .args(arguments)
        .arg("--locked")
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target);
    command
}

/// The files of the copy that differ from the checkout.
fn different(root: &Path, copy: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    copy::collect(copy, Path::new(""), &mut files)?;
    let same = |file: &PathBuf| {
        let [here, there] = [root, copy].map(|folder| fs::read(folder.join(file)).ok());
        here == there
    };
    files.retain(|file| !same(file));
    Ok(files)
}

/// Checks that `cargo xtask check` reports this problem.
fn refused(copy: &Path, rule: &str, word: &str) -> Result<()> {
    let problems = check::documents(copy)?.err().unwrap_or_default();
    let fits = |problem: &Problem| problem.rule == rule && problem.message.contains(word);
    if !problems.iter().any(fits) {
        bail!("`check` does not report the rule `{rule}` for {word}");
    }
    Ok(())
}

/// Runs a command against a recording server and returns the one request that it sends.
fn recorded(command: &mut Command) -> Result<String> {
    let server = Server::recording();
    printed(
        command
            .env("MODELARTS_ENDPOINT", &server.url)
            .env("OS_TOKEN", "t1")
            .env("OS_PROJECT_ID", "p1"),
    )?;
    let [request] = &server.take()[..] else {
        bail!("the command does not send exactly one request");
    };
    let headers = request.headers.iter();
    let headers: String = headers
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    Ok(format!(
        "{} {}\n{headers}\n{}",
        request.method, request.target, request.body
    ))
}

fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} prints:\n{}",
            command.get_program().display(),
            text_of(&output)
        );
    }
    Ok(text_of(&output))
}

fn text_of(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    texts.concat()
}
