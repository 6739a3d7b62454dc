//! `cargo xtask container`: are the files that make a container of the emulator, and the workflow, what tools take?

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::workspace;

use crate::emulator;
use crate::python::{self, succeed};

/// File, and the schema that it has to fit.
const SCHEMAS: [(&str, &str); 2] = [
    ("compose.yaml", "vendor.compose-spec"),
    (".github/workflows/ci.yaml", "vendor.github-workflows"),
];

/// An error unless linters find nothing and the program takes the arguments that stand there.
pub(crate) fn run() -> Result<bool> {
    let root = workspace::root();
    let requirements = root.join("tests/container/requirements.txt");
    let interpreter = python::environment("container", &requirements)?;
    succeed(
        Command::new(interpreter.with_file_name("hadolint"))
            .arg("Dockerfile")
            .current_dir(&root),
    )?;
    println!("Dockerfile: clean");
    for (file, schema) in SCHEMAS {
        succeed(
            Command::new(interpreter.with_file_name("check-jsonschema"))
                .args(["--quiet", "--builtin-schema", schema, file])
                .current_dir(&root),
        )?;
        println!("{file}: fits {schema}");
    }
    let program = emulator::program(&root)?;
    for (place, arguments) in commands(&root)? {
        // The help comes only once everything before it is understood.
        let output = Command::new(&program)
            .args(&arguments)
            .arg("--help")
            .output()
            .with_context(|| format!("starting {}", program.display()))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("{place}: the program does not take {arguments:?}:\n{why}");
        }
        println!("{place}: modelarts {}", arguments.join(" "));
    }
    Ok(true)
}

/// The commands of the container, without the program itself.
fn commands(root: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let dockerfile = fs::read_to_string(root.join("Dockerfile"))?;
    let dockerfile = dockerfile.replace("\\\n", " ");
    let instruction = |name: &str| {
        let mut lines = dockerfile.lines().filter(|line| line.starts_with(name));
        let line = lines.next_back()?;
        let list = line.split_once('[')?.1;
        serde_json::from_str::<Vec<String>>(&format!("[{list}")).ok()
    };
    let start = instruction("CMD").context("the Dockerfile has no CMD as a list")?;
    let mut health = instruction("HEALTHCHECK").context("the Dockerfile has no HEALTHCHECK")?;
    let entry = instruction("ENTRYPOINT").context("the Dockerfile has no ENTRYPOINT")?;
    if health.first() != entry.first() {
        bail!("HEALTHCHECK does not start the program that ENTRYPOINT starts");
    }
    health.remove(0);
    let compose = fs::read_to_string(root.join("compose.yaml"))?;
    let compose: Value = serde_saphyr::from_str(&compose).context("compose.yaml")?;
    let command = compose
        .pointer("/services/modelarts/command")
        .cloned()
        .unwrap_or_default();
    let command = serde_json::from_value(command).context("the command in compose.yaml")?;
    Ok(vec![
        ("Dockerfile CMD", start),
        ("Dockerfile HEALTHCHECK", health),
        ("compose.yaml", command),
    ])
}
