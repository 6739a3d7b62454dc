//! `cargo xtask families`: does a change of the API need nothing but its document?
//!
//! A copy of the checkout gets a small family that has what the others lack, and in the first family a new status, a new
//! field of requests and a new operation that is not emulated. No other file of it is touched than documents, their list and two
//! manifests; then everything must be generated, built, and reachable. Last the operation is to be emulated: then the compiler asks
//! for its behaviour, where behaviour is written.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use heck::ToSnakeCase as _;
use modelarts_test_support::server::Server;
use xtask::{check, problem::Problem, regen, workspace};

use crate::{copy, python};

const NAME: &str = "generic";
const DOCUMENT: &str = include_str!("families/generic.yaml");
const OPERATIONS: [&str; 2] = ["listGenericNotebooks", "patchGenericNotebook"];
/// The document that grows, and what is put into it: each behind a mark, which is found by way of the marks before it.
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

/// Makes the copy and goes through all that a family has to do with; an error names what does not work.
pub(crate) fn run() -> Result<bool> {
    let target = python::target()?;
    let copy = target.join("families");
    // Of its own: in the shared one cargo would take the copy's programs for those of the checkout, which are older.
    let target = target.join("families-target");
    let root = workspace::root();
    copy::synchronize(&root, &copy)?;

    let list = fs::read_to_string(copy.join(LIST))?;
    let entry = format!("{list}\n[[document]]\nname = \"{NAME}\"\n");
    fs::write(copy.join(LIST), &entry)?;
    let document = copy.join(format!("openapi/{NAME}.yaml"));

    // An id that another document has, and no cargo feature yet.
    fs::write(&document, DOCUMENT.replace(OPERATIONS[0], "listNotebooks"))?;
    refused(&copy, "operation-id", "listNotebooks")?;
    refused(&copy, "feature", NAME)?;
    fs::write(&document, DOCUMENT)?;

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

    // What is not emulated says so operation by operation, or as a whole document: the routes are the same.
    let marked = DOCUMENT.replace(
        "      x-idempotent: true\n",
        "      x-idempotent: true\n      x-emulated: false\n",
    );
    fs::write(&document, marked)?;
    generate(&copy)?;
    let by_operation = fs::read_to_string(copy.join(ROUTES))?;
    fs::write(&document, DOCUMENT)?;
    fs::write(copy.join(LIST), entry + "emulated = false\n")?;
    generate(&copy)?;
    if by_operation != fs::read_to_string(copy.join(ROUTES))? {
        bail!("`x-emulated: false` on each operation gives other routes than `emulated = false`");
    }
    if !regen::run_in(&copy, true)? {
        bail!("the generated files are not the same twice");
    }
    // Whatever else differs was written by `regen`, which says so when it is not what the documents say.
    for file in different(&root, &copy)? {
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
        // The status is in nobody's way: no test has to know all of them.
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
        python::succeed(&mut cargo(&copy, &target, arguments))?;
    }

    let program = target.join(format!("debug/modelarts{}", env::consts::EXE_SUFFIX));
    let help = printed(Command::new(&program).args(["api", "--help"]))?;
    for operation in OPERATIONS.into_iter().chain([GROWN]) {
        if !help.contains(operation) {
            bail!("`modelarts api --help` does not list {operation}");
        }
    }
    // Through the facade to the emulator, which knows the operation and says that it does not implement it.
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
        let output = Command::new(&program)
            .args(["emulator", "exec", "--"])
            .arg(&program)
            .args(call)
            .output()?;
        let text = text_of(&output);
        let expected = ["501", "does not implement", call[1]];
        if output.status.success() || !expected.iter().all(|part| text.contains(part)) {
            bail!(
                "`modelarts {}` with the emulator says:\n{text}",
                call.join(" ")
            );
        }
    }
    // To a service that implements it: what is a header is sent as one, and the body under its own content type.
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
        let request = recorded(Command::new(&program).args(call))?.to_ascii_lowercase();
        if !expected.iter().all(|part| request.contains(part)) {
            bail!("`modelarts {}` sends:\n{request}", call.join(" "));
        }
    }
    owed(&copy, &target)?;
    println!(
        "a status, a field and an operation that is not emulated need no Rust but what is generated from their document"
    );
    println!("a family needs {LIST}, {CLIENT}, {FACADE} and its document, and nothing else");
    Ok(true)
}

/// Without `x-emulated: false` the operation that was added is owed: the compiler says so where the behaviour of its tag is
/// implemented, and nowhere else.
fn owed(copy: &Path, target: &Path) -> Result<()> {
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
            "{GROWN} is added and not implemented, and the compiler does not say this and nothing else:\n{}",
            text_of(&output)
        );
    }
    Ok(())
}

/// Writes what the documents of the copy say.
fn generate(copy: &Path) -> Result<()> {
    match regen::run_in(copy, false)? {
        true => Ok(()),
        false => bail!("a document of the copy is not accepted"),
    }
}

fn cargo(copy: &Path, target: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .arg("--locked")
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target);
    command
}

/// Files of the copy that are not those of the checkout.
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

/// The checks must find this.
fn refused(copy: &Path, rule: &str, word: &str) -> Result<()> {
    let problems = check::documents(copy)?.err().unwrap_or_default();
    let fits = |problem: &Problem| problem.rule == rule && problem.message.contains(word);
    if !problems.iter().any(fits) {
        bail!("`check` does not find `{rule}` about {word}");
    }
    Ok(())
}

/// The one request that a command sends to the service, which grants it.
fn recorded(command: &mut Command) -> Result<String> {
    let server = Server::recording();
    printed(
        command
            .env("MODELARTS_ENDPOINT", &server.url)
            .env("OS_TOKEN", "t1")
            .env("OS_PROJECT_ID", "p1"),
    )?;
    let [request] = &server.take()[..] else {
        bail!("the command sends no request, or several");
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
            "{} says:\n{}",
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
