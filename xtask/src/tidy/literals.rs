//! Finds string literals in hand-written Rust that repeat a document: statuses, error codes, paths of operations.
//!
//! Limits are not searched for: a number alone is not specific enough.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::sources::{Source, is_test};
use crate::catalogue::Catalogue;
use crate::document::Document;
use crate::workspace;

/// The statuses, codes and paths of the documents.
#[derive(Debug, Default)]
pub(super) struct Known {
    statuses: BTreeSet<String>,
    codes: BTreeSet<String>,
    /// Paths of operations with `{}` for each parameter.
    paths: BTreeSet<String>,
}

impl Known {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut known = Self::default();
        for family in workspace::families(root)? {
            match Document::read(root, &family.name)? {
                Ok(document) => known.add(&document),
                Err(problems) => bail!("{}", problems[0]),
            }
        }
        let codes = Catalogue::read(root)?.errors.into_iter();
        known.codes.extend(codes.map(|entry| entry.code));
        Ok(known)
    }

    fn add(&mut self, document: &Document) {
        for operation in document.operations() {
            let path = without_names(operation.path);
            // A path with a single fixed segment is not specific enough.
            if fixed(&path) > 1 {
                self.paths.insert(path);
            }
        }
        for (_, schema) in document.components("schemas") {
            if schema.get("x-states").is_some() {
                let values = schema.get("x-extensible-enum").and_then(Value::as_array);
                let values = values.into_iter().flatten().filter_map(Value::as_str);
                self.statuses.extend(values.map(str::to_owned));
            }
        }
    }

    /// Returns what a text repeats.
    fn find(&self, text: &str) -> Option<&'static str> {
        if has_code(text) || self.codes.contains(text) {
            return Some("an error code");
        }
        if self.statuses.contains(text) {
            return Some("a status");
        }
        let path = text.split('?').next().unwrap_or_default();
        let path = without_names(path);
        let is_path = |known: &String| {
            path.ends_with(known.as_str())
                // Also without the common prefix of all paths of a project.
                || known.splitn(4, '/').nth(3).is_some_and(|rest| {
                    known.starts_with("/v1/{}/") && fixed(rest) > 0 && path == format!("/{rest}")
                })
        };
        self.paths
            .iter()
            .any(is_path)
            .then_some("a path of an operation")
    }
}

/// Whether a text contains `ModelArts.` and four digits.
fn has_code(text: &str) -> bool {
    let mut behind = text.split("ModelArts.").skip(1);
    behind.any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits == 4
    })
}

/// The number of segments that are not parameters.
fn fixed(path: &str) -> usize {
    let segments = path.split('/');
    segments
        .filter(|segment| !segment.is_empty() && *segment != "{}")
        .count()
}

/// A path or format string with `{}` for each parameter.
fn without_names(path: &str) -> String {
    let mut parts = path.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += "{}";
        text += part.split_once('}').map_or("", |(_, rest)| rest);
    }
    text
}

/// Adds a finding for each literal that repeats a document.
pub(super) fn check(sources: &[Source], known: &Known, findings: &mut Vec<Finding>) {
    for source in sources {
        let file = source.name();
        let mut literals = Literals {
            known,
            file,
            findings,
        };
        literals.visit_file(&source.syntax);
    }
}

struct Literals<'a> {
    known: &'a Known,
    file: String,
    findings: &'a mut Vec<Finding>,
}

impl Literals<'_> {
    fn text(&mut self, literal: &syn::LitStr) {
        let text = literal.value();
        if let Some(what) = self.known.find(&text) {
            self.findings.push(Finding {
                file: self.file.clone(),
                line: 0,
                rule: "said-twice",
                message: format!(
                    "{text:?} is {what}, which a document defines; use the generated constant, enumeration or client"
                ),
            });
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.text(&text);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Literals<'_> {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.text(literal);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
    }

    // Doc comments and help texts may contain them.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let text = crate::document::SMALL.replace(
            "x-extensible-enum: [BIG, SMALL]",
            "x-extensible-enum: [BIG, SMALL], x-states: {settled: [BIG], gone: [SMALL]}",
        );
        let document = Document::parse("small", "openapi/small.yaml", &text).unwrap();
        let mut known = Known::default();
        known.add(&document);
        known.codes.insert("APIG.0101".to_owned());
        known
    }

    fn found(code: &str) -> Vec<String> {
        let source = Source {
            path: "src/a.rs".into(),
            syntax: syn::parse_file(code).unwrap(),
        };
        let mut findings = Vec::new();
        check(&[source], &known(), &mut findings);
        let messages = findings.iter().map(|it| it.message.split_once(','));
        messages
            .flatten()
            .map(|(what, _)| what.to_owned())
            .collect()
    }

    #[test]
    fn literals_outside_of_tests_are_found() {
        let code = "
            /// Not in `BIG` texts.
            const STATUS: &str = \"BIG\";
            fn f() { let _ = format!(\"{}: {}\", \"APIG.0101\", \"is ModelArts.0100\"); }
            fn g(id: u8) -> String { format!(\"{BASE}/v1/{project}/things/{id}?limit=1\") }
            fn h() { send(\"/things/{}\"); }
            #[test] fn t() { let _ = \"SMALL\"; }
            #[cfg(test)] mod tests { const T: &str = \"SMALL\"; }
        ";
        assert_eq!(
            found(code),
            [
                "\"BIG\" is a status",
                "\"APIG.0101\" is an error code",
                "\"is ModelArts.0100\" is an error code",
                "\"{BASE}/v1/{project}/things/{id}?limit=1\" is a path of an operation",
                "\"/things/{}\" is a path of an operation",
            ]
        );
    }

    #[test]
    fn similar_literals_are_not() {
        let code = "
            const A: [&str; 5] = [\"BIGGER\", \"big\", \"ModelArts\", \"/v1/{}\", \"/things\"];
            const B: &str = \"something is BIG\";
        ";
        assert_eq!(found(code), [""; 0]);
    }
}
