//! `cargo xtask container`: lints the files of the emulator's container and the GitHub workflow.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::workspace;

use crate::emulator;
use crate::process::succeed;
use crate::python;

/// Files with their JSON schemas.
const SCHEMAS: [(&str, &str); 2] = [
    ("compose.yaml", "vendor.compose-spec"),
    (".github/workflows/ci.yaml", "vendor.github-workflows"),
];

/// Runs the linters, and checks that the program accepts the arguments in the container files.
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
        // clap prints the help only after it has parsed the arguments before `--help`.
        let output = Command::new(&program)
            .args(&arguments)
            .arg("--help")
            .output()
            .with_context(|| format!("starting {}", program.display()))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("{place}: `modelarts` does not accept the arguments {arguments:?}:\n{why}");
        }
        println!("{place}: modelarts {}", arguments.join(" "));
    }
    Ok(true)
}

/// The arguments that the container files pass to the program.
fn commands(root: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let dockerfile = fs::read_to_string(root.join("Dockerfile"))?;
    let dockerfile = dockerfile.replace("\\\n", " ");
    let instruction = |name: &str| {
        let mut lines = dockerfile.lines().filter(|line| line.starts_with(name));
        let line = lines.next_back()?;
        let list = line.split_once('[')?.1;
        serde_json::from_str::<Vec<String>>(&format!("[{list}")).ok()
    };
    let start = instruction("CMD").context("the Dockerfile has no `CMD` in list form")?;
    let mut health = instruction("HEALTHCHECK").context("the Dockerfile has no HEALTHCHECK")?;
    let entry = instruction("ENTRYPOINT").context("the Dockerfile has no ENTRYPOINT")?;
    if health.first() != entry.first() {
        bail!("HEALTHCHECK in the Dockerfile does not run the program of ENTRYPOINT");
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
