//! Checks the lines of all files: machine-specific text, unfinished code, white space.

use std::path::Path;

use anyhow::Result;
use regex::Regex;

use super::finding::Finding;

/// The name of crates.io in `Cargo.lock`, even if a mirror was used.
const CRATES_IO: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

/// The patterns of the rules.
pub(super) struct Lines {
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
    pub(super) fn new(root: &Path) -> Result<Self> {
        let root = root.to_string_lossy().into_owned();
        Ok(Self {
            root: (root.matches('/').count() > 1).then_some(root),
            // A home folder, with the name of the user.
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

    /// Adds the findings in a file.
    pub(super) fn check(&self, name: &str, text: &str, findings: &mut Vec<Finding>) {
        for (index, line) in text.split('\n').enumerate() {
            for (rule, message) in self.broken_rules(name, line) {
                findings.push(Finding {
                    file: name.to_owned(),
                    line: index + 1,
                    rule,
                    message: message.to_owned(),
                });
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

    /// The rules that a line breaks, each with its message.
    fn broken_rules(&self, name: &str, line: &str) -> Vec<(&'static str, &'static str)> {
        // Snapshots keep output unchanged, and generated files are compared by `regen --check`.
        let is_output = name.ends_with(".snap") || name.starts_with("openapi/published/");
        let has_registry =
            self.registry.is_match(line) || self.locked.is_match(line) && !line.contains(CRATES_IO);
        let rules = [
            (
                !is_output && line.ends_with([' ', '\t', '\r']),
                "blanks",
                "the line ends with white space or a carriage return; remove it",
            ),
            (
                self.is_machine_path(line),
                "machine-path",
                "the path exists on one machine only; make it relative to the root of the checkout",
            ),
            (
                has_registry,
                "registry",
                "the line names a package registry, which is specific to one machine; remove it",
            ),
            (
                name.ends_with(".rs") && self.unfinished.is_match(line),
                "unfinished",
                "the code is unfinished or contains debug output; finish or remove it",
            ),
            (
                self.conflict.is_match(line),
                "conflict",
                "the line is a merge conflict marker; resolve the conflict",
            ),
        ];
        rules
            .into_iter()
            .filter_map(|(is_broken, rule, message)| is_broken.then_some((rule, message)))
            .collect()
    }

    fn is_machine_path(&self, line: &str) -> bool {
        // `ma-user` is the user in every notebook.
        let is_home = self
            .home
            .captures(line)
            .is_some_and(|found| found.get(1).is_none_or(|user| user.as_str() != "ma-user"));
        let is_checkout = self.root.as_deref().is_some_and(|root| line.contains(root));
        is_home || is_checkout || self.inside.is_match(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, text: &str) -> Vec<&'static str> {
        let lines = Lines::new(Path::new("/srv/builds/checkout")).unwrap();
        let mut findings = Vec::new();
        lines.check(name, text, &mut findings);
        findings.into_iter().map(|finding| finding.rule).collect()
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
}
