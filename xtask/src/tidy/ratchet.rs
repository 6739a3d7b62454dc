//! `xtask/tidy.toml`: what is not tidy yet. The list may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::circles::Circle;
use super::finding::Finding;
use super::literals::Literals;
use super::survey::Survey;
use super::words::instead;

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
    /// Files and folders that say what a document says.
    #[serde(default)]
    literals: BTreeMap<String, Repeating>,
}

/// How many texts of a file or folder repeat a document, and why.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeating {
    texts: usize,
    reason: String,
}

/// File, text, and what that is.
type Text<'a> = (&'a str, &'a str, &'static str);
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
        text += "\n[literals]\n";
        for (file, Repeating { texts, reason }) in &self.literals {
            text += &format!("{file:?} = {{ texts = {texts}, reason = {reason:?} }}\n");
        }
        text
    }

    /// Without what is right by now.
    pub(super) fn shrunk(&self, survey: &Survey) -> Self {
        let Survey {
            words,
            circles,
            literals,
        } = survey;
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
        let counts = self.texts(literals);
        let literals = self.literals.iter().filter_map(|(place, known)| {
            let texts = counts.get(place.as_str())?.len().min(known.texts);
            let reason = known.reason.clone();
            Some((place.clone(), Repeating { texts, reason }))
        });
        Self {
            literals: literals.collect(),
            vocabulary: vocabulary.filter(|(_, most)| *most > 0).collect(),
            pairs,
            circles,
        }
    }

    /// Texts by the file or folder of the list that they count for, and those that the list does not know by file.
    fn texts<'a>(&'a self, literals: &'a Literals) -> BTreeMap<&'a str, Vec<Text<'a>>> {
        let mut places: BTreeMap<&str, Vec<Text<'_>>> = BTreeMap::new();
        for (file, repeated) in literals {
            let known = self.literals.keys().map(String::as_str);
            let place = known.filter(|place| Path::new(file).starts_with(place));
            let place = place.max_by_key(|place| place.len()).unwrap_or(file);
            let texts = repeated.iter();
            let texts = texts.map(|(text, what)| (file.as_str(), text.as_str(), *what));
            places.entry(place).or_default().extend(texts);
        }
        places
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
    pub(super) fn compare(&self, survey: &Survey, findings: &mut Vec<Finding>) -> Vec<String> {
        let Survey {
            words,
            circles,
            literals,
        } = survey;
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
        for (place, repeated) in self.texts(literals) {
            let most = self.literals.get(place).map_or(0, |known| known.texts);
            if repeated.len() <= most {
                continue;
            }
            for (file, text, what) in repeated {
                findings.push(Finding {
                    file: file.to_owned(),
                    line: 0,
                    rule: "said-twice",
                    message: format!(
                        "{text:?} is {what}, which a document says already: use what is generated from it, or say in \
                         {FILE} why not; {place} may have {most}"
                    ),
                });
            }
        }
        let shrunk = self.shrunk(survey);
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
        toml::from_str("[literals]\n'src' = {texts = 2, reason = 'it must'}\n[vocabulary]\nlook = 1\n[circles]\na = [['x.rs', 'y.rs', 'z.rs']]\n[pairs]\na = [['x.rs', 'y.rs'], ['y.rs', 'z.rs']]\n")
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

    /// With a number of words and of texts, and these circles.
    fn survey(words: usize, texts: usize, circles: Vec<Circle>) -> Survey {
        let mut survey = Survey {
            circles,
            ..Survey::default()
        };
        if words > 0 {
            let uses = vec![("x.rs".to_owned(), "look".to_owned()); words];
            survey.words.0.insert("look", uses);
        }
        if texts > 0 {
            let repeated = vec![("RUNNING".to_owned(), "a status"); texts];
            survey.literals.insert("src/x.rs".to_owned(), repeated);
        }
        survey
    }

    fn rules(words: usize, texts: usize, circles: Vec<Circle>) -> (Vec<&'static str>, usize) {
        let mut findings = Vec::new();
        let notes = ratchet().compare(&survey(words, texts, circles), &mut findings);
        (
            findings.iter().map(|finding| finding.rule).collect(),
            notes.len(),
        )
    }

    #[test]
    fn what_is_worse_is_found_and_what_is_better_is_noted() {
        let pairs = || vec![circle(&["x.rs", "y.rs"]), circle(&["y.rs", "z.rs"])];
        let listed = || {
            let mut listed = pairs();
            listed.push(circle(&["x.rs", "y.rs", "z.rs"]));
            listed
        };
        assert_eq!(rules(1, 2, listed()), (vec![], 0));
        assert_eq!(rules(2, 2, listed()), (vec!["vocabulary"; 2], 0));
        assert_eq!(rules(1, 3, listed()), (vec!["said-twice"; 3], 0));
        assert_eq!(rules(1, 1, listed()), (vec![], 1));
        assert_eq!(rules(1, 2, pairs()), (vec![], 1));
        let other = vec![circle(&["x.rs", "z.rs"])];
        assert_eq!(rules(0, 2, other), (vec!["circle"], 1));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let read: Ratchet = toml::from_str(&ratchet().text()).unwrap();
        assert_eq!(read, ratchet());
    }

    #[test]
    fn the_list_only_shrinks() {
        let shrunk = ratchet().shrunk(&survey(5, 5, vec![circle(&["x.rs", "z.rs"])]));
        assert_eq!(shrunk.vocabulary["look"], 1);
        assert_eq!(shrunk.literals["src"].texts, 2);
        assert!(shrunk.circles.is_empty() && shrunk.pairs.is_empty());
        let shrunk = ratchet().shrunk(&survey(0, 0, Vec::new()));
        assert!(shrunk.vocabulary.is_empty() && shrunk.literals.is_empty());
    }
}
