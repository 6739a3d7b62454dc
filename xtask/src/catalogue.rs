//! The error catalogue `openapi/errors.yaml`: reading, checking, and generating Rust from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::emit::preamble;
use crate::problem::Problem;

/// Path from the root of the checkout.
pub const FILE: &str = "openapi/errors.yaml";

const CLASSES: [&str; 11] = [
    "not_found",
    "conflict",
    "busy",
    "capacity",
    "quota",
    "throttled",
    "authentication",
    "permission",
    "frozen",
    "invalid_argument",
    "internal",
];

/// The sources of codes that are not on the service's list, each with the prefix of its codes.
const SOURCES: [(&str, &str); 4] = [
    ("observed", "ModelArts"),
    ("apig", "APIG"),
    ("apisign", "APIGW"),
    ("iam", "IAM"),
];

/// The contents of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Which codes of the service's list the catalogue covers.
    pub selection: Selection,
    /// The codes, in ascending order.
    pub errors: Vec<Entry>,
}

/// Selects codes of the service's list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The first two of the four digits of the code.
    pub prefixes: Vec<String>,
}

/// An error code with its statuses and meanings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The code: `ModelArts.` and four digits; `APIG.`, `APIGW.` or `IAM.` for gateways and the identity service.
    pub code: String,
    /// One of `SOURCES` if the code is not on the service's list.
    #[serde(default, rename = "x-source")]
    pub source: Option<String>,
    /// The HTTP statuses with which the service returns the code.
    pub statuses: Vec<u16>,
    /// The meaning for all statuses that are not in `by_status`.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// Whether the resource may already be in the requested state.
    #[serde(default)]
    pub already_in_state: bool,
    /// Meanings that differ for one status.
    #[serde(default)]
    pub by_status: BTreeMap<u16, Meaning>,
}

/// What a code means and what to do about it.
#[derive(Debug, Deserialize)]
pub struct Meaning {
    /// The error class, one of `CLASSES`.
    pub class: String,
    /// One sentence: what happened.
    pub meaning: String,
    /// One sentence: what to do.
    pub remedy: String,
}

impl Catalogue {
    /// Reads `openapi/errors.yaml` below the root of a checkout.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
        Self::parse(&text).with_context(|| format!("in {FILE}"))
    }

    /// Reads a catalogue from its text.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(serde_saphyr::from_str(text)?)
    }

    /// Returns every violation of the rules for the catalogue.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut report = |code: &str, rule, message: String| {
            found.push(Problem {
                file: FILE.to_owned(),
                pointer: format!("/errors/{code}"),
                rule,
                message,
            });
        };
        let mut last = "";
        for entry in &self.errors {
            let code = entry.code.as_str();
            if code <= last {
                report(
                    code,
                    "catalogue-order",
                    format!("is listed after {last}; list each code once, in ascending order"),
                );
            }
            last = code;
            let (prefix, digits) = code.split_once('.').unwrap_or_default();
            let expected = match entry.source.as_deref() {
                None => Some("ModelArts"),
                Some(source) => SOURCES
                    .iter()
                    .find(|(known, _)| *known == source)
                    .map(|(_, prefix)| *prefix),
            };
            match expected {
                None => report(
                    code,
                    "catalogue-source",
                    format!(
                        "`x-source` must be one of {}",
                        SOURCES.map(|(name, _)| name).join(", ")
                    ),
                ),
                Some(expected) => {
                    let is_code = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
                    if prefix != expected || !is_code {
                        report(
                            code,
                            "catalogue-code",
                            format!("a code of this source must be `{expected}.` and four digits"),
                        );
                    }
                }
            }
            if entry.statuses.is_empty() || entry.statuses.iter().any(|s| !(400..600).contains(s)) {
                report(
                    code,
                    "catalogue-status",
                    "`statuses` must list at least one HTTP error status (400 to 599)".to_owned(),
                );
            }
            for meaning in std::iter::once(&entry.meaning).chain(entry.by_status.values()) {
                if !CLASSES.contains(&meaning.class.as_str()) {
                    report(
                        code,
                        "catalogue-class",
                        format!(
                            "the class `{}` must be one of {}",
                            meaning.class,
                            CLASSES.join(", ")
                        ),
                    );
                }
                if meaning.meaning.trim().is_empty() || meaning.remedy.trim().is_empty() {
                    report(
                        code,
                        "catalogue-text",
                        "`meaning` and `remedy` must be sentences that end with a full stop"
                            .to_owned(),
                    );
                }
            }
            if let Some(foreign) = entry.by_status.keys().find(|s| !entry.statuses.contains(s)) {
                report(
                    code,
                    "catalogue-status",
                    format!(
                        "`by_status` has {foreign}, which is not in `statuses`; add it there or remove it"
                    ),
                );
            }
        }
        found
    }

    /// Generates the lookup table of `ErrorCode`. It is formatted here because a formatter would put each word on a
    /// line.
    pub fn module(&self) -> Result<String> {
        let mut out = preamble(FILE)
            + "use std::borrow::Cow;\n\n\
               use crate::error_code::ErrorClass::*;\n\
               use crate::error_code::{ErrorCode, ErrorEntry, Meaning};\n\n\
               pub(crate) static CATALOGUE: &[ErrorEntry] = &[\n";
        for entry in &self.errors {
            writeln!(
                out,
                "    ErrorEntry::new({:?}, &{:?}, {}){}{},",
                entry.code,
                entry.statuses,
                rust(&entry.meaning, "        "),
                if entry.already_in_state {
                    "\n        .in_state()"
                } else {
                    ""
                },
                by_status(&entry.by_status)?,
            )?;
        }
        out.push_str("];\n\n/// The codes of the error catalogue.\nimpl ErrorCode {\n");
        for entry in &self.errors {
            writeln!(
                out,
                "    /// `{0}`: {1}\n    pub const {2}: Self = Self(Cow::Borrowed({0:?}));",
                entry.code,
                entry.meaning.meaning.trim(),
                entry.constant(),
            )?;
        }
        out.push_str("}\n");
        syn::parse_file(&out).context("the generated catalogue does not parse")?;
        Ok(out)
    }
}

impl Entry {
    /// `ModelArts.6309` → `MODELARTS_6309`.
    fn constant(&self) -> String {
        self.code.replace('.', "_").to_uppercase()
    }
}

/// The code of the meanings that differ for one status.
fn by_status(meanings: &BTreeMap<u16, Meaning>) -> Result<String> {
    if meanings.is_empty() {
        return Ok(String::new());
    }
    let mut out = "\n        .by_status(&[\n".to_owned();
    for (status, meaning) in meanings {
        writeln!(
            out,
            "            ({status}, {}),",
            rust(meaning, "                ")
        )?;
    }
    Ok(out + "        ])")
}

fn rust(meaning: &Meaning, indent: &str) -> String {
    format!(
        "Meaning::new({},\n{indent}{:?},\n{indent}{:?})",
        crate::enums::variant_name(&meaning.class),
        meaning.meaning.trim(),
        meaning.remedy.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
selection: {prefixes: ['63']}
errors:
  - {code: ModelArts.6309, statuses: [400], class: not_found, meaning: Gone., remedy: Look.}
";

    fn rules(text: &str) -> Vec<&'static str> {
        let catalogue = Catalogue::parse(text).unwrap();
        catalogue
            .problems()
            .iter()
            .map(|problem| problem.rule)
            .collect()
    }

    #[test]
    fn a_good_catalogue_has_no_problems() {
        assert!(rules(GOOD).is_empty());
    }

    #[test]
    fn each_rule_finds_its_fault() {
        assert_eq!(
            rules(&GOOD.replace("not_found", "lost")),
            ["catalogue-class"]
        );
        assert_eq!(rules(&GOOD.replace("[400]", "[204]")), ["catalogue-status"]);
        assert_eq!(rules(&GOOD.replace("6309", "63")), ["catalogue-code"]);
        let gateway = GOOD.replace("ModelArts.6309", "APIG.0101");
        assert_eq!(rules(&gateway), ["catalogue-code"]);
        let sourced =
            |source: &str| gateway.replace("class", &format!("x-source: {source}, class"));
        assert!(rules(&sourced("apig")).is_empty());
        assert_eq!(rules(&sourced("apisign")), ["catalogue-code"]);
        assert_eq!(rules(&sourced("hearsay")), ["catalogue-source"]);
        assert_eq!(rules(&GOOD.replace("Look.", "''")), ["catalogue-text"]);
        let twice = format!("{GOOD}{}", GOOD.lines().last().unwrap());
        assert_eq!(rules(&twice), ["catalogue-order"]);
    }

    #[test]
    fn codes_are_constants_with_their_meaning() {
        let code = Catalogue::parse(GOOD).unwrap().module().unwrap();
        for expected in [
            "    /// `ModelArts.6309`: Gone.\n    pub const MODELARTS_6309: Self",
            "    ErrorEntry::new(\"ModelArts.6309\", &[400], Meaning::new(NotFound,\n        \"Gone.\",\n        \"Look.\")),\n",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        assert!(Catalogue::parse(&GOOD.replace("remedy", "remdy")).is_err());
    }
}
