//! `cargo xtask package`: packages the published crates, and builds each from its package alone.
//!
//! Cargo unpacks the packages and builds them against each other as from a registry, so a crate that needs files of the
//! checkout does not build. Other requirements, such as a licence file, are checked on the packages.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::workspace;

use crate::process::{cargo, output, succeed};
use crate::target;

/// The files that every package must contain.
const REQUIRED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// The largest compressed package that the registry accepts, in bytes.
const LIMIT: u64 = 10 * 1024 * 1024;
/// The manifest keys that the registry shows.
const METADATA: [&str; 7] = [
    "description",
    "license",
    "readme",
    "documentation",
    "rust_version",
    "categories",
    "keywords",
];

/// A package and the problems found in it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    files: usize,
    bytes: u64,
    problems: Vec<String>,
}

impl Package {
    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }
}

/// Packages the crates and prints the list. Returns false if a package has a problem.
pub(crate) fn run(build: bool) -> Result<bool> {
    let packages = create(&workspace::root(), build)?;
    print(&packages);
    Ok(!packages.iter().any(Package::has_problems))
}

pub(crate) fn print(packages: &[Package]) {
    for package in packages {
        println!(
            "{:<20} {:<8} {:>4} files {:>6} KiB",
            package.name,
            package.version,
            package.files,
            package.bytes.div_ceil(1024)
        );
        for problem in &package.problems {
            println!("  error: {problem}");
        }
    }
}

/// The folder in which cargo keeps unpacked packages of all registries; `None` if there is no home folder.
fn unpacked() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    Some(home.join("registry/src"))
}

/// Removes cached copies of earlier packages: cargo would use them for packages of the same version.
fn forget(target: &Path, unpacked: Option<&Path>, published: &[&Value]) -> Result<()> {
    let mut cached = vec![target.to_owned()];
    let registries = unpacked.map(fs::read_dir).into_iter().flatten().flatten();
    for registry in registries.filter_map(|entry| Some(entry.ok()?.path())) {
        // Registries without a host, such as the temporary one of `cargo package`.
        let name = registry.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with('-') {
            cached.extend(published.iter().map(|package| {
                let (name, version) = (text(package, "name"), text(package, "version"));
                registry.join(format!("{name}-{version}"))
            }));
        }
    }
    for folder in cached {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", folder.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Packages all published crates; with `build`, also compiles each from its package.
pub(crate) fn create(root: &Path, build: bool) -> Result<Vec<Package>> {
    // A separate target folder: cargo must not use crates built from a package in place of those of the checkout.
    let target = target::locked("packages")?;
    let target = &target.path;
    // Other checkouts unpack their packages to the same folder.
    let unpacked = unpacked();
    let shared = unpacked.as_ref().and_then(|path| File::open(path).ok());
    if let (Some(folder), Some(path)) = (&shared, &unpacked) {
        target::wait(folder, path)?;
    }
    let metadata = metadata(root)?;
    let published: Vec<&Value> = list(&metadata, "packages")
        .iter()
        .filter(|package| {
            // `publish` is null if any registry is allowed, otherwise a list, which is empty for `publish = false`.
            package.get("publish").is_none_or(Value::is_null)
        })
        .collect();
    if published.is_empty() {
        bail!("no crate of the workspace is published");
    }
    forget(target, unpacked.as_deref(), &published)?;
    let mut command = cargo();
    command
        .args(["package", "--locked", "--allow-dirty", "--quiet"])
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .current_dir(root);
    for package in &published {
        command.args(["--package", text(package, "name")]);
    }
    if !build {
        command.arg("--no-verify");
    }
    succeed(&mut command)?;
    published
        .into_iter()
        .map(|package| inspect(package, &target.join("package")))
        .collect()
}

fn inspect(package: &Value, folder: &Path) -> Result<Package> {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let archive = folder.join(format!("{name}-{version}.crate"));
    let bytes = fs::metadata(&archive)
        .with_context(|| format!("inspecting {}", archive.display()))?
        .len();
    let files = files(&archive)?;
    let manifest = file_in(&archive, &format!("{name}-{version}/Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse().context("the manifest of a package")?;
    let mut problems = Vec::new();
    for required in REQUIRED {
        if !files.iter().any(|file| file == Path::new(required)) {
            problems.push(format!("the package does not contain {required}"));
        }
    }
    for key in METADATA {
        let value = package.get(key).unwrap_or(&Value::Null);
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            problems.push(format!("Cargo.toml has no `{}`", key.replace('_', "-")));
        }
    }
    problems.extend(paths(&manifest, ""));
    let readme = file_in(&archive, &format!("{name}-{version}/README.md")).unwrap_or_default();
    for line in readme.lines() {
        // The registry shows the README without the checkout.
        if line.contains("path = \"") || line.contains("--path ") || line.contains("](../") {
            problems.push(format!(
                "README.md links to files outside of the package: {}",
                line.trim()
            ));
        }
    }
    if bytes > LIMIT {
        problems.push(format!(
            "the package has {bytes} bytes; the registry accepts at most {LIMIT}"
        ));
    }
    Ok(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        files: files.len(),
        bytes,
        problems,
    })
}

/// The keys of a manifest that have a `path`.
fn paths(table: &toml::Table, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        let here = format!("{at}{key}");
        let Some(inner) = value.as_table() else {
            continue;
        };
        if at.contains("dependencies.") && inner.contains_key("path") {
            found.push(format!(
                "`{here}` has a `path`, which does not exist outside of the checkout"
            ));
        }
        found.extend(paths(inner, &format!("{here}.")));
    }
    found
}

/// The files of a package, by path without the common folder.
fn files(archive: &Path) -> Result<Vec<PathBuf>> {
    let listing = output(
        Command::new("tar")
            .arg("--list")
            .arg("--gzip")
            .arg("--file")
            .arg(archive),
    )?;
    let inside = |line: &str| Path::new(line).components().skip(1).collect::<PathBuf>();
    Ok(listing.lines().map(inside).collect())
}

fn file_in(archive: &Path, file: &str) -> Result<String> {
    output(
        Command::new("tar")
            .args(["--extract", "--to-stdout", "--gzip", "--file"])
            .arg(archive)
            .arg(file),
    )
}

fn metadata(root: &Path) -> Result<Value> {
    let mut command = cargo();
    command
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(root);
    Ok(serde_json::from_str(&output(&mut command)?)?)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
