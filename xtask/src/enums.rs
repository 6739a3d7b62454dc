//! Generates Rust for the open enumerations of a document.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::document::{Document, text};

/// The named string enumerations to which the service may add values.
pub(crate) fn open_enums(document: &Document) -> impl Iterator<Item = (&str, &Value)> {
    document.components("schemas").filter(|(_, schema)| {
        schema.get("x-extensible-enum").is_some() && text(schema, "type") == "string"
    })
}

/// The entries of a list of texts; empty if the member is missing.
pub(crate) fn texts<'a>(schema: &'a Value, key: &str) -> Vec<&'a str> {
    schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Generates the module `enums`, formatted, since formatters skip the arguments of macros.
pub(crate) fn module(document: &Document) -> Result<String> {
    let mut out = String::new();
    if open_enums(document).any(|(_, schema)| !states(schema).is_empty()) {
        out.push_str("use crate::lifecycle::phases;\n");
    }
    if open_enums(document).next().is_some() {
        out.push_str("use crate::open::open_enum;\n");
    }
    for (name, schema) in open_enums(document) {
        out.push_str(&open_enum(name, schema)?);
    }
    Ok(out)
}

fn open_enum(name: &str, schema: &Value) -> Result<String> {
    let values = texts(schema, "x-extensible-enum");
    let descriptions = schema.get("x-enum-descriptions");
    let mut variants = String::new();
    let mut taken = HashSet::from(["Unknown".to_owned()]);
    for (index, value) in values.iter().enumerate() {
        let variant = variant(schema, &values, index);
        if variant.is_empty() || !taken.insert(variant.clone()) {
            bail!(
                "schema {name}: the value `{value}` has no unique variant name; add x-enum-varnames"
            );
        }
        let description = match descriptions.map_or("", |map| text(map, value)) {
            "" => format!("`{value}`."),
            known => format!("`{value}`: {}", lower_first(known)),
        };
        writeln!(
            variants,
            "{}        {variant} = {value:?},",
            comment(&description, 8)
        )?;
    }
    let page = match texts(schema, "x-source") {
        pages if pages.is_empty() => String::new(),
        pages => format!("\n\nSource: {}.", pages.join(", ")),
    };
    let text = format!(
        "{}{page}\n\nThe service may add values; see [`Open`](crate::Open).",
        text(schema, "description").trim()
    );
    let mut out = format!(
        "\nopen_enum! {{\n{}    {name} {{\n{variants}    }}\n}}\n",
        comment(&text, 4)
    );
    write!(
        out,
        "\n/// A [`{name}`] that keeps the received spelling and unknown values.\npub type Open{name} = crate::Open<{name}>;\n"
    )?;
    out.push_str(&phases(name, schema, &values)?);
    Ok(out)
}

/// The groups of `x-states`.
pub(crate) const STATES: [&str; 4] = ["transient", "settled", "failed", "gone"];

/// An entry of `x-states`: the value of a status, its group, and its actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State<'a> {
    pub(crate) group: &'a str,
    pub(crate) value: &'a str,
    pub(crate) actions: Vec<&'a str>,
}

/// Every entry of `x-states`; none if the enumeration has no life cycle.
pub(crate) fn states(schema: &Value) -> Vec<State<'_>> {
    let groups = schema.get("x-states").and_then(Value::as_object);
    let mut found = Vec::new();
    for (group, entries) in groups.into_iter().flatten() {
        for value in entries.as_object().into_iter().flat_map(|map| map.keys()) {
            found.push(State {
                group,
                value,
                actions: texts(entries, value),
            });
        }
    }
    found
}

/// The actions in the `x-states` of all documents, sorted.
pub(crate) fn actions(documents: &[Document]) -> BTreeSet<&str> {
    let schemas = documents.iter().flat_map(open_enums);
    schemas
        .flat_map(|(_, schema)| states(schema))
        .flat_map(|state| state.actions)
        .collect()
}

/// Generates the module `actions`.
pub(crate) fn actions_module(documents: &[Document]) -> String {
    let actions = actions(documents);
    let variants: String = actions
        .iter()
        .map(|action| format!("    /// `{action}`.\n    {},\n", variant_name(action)))
        .collect();
    format!(
        "/// An action that moves a resource from one status to another, from `x-states` of the documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action {{\n{variants}}}
        "
    )
}

/// Generates the phase of each value from `x-states`.
fn phases(name: &str, schema: &Value, values: &[&str]) -> Result<String> {
    let states = states(schema);
    if states.is_empty() {
        return Ok(String::new());
    }
    let ending: Vec<&str> = states
        .iter()
        .filter(|state| state.group == "gone")
        .flat_map(|state| state.actions.iter().copied())
        .collect();
    let mut out = format!("\nphases! {{\n    {name} {{\n");
    for (index, value) in values.iter().enumerate() {
        let Some(state) = states.iter().find(|state| state.value == *value) else {
            bail!("schema {name}: `{value}` is missing in x-states");
        };
        let actions: Vec<String> = state.actions.iter().copied().map(variant_name).collect();
        let ends = !actions.is_empty() && state.actions.iter().all(|it| ending.contains(it));
        let list = format!(" [{}]", actions.join(", "));
        let (phase, list) = match state.group {
            "transient" if ends => ("Ending", list.as_str()),
            "transient" => ("Transient", list.as_str()),
            "settled" => ("Settled", list.as_str()),
            "failed" => ("Failed", list.as_str()),
            "gone" => ("Gone", ""),
            other => bail!("schema {name}: `{other}` is not a group of x-states"),
        };
        let variant = variant(schema, values, index);
        writeln!(out, "        {variant} => {phase}{list},")?;
    }
    Ok(out + "    }\n}\n")
}

/// A text as an indented doc comment.
pub(crate) fn comment(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    text.lines()
        .map(|line| format!("{space}/// {line}").trim_end().to_owned() + "\n")
        .collect()
}

fn lower_first(text: &str) -> String {
    // A leading acronym keeps its capitals.
    let second_is_lower = text
        .chars()
        .nth(1)
        .is_some_and(|c| c.is_lowercase() || c == ' ');
    match text.chars().next() {
        Some(first) if second_is_lower => {
            first.to_lowercase().collect::<String>() + &text[first.len_utf8()..]
        }
        _ => text.to_owned(),
    }
}

/// The variant name of the value at `index`, from `x-enum-varnames` if the document has it.
pub(crate) fn variant(schema: &Value, values: &[&str], index: usize) -> String {
    let named = texts(schema, "x-enum-varnames");
    variant_name(named.get(index).unwrap_or(&values[index]))
}

/// `CREATE_FAILED` → `CreateFailed`, `X86_64` → `X86_64`.
pub(crate) fn variant_name(value: &str) -> String {
    let mut name = String::new();
    for part in value.split(|c: char| !c.is_ascii_alphanumeric()) {
        let digits_meet = name.ends_with(|c: char| c.is_ascii_digit())
            && part.starts_with(|c: char| c.is_ascii_digit());
        if digits_meet {
            name.push('_');
        }
        let shouting = !part.contains(|c: char| c.is_ascii_lowercase());
        let mut characters = part.chars();
        name.extend(characters.next().map(|c| c.to_ascii_uppercase()));
        if shouting {
            name.push_str(&characters.as_str().to_ascii_lowercase());
        } else {
            name.push_str(characters.as_str());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variants_are_named_like_rust_names() {
        for (value, name) in [
            ("CREATE_FAILED", "CreateFailed"),
            ("X86_64", "X86_64"),
            ("onSale", "OnSale"),
            ("creation_timestamp", "CreationTimestamp"),
            ("GPU", "Gpu"),
            ("GitHub", "GitHub"),
        ] {
            assert_eq!(variant_name(value), name);
        }
    }

    #[test]
    fn a_module_imports_only_what_it_uses() {
        let import = "use crate::open::open_enum;";
        for (schema, is_imported) in [
            ("{type: string, x-extensible-enum: [A]}", true),
            ("{type: string, enum: [A]}", false),
        ] {
            let text = format!(
                "{{openapi: 3.0.3, info: {{title: t, version: v}}, paths: {{}}, components: {{schemas: {{E: {schema}}}}}}}"
            );
            let document = Document::parse("small", "openapi/small.yaml", &text).unwrap();
            let code = module(&document).unwrap();
            assert_eq!(code.contains(import), is_imported, "{code}");
            assert!(!code.contains("phases"), "{code}");
        }
    }

    #[test]
    fn values_that_collide_are_refused() {
        let error = open_enum("E", &json!({"x-extensible-enum": ["A_B", "A-B"]})).unwrap_err();
        assert!(error.to_string().contains("`A-B`"), "{error}");
    }

    #[test]
    fn a_value_can_be_given_another_name() {
        let schema = json!({"x-extensible-enum": ["UNKNOWN"], "x-enum-varnames": ["UNSPECIFIED"]});
        let code = open_enum("E", &schema).unwrap();
        assert!(code.contains("Unspecified = \"UNKNOWN\""), "{code}");
    }

    #[test]
    fn every_value_has_a_phase() {
        let schema = json!({"x-extensible-enum": ["A"], "x-states": {"failed": {"B": []}}});
        let error = open_enum("E", &schema).unwrap_err();
        assert!(error.to_string().contains("`A` is missing"), "{error}");
    }

    #[test]
    fn states_become_phases() {
        let schema = json!({
            "x-extensible-enum": ["UP", "LEAVING", "LEFT", "LOCKED", "FELL", "RISING"],
            "x-states": {
                "transient": {"RISING": ["rise"], "LEAVING": ["leave"]},
                "settled": {"UP": ["rise"], "LOCKED": []},
                "failed": {"FELL": ["rise"]},
                "gone": {"LEFT": ["leave"]},
            },
        });
        let code = open_enum("E", &schema).unwrap();
        let expected = "phases! {
    E {
        Up => Settled [Rise],
        Leaving => Ending [Leave],
        Left => Gone,
        Locked => Settled [],
        Fell => Failed [Rise],
        Rising => Transient [Rise],
    }
}
";
        assert!(code.ends_with(expected), "{code}");
    }
}
