//! Lists the files of the checkout, and checks their names and lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use regex::Regex;

use super::finding::Finding;

/// The files and folders allowed at the top of the checkout.
const TOP: [&str; 21] = [
    ".cargo",
    ".ci",
    ".dockerignore",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "compose.yaml",
    "deny.toml",
    "openapi",
    "rust-toolchain.toml",
];
/// Top-level folders beside `openapi/`.
const ROOMS: [&str; 3] = ["crates", "tests", "xtask"];

/// Files and folders that tools leave behind.
const LEFT_BEHIND: [&str; 13] = [
    ".DS_Store",
    ".hypothesis",
    ".idea",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".schemathesis",
    ".venv",
    ".vscode",
    "__pycache__",
    "mutants.out",
    "node_modules",
    "target",
];
const ENDINGS: [&str; 16] = [
    "~",
    ".bak",
    ".db",
    ".log",
    ".new",
    ".orig",
    ".patch",
    ".pending-snap",
    ".profraw",
    ".pyc",
    ".rej",
    ".sqlite",
    ".sqlite3",
    ".swp",
    ".tgz",
    ".tmp",
];

/// Lists the files of the checkout, including uncommitted ones, without those that git ignores.
///
/// Without git, as in an unpacked archive, lists all files outside of folders that tools create.
pub(super) fn listed(root: &Path) -> Result<Vec<PathBuf>> {
    let listing = Command::new("git")
        .args(["-c", "safe.directory=*", "-C"])
        .arg(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output();
    let mut files = match listing {
        Ok(listing) if listing.status.success() => String::from_utf8(listing.stdout)
            .context("a file name is not UTF-8")?
            .split_terminator('\0')
            .map(PathBuf::from)
            // Deleted, but the deletion is not committed.
            .filter(|file| root.join(file).is_file())
            .collect(),
        _ => {
            let mut files = Vec::new();
            walk(root, Path::new(""), &mut files)?;
            files
        }
    };
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = folder.join(&name);
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if name != ".git" && !LEFT_BEHIND.iter().any(|known| name == *known) {
            walk(root, &path, files)?;
        }
    }
    Ok(())
}

/// The name of crates.io in `Cargo.lock`, even if a mirror was used.
const USUAL: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

/// A hand-written Rust file.
pub(super) struct Source {
    /// Path from the root of the checkout.
    pub(super) path: PathBuf,
    pub(super) syntax: syn::File,
}

/// Parses the Rust files below a folder, except generated files and test modules.
pub(super) fn rust(root: &Path, folder: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    walk(root, folder, &mut files)?;
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let generated = path
            .components()
            .any(|part| part.as_os_str() == "generated");
        if generated || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(root.join(&path))?;
        let syntax = syn::parse_file(&text).with_context(|| format!("in {}", path.display()))?;
        sources.push(Source { path, syntax });
    }
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(tests_of).collect();
    sources.retain(|source| !tests.contains(&source.path));
    Ok(sources)
}

/// Whether an item is test code.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

/// The files of a file's test modules.
fn tests_of(source: &Source) -> Vec<PathBuf> {
    let stem = source.path.file_stem().unwrap_or_default();
    let mut folder = source.path.with_file_name("");
    if !["lib", "main", "mod"].iter().any(|root| stem == *root) {
        folder.push(stem);
    }
    let mut files = Vec::new();
    for item in &source.syntax.items {
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
            && is_test(&module.attrs)
        {
            let name = module.ident.to_string();
            files.push(folder.join(format!("{name}.rs")));
            files.push(folder.join(name).join("mod.rs"));
        }
    }
    files
}

/// Checks the names and lines of all files.
pub(super) fn findings(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let lines = Lines::new(root)?;
    let mut findings = Vec::new();
    for path in files {
        let name = path.to_string_lossy().replace('\\', "/");
        findings.extend(stray(&name));
        let bytes = fs::read(root.join(path)).with_context(|| format!("reading {name}"))?;
        match String::from_utf8(bytes) {
            Ok(text) => lines.check(&name, &text, &mut findings),
            Err(_) => findings.push(Finding {
                file: name,
                line: 0,
                rule: "binary",
                message: "the file is binary; generate it from its source instead".to_owned(),
            }),
        }
    }
    if let Ok(configuration) = fs::read_to_string(root.join(MUTANTS)) {
        findings.extend(unmatched(&configuration, files)?);
    }
    Ok(findings)
}

/// The configuration of `cargo xtask mutants`.
const MUTANTS: &str = ".cargo/mutants.toml";

/// Finds patterns in [`MUTANTS`] that match no file, because a module was moved or renamed.
fn unmatched(configuration: &str, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let configuration: toml::Table = toml::from_str(configuration).context(MUTANTS)?;
    let patterns = configuration
        .get("examine_globs")
        .and_then(toml::Value::as_array);
    let mut findings = Vec::new();
    for pattern in patterns.into_iter().flatten().filter_map(|it| it.as_str()) {
        let regex = regex::escape(pattern).replace(r"\*", "[^/]*");
        let regex = Regex::new(&format!("^{regex}$"))?;
        let fits = |path: &PathBuf| regex.is_match(&path.to_string_lossy().replace('\\', "/"));
        if !files.iter().any(fits) {
            findings.push(Finding {
                file: MUTANTS.to_owned(),
                line: 0,
                rule: "mutants",
                message: format!("the pattern `{pattern}` in `examine_globs` matches no file; adapt it to the new name"),
            });
        }
    }
    Ok(findings)
}

/// Checks whether a file belongs into the checkout.
fn stray(name: &str) -> Option<Finding> {
    let finding = |message: String| Finding {
        file: name.to_owned(),
        line: 0,
        rule: "stray-file",
        message,
    };
    let top = name.split('/').next().unwrap_or_default();
    if !TOP.contains(&top) && !ROOMS.contains(&top) {
        return Some(finding(format!(
            "`{top}` is not allowed at the top of the checkout; move it, or add it to TOP in xtask/src/tidy/files.rs"
        )));
    }
    let left = LEFT_BEHIND
        .iter()
        .find(|known| name.split('/').any(|part| part == **known))
        .or_else(|| ENDINGS.iter().find(|ending| name.ends_with(**ending)))?;
    Some(finding(format!(
        "`{left}` was left behind by a tool; run `git rm --cached` and add it to .gitignore"
    )))
}

/// Checks lines.
struct Lines {
    /// The root of this checkout, unless it is too short to be specific.
    root: Option<String>,
    home: Regex,
    inside: Regex,
    registry: Regex,
    /// The source of a package in `Cargo.lock`.
    locked: Regex,
    unfinished: Regex,
    conflict: Regex,
}

impl Lines {
    fn new(root: &Path) -> Result<Self> {
        let root = root.to_string_lossy().into_owned();
        Ok(Self {
            root: (root.matches('/').count() > 1).then_some(root),
            // `ma-user` is the user in every notebook.
            home: Regex::new(
                r#"(?:^|[\s"'`=(:])(?:/home/([a-z][\w.-]+)|/root/|/Users/\w|[A-Z]:\\+Users\\)"#,
            )?,
            // An absolute path that leads into a checkout of this repository.
            inside: Regex::new(
                r#"(?:^|[\s"'`=(])/[\w./-]+/(?:openapi/(?:published|lint|\w+\.yaml)|crates/modelarts|xtask/|tests/schemathesis)"#,
            )?,
            registry: Regex::new(
                r#"^\s*"resolved"\s*:|^\s*(?:@[\w-]+:)?registry\s*=\s*["']?https?:|^\s*--?(?:extra-)?index(?:-url)?\b|^\s*(?:extra-)?index-url\s*=|^\s*\[(?:source|registries)\b|\b(?:artifactor[y]|codeartifac[t]|devp[i]|jfro[g]|verdacci[o])\b"#,
            )?,
            locked: Regex::new(r#"^source = "(?:registry|sparse)\+"#)?,
            unfinished: Regex::new(r"\b(?:todo|unimplemented|dbg)!\s*\(")?,
            conflict: Regex::new("^(?:<{7}|>{7}|={7}$)")?,
        })
    }

    fn check(&self, name: &str, text: &str, findings: &mut Vec<Finding>) {
        let rust = name.ends_with(".rs");
        // Snapshots keep output unchanged, and generated files are compared by `regen --check`.
        let printed = name.ends_with(".snap") || name.starts_with("openapi/published/");
        for (index, line) in text.split('\n').enumerate() {
            let mut push = |rule, message: &str| {
                findings.push(Finding {
                    file: name.to_owned(),
                    line: index + 1,
                    rule,
                    message: message.to_owned(),
                });
            };
            if !printed && line.ends_with([' ', '\t', '\r']) {
                push(
                    "blanks",
                    "the line ends with white space or a carriage return; remove it",
                );
            }
            let of_a_person = self
                .home
                .captures(line)
                .is_some_and(|found| found.get(1).is_none_or(|user| user.as_str() != "ma-user"));
            let of_this_checkout = self
                .root
                .as_ref()
                .is_some_and(|root| line.contains(root.as_str()));
            if of_a_person || of_this_checkout || self.inside.is_match(line) {
                push(
                    "machine-path",
                    "the path exists on one machine only; make it relative to the root of the checkout",
                );
            }
            let elsewhere = self.locked.is_match(line) && !line.contains(USUAL);
            if elsewhere || self.registry.is_match(line) {
                push(
                    "registry",
                    "the line names a package registry, which is specific to one machine; remove it",
                );
            }
            if rust && self.unfinished.is_match(line) {
                push(
                    "unfinished",
                    "the code is unfinished or contains debug output; finish or remove it",
                );
            }
            if self.conflict.is_match(line) {
                push(
                    "conflict",
                    "the line is a merge conflict marker; resolve the conflict",
                );
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            findings.push(Finding {
                file: name.to_owned(),
                line: text.split('\n').count(),
                rule: "blanks",
                message: "the last line does not end with a line feed; add one".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, text: &str) -> Vec<&'static str> {
        let lines = Lines::new(Path::new("/srv/builds/checkout")).unwrap();
        let mut findings = Vec::new();
        lines.check(name, text, &mut findings);
        let stray = stray(name).map(|finding| finding.rule);
        stray
            .into_iter()
            .chain(findings.into_iter().map(|finding| finding.rule))
            .collect()
    }

    #[test]
    fn what_tools_leave_behind_is_stray() {
        for name in [
            "tests/schemathesis/.schemathesis/cache/manifest.json",
            "crates/modelarts/src/lib.rs.orig",
            "tests/clients/__pycache__/steps.pyc",
            "notes.txt",
            "scratch/main.rs",
        ] {
            assert_eq!(rules(name, ""), ["stray-file"], "{name}");
        }
        for name in [
            "Cargo.toml",
            "openapi/lint/.npmrc",
            "crates/modelarts/src/lib.rs",
        ] {
            assert!(rules(name, "").is_empty(), "{name}");
        }
    }

    #[test]
    fn paths_of_a_machine_are_found_and_those_of_a_notebook_are_not() {
        let slash = "/";
        for path in [
            "home/alice/x",
            "root/.cargo",
            "Users/bob",
            "srv/builds/checkout/x",
            "ci/17/openapi/published/iam.json",
        ] {
            let line = format!("\"location\": \"{slash}{path}\"\n");
            assert_eq!(rules("openapi/x.json", &line), ["machine-path"], "{line}");
        }
        for line in [
            "/home/ma-user/work\n",
            "https://example.org/tree/main/crates/modelarts\n",
            "`/v1/home/x`\n",
        ] {
            assert!(rules("README.md", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn registries_are_found_in_the_forms_of_each_tool() {
        let (at, sign) = ("://mirror.example", "=");
        for line in [
            format!("      \"resolved\": \"https{at}/a.tgz\","),
            format!("registry{sign}https{at}/npm"),
            format!("@scope:registry {sign} https{at}/npm"),
            format!("--index-url https{at}/simple"),
            format!("index-url {sign} https{at}/simple"),
            format!("source {sign} \"registry+http{at}/index\""),
            format!("source {sign} \"sparse+https{at}/\""),
            "[source.crates-io]".to_owned(),
        ] {
            assert_eq!(
                rules("Cargo.lock", &format!("{line}\n")),
                ["registry"],
                "{line}"
            );
        }
        let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert!(rules("Cargo.lock", usual).is_empty());
    }

    #[test]
    fn unfinished_lines_are_found() {
        let call = "(\"later\")\n";
        assert_eq!(
            rules("tests/src/lib.rs", &format!("todo!{call}")),
            ["unfinished"]
        );
        assert_eq!(
            rules("README.md", &format!("{} ours\n", "<".repeat(7))),
            ["conflict"]
        );
        assert_eq!(rules("README.md", "text \nend"), ["blanks", "blanks"]);
    }

    #[test]
    fn a_pattern_that_fits_no_file_is_a_finding() {
        let files = ["a/b/c.rs", "a/d.rs"].map(PathBuf::from);
        let of = |pattern: &str| {
            let configuration = format!("examine_globs = [\"{pattern}\"]");
            unmatched(&configuration, &files).unwrap().len()
        };
        assert_eq!(["a/d.rs", "a/b/*.rs", "a/*.rs"].map(of), [0, 0, 0]);
        assert_eq!(["a/e.rs", "*.rs", "a/b/c"].map(of), [1, 1, 1]);
    }
}
