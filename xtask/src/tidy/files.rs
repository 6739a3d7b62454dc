//! Which files there are, and what must not stand in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use regex::Regex;

use super::finding::Finding;

/// What may lie at the top of the checkout.
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
/// Folders at the top beside those of `openapi/`.
const ROOMS: [&str; 3] = ["crates", "tests", "xtask"];

/// What tools leave behind.
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

/// The files of the checkout, those that are not committed yet included, and those that git ignores left out.
///
/// Without git, as in an unpacked archive, all but what lies in folders that tools make.
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
            // Deleted, and not committed yet.
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

/// How `Cargo.lock` names crates.io, whatever mirror was used.
const USUAL: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

/// A Rust file that was written by hand.
pub(super) struct Source {
    /// Path from the root of the checkout.
    pub(super) path: PathBuf,
    pub(super) syntax: syn::File,
}

/// The Rust files below a folder, but for those that are generated and those that are there for tests alone.
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

/// Whether code is there for tests alone.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

/// The files of a file's modules that are there for tests alone.
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

/// Everything that is wrong with names and lines of files.
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
                message: "no file of the checkout is binary: make it from its source instead"
                    .to_owned(),
            }),
        }
    }
    if let Ok(configuration) = fs::read_to_string(root.join(MUTANTS)) {
        findings.extend(unmatched(&configuration, files)?);
    }
    Ok(findings)
}

/// Which modules `cargo xtask mutants` changes.
const MUTANTS: &str = ".cargo/mutants.toml";

/// Patterns of [`MUTANTS`] that fit no file: its module was moved or renamed, and is changed no more.
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
                message: format!("no file is named like `{pattern}` of `examine_globs`"),
            });
        }
    }
    Ok(findings)
}

/// A file that does not belong into the checkout.
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
            "`{top}` is new at the top: move it, or list it in TOP of xtask/src/tidy/files.rs"
        )));
    }
    let left = LEFT_BEHIND
        .iter()
        .find(|known| name.split('/').any(|part| part == **known))
        .or_else(|| ENDINGS.iter().find(|ending| name.ends_with(**ending)))?;
    Some(finding(format!(
        "`{left}` is left behind by a tool: `git rm --cached` it, and name it in .gitignore"
    )))
}

/// What must not stand in a line.
struct Lines {
    /// The root of this checkout, when it tells anything.
    root: Option<String>,
    home: Regex,
    inside: Regex,
    registry: Regex,
    /// Where a package of `Cargo.lock` comes from.
    locked: Regex,
    unfinished: Regex,
    conflict: Regex,
}

impl Lines {
    fn new(root: &Path) -> Result<Self> {
        let root = root.to_string_lossy().into_owned();
        Ok(Self {
            root: (root.matches('/').count() > 1).then_some(root),
            // `ma-user` is the user inside every notebook.
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
        // What the program prints is kept as it is, and what is generated is compared whole.
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
                push("blanks", "the line ends with a blank or a carriage return");
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
                    "the path exists on one machine only: write it from the root of the checkout",
                );
            }
            let elsewhere = self.locked.is_match(line) && !line.contains(USUAL);
            if elsewhere || self.registry.is_match(line) {
                push(
                    "registry",
                    "no file names the registry that packages came from, which differs from place to place",
                );
            }
            if rust && self.unfinished.is_match(line) {
                push(
                    "unfinished",
                    "the code is not finished, or prints what it was debugged with",
                );
            }
            if self.conflict.is_match(line) {
                push("conflict", "a merge was not finished");
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            findings.push(Finding {
                file: name.to_owned(),
                line: text.split('\n').count(),
                rule: "blanks",
                message: "the last line has no end".to_owned(),
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
