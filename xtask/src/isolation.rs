//! `cargo xtask isolation`: checks that adding the library does not change how a program's dependencies behave.
//!
//! Cargo unifies features across a workspace. The programs are therefore built outside of it, each with its own
//! manifest below `target`.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use xtask::workspace;

use crate::process::cargo;
use crate::target;

/// A program, and the features with which the library is added to it.
struct Program {
    name: &'static str,
    /// Features of the program's own reqwest dependency.
    reqwest: &'static str,
    /// The rest of the dependency on the library, after its path.
    modelarts: &'static str,
    /// Whether HTTPS must behave as without the library. Otherwise the library enables it.
    same_tls: bool,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "none",
        reqwest: "",
        modelarts: "default-features = false",
        same_tls: true,
    },
    Program {
        name: "default",
        reqwest: "",
        modelarts: "default-features = true",
        same_tls: false,
    },
    Program {
        name: "rustls",
        reqwest: r#""rustls""#,
        modelarts: "default-features = true",
        same_tls: true,
    },
    Program {
        name: "native-tls",
        reqwest: r#""native-tls""#,
        modelarts: r#"default-features = false, features = ["native-tls"]"#,
        same_tls: true,
    },
    Program {
        name: "default-beside-native-tls",
        reqwest: r#""native-tls""#,
        modelarts: "default-features = true",
        same_tls: true,
    },
];

const SOURCE: &str = include_str!("../isolation/program.rs");

/// Runs every program with and without the library. Returns false if the outputs of one differ.
pub(crate) fn run() -> Result<bool> {
    let root = workspace::root();
    let folder = target::locked("isolation")?;
    let folder = &folder.path;
    let mut same = true;
    for program in PROGRAMS {
        let place = folder.join(program.name);
        write(program, &root, &place)?;
        let without = report(&place, folder, &[])?;
        let with = report(&place, folder, &["--features", "with"])?;
        let differences: Vec<_> = without
            .lines()
            .zip(with.lines())
            .filter(|(without, with)| without != with)
            .filter(|(line, _)| program.same_tls || !line.starts_with("https"))
            .collect();
        for (without, with) in &differences {
            eprintln!("{}: without the library: {without}", program.name);
            eprintln!("{}: with the library:    {with}", program.name);
        }
        let is_whole = without.lines().count() == with.lines().count();
        if !is_whole || !with.contains("Client::new() works") {
            eprintln!("{}: {with}", program.name);
        }
        let fine = is_whole && differences.is_empty() && with.contains("Client::new() works");
        println!(
            "{}: {}",
            program.name,
            if fine { "as without" } else { "differs" }
        );
        same &= fine;
    }
    Ok(same)
}

fn write(program: &Program, root: &Path, place: &Path) -> Result<()> {
    let library = root.join("crates/modelarts");
    let manifest = format!(
        r#"[package]
name = "isolation-{name}"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[features]
with = ["dep:modelarts"]

[dependencies]
modelarts = {{ path = {library:?}, optional = true, {modelarts} }}
reqwest = {{ version = "0.13", default-features = false, features = [{reqwest}] }}
serde_json = "1"
tokio = {{ version = "1", features = ["net", "rt", "time"] }}

[profile.dev]
debug = false
"#,
        name = program.name,
        modelarts = program.modelarts,
        reqwest = program.reqwest,
    );
    let put = |name: &str, text: &str| {
        let path = place.join(name);
        // Unchanged files are not rewritten, so cargo does not rebuild.
        if fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    fs::create_dir_all(place.join("src")).context("creating the folder of a program")?;
    put("Cargo.toml", &manifest)?;
    put("src/main.rs", SOURCE)?;
    // Uses the versions of the workspace; cargo removes unused packages from the copy.
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock")).context("copying Cargo.lock")?;
    Ok(())
}

/// Runs a program and returns its output.
fn report(place: &Path, target: &Path, features: &[&str]) -> Result<String> {
    let output = cargo()
        .args(["run", "--quiet"])
        .args(features)
        .current_dir(place)
        .env("CARGO_TARGET_DIR", target.join("target"))
        // The programs report panics as part of their output.
        .env("RUST_BACKTRACE", "0")
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo")?;
    if !output.status.success() {
        bail!(
            "the program in {} does not build or run; see the messages above",
            place.display()
        );
    }
    String::from_utf8(output.stdout).context("decoding the output of a program")
}
