//! `xtask/tidy.toml`: what is not tidy yet. The list may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::circles::Circle;
use super::finding::Finding;
use super::words::{Uses, instead};

const FILE: &str = "xtask/tidy.toml";
const HEAD: &str = "# What `cargo xtask tidy` does not hold against us yet. Nothing is added here: `cargo xtask tidy --shrink` takes\n\
                    # away what has become right.\n\n";

/// The exceptions of today.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ratchet {
    /// How many identifiers may have each word.
    #[serde(default)]
    vocabulary: BTreeMap<String, usize>,
    /// Two files that use each other's items, of each crate.
    #[serde(default)]
    pairs: Listed,
    /// Files that do so in a circle.
    #[serde(default)]
    circles: Listed,
}

type Listed = BTreeMap<String, Vec<BTreeSet<String>>>;

impl Ratchet {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("in {FILE}"))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        fs::write(root.join(FILE), self.text()).with_context(|| format!("writing {FILE}"))
    }

    /// One entry a line, so that a difference is easily read.
    fn text(&self) -> String {
        let mut text = format!("{HEAD}[vocabulary]\n");
        for (word, most) in &self.vocabulary {
            text += &format!("{word} = {most}\n");
        }
        for (name, listed, between) in [
            ("pairs", &self.pairs, " "),
            ("circles", &self.circles, "\n      "),
        ] {
            text += &format!("\n[{name}]\n");
            for (of, circles) in listed {
                text += &format!("{of:?} = [\n");
                for files in circles {
                    let files: Vec<_> = files.iter().map(|file| format!("{file:?}")).collect();
                    text += &format!("    [{}],\n", files.join(&format!(",{between}")));
                }
                text += "]\n";
            }
        }
        text
    }

    /// Without what is right by now.
    pub(super) fn shrunk(&self, words: &Uses, circles: &[Circle]) -> Self {
        let count = |word: &str| words.0.get(word).map_or(0, Vec::len);
        let vocabulary = self
            .vocabulary
            .iter()
            .map(|(word, most)| (word.clone(), count(word).min(*most)));
        let mut left = [Listed::new(), Listed::new()];
        for circle in circles.iter().filter(|circle| self.allows(circle)) {
            let left = &mut left[usize::from(circle.pair)];
            left.entry(circle.of.clone())
                .or_default()
                .push(circle.files.clone());
        }
        let [circles, pairs] = left;
        Self {
            vocabulary: vocabulary.filter(|(_, most)| *most > 0).collect(),
            pairs,
            circles,
        }
    }

    fn allows(&self, circle: &Circle) -> bool {
        let of = &circle.of;
        let listed = if circle.pair {
            self.pairs.get(of)
        } else {
            self.circles.get(of)
        };
        // A part of a circle is a smaller circle.
        let known = |known: &BTreeSet<String>| circle.files.is_subset(known);
        listed.is_some_and(|listed| listed.iter().any(known))
    }

    /// Adds what is worse than the list, and returns what is better.
    pub(super) fn compare(
        &self,
        words: &Uses,
        circles: &[Circle],
        findings: &mut Vec<Finding>,
    ) -> Vec<String> {
        for (word, uses) in &words.0 {
            let most = self.vocabulary.get(*word).copied().unwrap_or_default();
            if uses.len() <= most {
                continue;
            }
            let better = instead(word).unwrap_or_default();
            for (file, name) in uses {
                findings.push(Finding {
                    file: file.clone(),
                    line: 0,
                    rule: "vocabulary",
                    message: format!(
                        "`{name}`: not `{word}` but {better}; at most {most} may be left, and there are {}",
                        uses.len()
                    ),
                });
            }
        }
        for circle in circles.iter().filter(|circle| !self.allows(circle)) {
            findings.push(Finding {
                file: circle.of.clone(),
                line: 0,
                rule: "circle",
                message: format!(
                    "these files use each other's items:\n{}",
                    circle.arrows.join("\n")
                ),
            });
        }
        let shrunk = self.shrunk(words, circles);
        let mut notes = Vec::new();
        if shrunk != *self {
            notes.push(format!(
                "{FILE} lists what is right by now: `cargo xtask tidy --shrink`"
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratchet() -> Ratchet {
        toml::from_str("[vocabulary]\nlook = 1\n[circles]\na = [['x.rs', 'y.rs', 'z.rs']]\n[pairs]\na = [['x.rs', 'y.rs'], ['y.rs', 'z.rs']]\n")
            .unwrap()
    }

    fn circle(files: &[&str]) -> Circle {
        Circle {
            pair: files.len() == 2,
            of: "a".to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            arrows: Vec::new(),
        }
    }

    fn uses(count: usize) -> Uses {
        let mut uses = Uses::default();
        if count > 0 {
            uses.0
                .insert("look", vec![("x.rs".to_owned(), "look".to_owned()); count]);
        }
        uses
    }

    fn rules(count: usize, circles: &[Circle]) -> (Vec<&'static str>, usize) {
        let mut findings = Vec::new();
        let notes = ratchet().compare(&uses(count), circles, &mut findings);
        (
            findings.iter().map(|finding| finding.rule).collect(),
            notes.len(),
        )
    }

    #[test]
    fn what_is_worse_is_found_and_what_is_better_is_noted() {
        let pairs = [circle(&["x.rs", "y.rs"]), circle(&["y.rs", "z.rs"])];
        let mut listed = Vec::from(pairs);
        listed.push(circle(&["x.rs", "y.rs", "z.rs"]));
        assert_eq!(rules(1, &listed), (vec![], 0));
        assert_eq!(rules(2, &listed), (vec!["vocabulary"; 2], 0));
        assert_eq!(rules(1, &listed[..2]), (vec![], 1));
        assert_eq!(rules(0, &[circle(&["x.rs", "z.rs"])]), (vec!["circle"], 1));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let read: Ratchet = toml::from_str(&ratchet().text()).unwrap();
        assert_eq!(read, ratchet());
    }

    #[test]
    fn the_list_only_shrinks() {
        let shrunk = ratchet().shrunk(&uses(5), &[circle(&["x.rs", "z.rs"])]);
        assert_eq!(shrunk.vocabulary["look"], 1);
        assert!(shrunk.circles.is_empty() && shrunk.pairs.is_empty());
        assert!(ratchet().shrunk(&uses(0), &[]).vocabulary.is_empty());
    }
}
