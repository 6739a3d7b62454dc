//! Rules for `x-rules`, which describe behaviour over time or between fields that schemas cannot express.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use syn::visit::Visit;

use super::Rule;
use super::parts;
use crate::document::{Document, text, walk};
use crate::problem::{Problem, push};
use crate::source::Source;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "rule-form",
        why: "a rule needs an id, one sentence, a source, and a reason if the emulator does not follow it",
        run: rule_form,
    },
    Rule {
        name: "rule-place",
        why: "rules are read on operations, parameters, schemas and properties; beside `$ref` they are ignored",
        run: rule_place,
    },
];

/// Folder of the tests that cover the rules.
const TESTS: &str = "crates/modelarts-emulator/tests";

/// Every rule with its pointer.
fn entries(document: &Document) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let rules = value.get("x-rules").and_then(Value::as_array);
        for (index, rule) in rules.into_iter().flatten().enumerate() {
            let pointer = push(&push(pointer, "x-rules"), &index.to_string());
            found.push((pointer, rule));
        }
    });
    found
}

fn rule_form(document: &Document) -> Vec<Problem> {
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for (pointer, rule) in entries(document) {
        let id = text(rule, "id");
        let is_id = |id: &str| {
            let parts = id.split('-');
            id.contains('-')
                && parts.clone().all(|part| {
                    !part.is_empty()
                        && part
                            .bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                })
        };
        let sentence = text(rule, "text");
        let begins = sentence.starts_with(|letter: char| letter.is_uppercase() || letter == '`');
        let keys = rule
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str());
        let unknown = keys
            .into_iter()
            .find(|key| !["id", "text", "source", "emulated", "why"].contains(key));
        let emulated = rule.get("emulated");
        let excused = emulated == Some(&Value::Bool(false)) && !text(rule, "why").is_empty();
        let message = if !is_id(id) {
            format!("`{id}` is not an id: use lower-case words joined by hyphens")
        } else if !known.insert(id) {
            format!("`{id}` is already the id of another rule")
        } else if !begins || !sentence.ends_with('.') {
            "`text` must be one sentence, from a capital letter to a full stop".to_owned()
        } else if !has_sources(rule) {
            "`source` must be a page, table or sample, `sample`, `observed` or `sdk`, or a list of these"
                .to_owned()
        } else if let Some(key) = unknown {
            format!("unknown key `{key}`")
        } else if (emulated.is_some() || rule.get("why").is_some()) && !excused {
            "a rule that the emulator does not follow needs both `emulated: false` and `why`; other rules have neither"
                .to_owned()
        } else {
            continue;
        };
        found.push(document.problem(pointer, "rule-form", message));
    }
    found
}

fn rule_place(document: &Document) -> Vec<Problem> {
    let operations = document.operations().map(|operation| operation.pointer());
    let parameters = parts::parameters(document)
        .into_iter()
        .map(|part| part.pointer);
    let components = parts::components(document).map(|(_, part)| part.pointer);
    let properties = parts::properties(document)
        .into_iter()
        .filter(|property| property.value.get("$ref").is_none())
        .map(|property| property.pointer);
    let places: HashSet<String> = operations
        .chain(parameters)
        .chain(components)
        .chain(properties)
        .collect();
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        if value.get("x-rules").is_some() && !places.contains(pointer) {
            let message =
                "is ignored here; move it to the operation, parameter, schema or property";
            found.push(document.problem(push(pointer, "x-rules"), "rule-place", message));
        }
    });
    found
}

/// Whether a rule has one source or a list of different ones.
fn has_sources(rule: &Value) -> bool {
    let is_source = |source: &Value| source.as_str().and_then(Source::parse).is_some();
    match rule.get("source") {
        Some(Value::Array(sources)) => {
            let mut known = HashSet::new();
            sources.len() > 1
                && sources
                    .iter()
                    .all(|source| is_source(source) && known.insert(source.as_str()))
        }
        Some(source) => is_source(source),
        None => false,
    }
}

/// Finds rules without an emulator test, and tests of rules that the emulator does not follow.
pub(super) fn untested(root: &Path, documents: &[Document]) -> Result<Vec<Problem>> {
    let mut named = HashSet::new();
    read(&root.join(TESTS), &mut named)?;
    Ok(documents
        .iter()
        .flat_map(|document| without_test(document, &named))
        .collect())
}

fn without_test(document: &Document, named: &HashSet<String>) -> Vec<Problem> {
    entries(document)
        .into_iter()
        .filter_map(|(pointer, rule)| {
            let id = text(rule, "id");
            let is_emulated = rule.get("emulated").is_none();
            let message = match (is_emulated, named.contains(id)) {
                (true, false) => format!(
                    "no emulator test calls `rules(&[{id:?}])` and asserts something; write one, or add `emulated: false` with `why`"
                ),
                (false, true) => format!(
                    "an emulator test covers `{id}`, so the emulator follows it; remove `emulated` and `why`"
                ),
                _ => return None,
            };
            Some(document.problem(pointer, "rule-tested", message))
        })
        .collect()
}

/// Collects the ids of the rules that the tests in a folder cover.
fn read(folder: &Path, named: &mut HashSet<String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, named)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let file =
                syn::parse_file(&text).with_context(|| format!("parsing {}", path.display()))?;
            named_by(&file, named);
        }
    }
    Ok(())
}

/// Collects the ids that test functions pass to `rules`, if the function also asserts something.
fn named_by(file: &syn::File, named: &mut HashSet<String>) {
    let mut tests = Tests { named };
    tests.visit_file(file);
}

struct Tests<'a> {
    named: &'a mut HashSet<String>,
}

impl<'ast> Visit<'ast> for Tests<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let is_test = function.attrs.iter().any(|attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "test")
        });
        if !is_test {
            return;
        }
        let mut body = Body::default();
        body.visit_block(&function.block);
        if body.asserts {
            self.named.extend(body.rules);
        }
    }
}

/// The ids and assertions in the body of a test.
#[derive(Default)]
struct Body {
    rules: Vec<String>,
    asserts: bool,
}

impl<'ast> Visit<'ast> for Body {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let is_rules = matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("rules"));
        if is_rules
            && let Some(syn::Expr::Reference(list)) = call.args.first()
            && let syn::Expr::Array(list) = &*list.expr
        {
            self.rules
                .extend(list.elems.iter().filter_map(|item| match item {
                    syn::Expr::Lit(syn::ExprLit {
                        lit: syn::Lit::Str(id),
                        ..
                    }) => Some(id.value()),
                    _ => None,
                }));
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let name = called.path.segments.last();
        self.asserts |= name.is_some_and(|name| name.ident.to_string().starts_with("assert"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_a_test_or_a_reason() {
        let document = Document::parse(
            "t",
            "openapi/t.yaml",
            "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      operationId: showA
      x-rules:
        - {id: a-one, text: One., source: observed}
        - {id: a-two, text: Two., source: observed, emulated: false, why: So.}
        - {id: a-three, text: Three., source: observed}
        - {id: a-four, text: Four., source: observed, emulated: false, why: So.}
      responses: {'200': {description: ok}}
",
        )
        .unwrap();
        let named = HashSet::from(["a-one", "a-three-more", "a-four"].map(str::to_owned));
        let found = without_test(&document, &named);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].pointer.ends_with("/get/x-rules/2"), "{found:?}");
        assert!(found[0].message.contains("a-three"), "{found:?}");
        assert!(found[1].pointer.ends_with("/get/x-rules/3"), "{found:?}");
    }

    #[test]
    fn only_tests_with_assertions_count() {
        let file = syn::parse_file(
            r#"
            // rules(&["in-comment"])
            const TEXT: &str = "rules(&[\"in-text\"])";
            fn helper() { rules(&["in-helper"]); assert!(true); }
            #[test]
            fn plain() { rules(&["plain", "second"]); assert_eq!(1, 1); }
            #[tokio::test]
            async fn waits() { rules(&["nested"]); for _ in 0..1 { assert!(true); } }
            #[test]
            fn idle() { rules(&["idle"]); }
            #[test]
            fn other() { others(&["other"]); let text = "loose"; assert!(true); }
            "#,
        )
        .unwrap();
        let mut named = HashSet::new();
        named_by(&file, &mut named);
        let mut named: Vec<String> = named.into_iter().collect();
        named.sort();
        assert_eq!(named, ["nested", "plain", "second"]);
    }

    #[test]
    fn a_rule_has_one_source_or_a_list_of_different_ones() {
        for (source, fits) in [
            (r#""observed""#, true),
            (r#""CreateNotebook T2""#, true),
            (r#"["CreateNotebook T2", "observed"]"#, true),
            (r#"["CreateNotebook T2"]"#, false),
            (r#"["observed", "observed"]"#, false),
            (r#"["observed", "hear say"]"#, false),
            (r#""hear say""#, false),
            ("7", false),
        ] {
            let rule: Value = serde_json::from_str(&format!(r#"{{"source": {source}}}"#)).unwrap();
            assert_eq!(has_sources(&rule), fits, "{source}");
        }
    }
}
