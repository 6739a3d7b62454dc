//! `cargo xtask families`: does a family need nothing but its document?
//!
//! A copy of the checkout gets a small family that has what the others lack. No file of it is touched but the list of documents,
//! two manifests and the new document; then everything must be generated, built, and reachable.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use anyhow::{Context, Result, bail};
use xtask::{check, problem::Problem, regen, tidy, workspace};

use crate::python;

const NAME: &str = "generic";
const DOCUMENT: &str = include_str!("families/generic.yaml");
const OPERATIONS: [&str; 2] = ["listGenericNotebooks", "patchGenericNotebook"];
const LIST: &str = "openapi/documents.toml";
const CLIENT: &str = "crates/modelarts-client/Cargo.toml";
const FACADE: &str = "crates/modelarts/Cargo.toml";

/// Makes the copy and goes through all that a family has to do with; an error names what does not work.
pub(crate) fn run() -> Result<bool> {
    let target = python::target()?;
    let copy = target.join("families");
    // Of its own: in the shared one cargo would take the copy's programs for those of the checkout, which are older.
    let target = target.join("families-target");
    synchronize(&workspace::root(), &copy)?;

    let list = fs::read_to_string(copy.join(LIST))?;
    let entry = format!("\n[[document]]\nname = \"{NAME}\"\nemulated = false\n");
    fs::write(copy.join(LIST), list + &entry)?;
    let document = copy.join(format!("openapi/{NAME}.yaml"));

    // An id that another document has, and no cargo feature yet.
    fs::write(&document, DOCUMENT.replace(OPERATIONS[0], "listNotebooks"))?;
    refused(&copy, "operation-id", "listNotebooks")?;
    refused(&copy, "feature", NAME)?;
    fs::write(&document, DOCUMENT)?;

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

    if !regen::run_in(&copy, false)? || !regen::run_in(&copy, true)? {
        bail!("the document of the family is not accepted");
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
    ] {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        python::succeed(
            Command::new(cargo)
                .args(arguments)
                .arg("--locked")
                .current_dir(&copy)
                .env("CARGO_TARGET_DIR", &target),
        )?;
    }

    let program = target.join(format!("debug/modelarts{}", env::consts::EXE_SUFFIX));
    let help = printed(Command::new(&program).args(["api", "--help"]))?;
    for operation in OPERATIONS {
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
    ] {
        let output = Command::new(&program)
            .args(["emulator", "exec", "--"])
            .arg(&program)
            .args(call)
            .output()?;
        let text = text(&output);
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
            &[
                "get /v3/p1/generic/notebooks http/1.1",
                "x-generic-locale: en-us",
            ][..],
        ),
        (
            &["api", OPERATIONS[1], "--id", "n1", "--name", "outside"],
            &[
                "patch /v3/p1/generic/notebooks/n1 http/1.1",
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
    println!("a family needs {LIST}, {CLIENT}, {FACADE} and its document, and nothing else");
    Ok(true)
}

/// Makes the copy the same as the checkout, without touching what is the same already, so that little is built anew.
fn synchronize(root: &Path, copy: &Path) -> Result<()> {
    let files: BTreeSet<PathBuf> = tidy::files(root)?.into_iter().collect();
    for file in &files {
        let (from, to) = (root.join(file), copy.join(file));
        let wanted = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        if fs::read(&to).is_ok_and(|found| found == wanted) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, wanted).with_context(|| format!("writing {}", to.display()))?;
    }
    remove_others(copy, Path::new(""), &files)
}

fn remove_others(copy: &Path, folder: &Path, files: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(copy.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(copy, &path, files)?;
        } else if !files.contains(&path) {
            fs::remove_file(copy.join(path))?;
        }
    }
    Ok(())
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
    let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> Result<String> {
        let (mut connection, _) = listener.accept()?;
        let mut reader = BufReader::new(connection.try_clone()?);
        let (mut request, mut length) = (String::new(), 0);
        while reader.read_line(&mut request)? > 2 {
            let line = request.lines().last().unwrap_or_default();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        reader.take(length).read_to_string(&mut request)?;
        connection.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        )?;
        Ok(request)
    });
    let output = command
        .env("MODELARTS_ENDPOINT", format!("http://{address}"))
        .env("OS_TOKEN", "t1")
        .env("OS_PROJECT_ID", "p1")
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} says:\n{}",
            command.get_program().display(),
            text(&output)
        );
    }
    let joined = server.join();
    joined.unwrap_or_else(|_| bail!("the server of the request panicked"))
}

fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} says:\n{}",
            command.get_program().display(),
            text(&output)
        );
    }
    Ok(text(&output))
}

fn text(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    texts.concat()
}
