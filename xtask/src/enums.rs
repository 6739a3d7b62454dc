//! The open enumerations of a document, as Rust.

use std::collections::HashSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::document::{Document, text};

/// The named string enumerations that a server may extend.
pub(crate) fn open_enums(document: &Document) -> impl Iterator<Item = (&str, &Value)> {
    document.components("schemas").filter(|(_, schema)| {
        schema.get("x-extensible-enum").is_some() && text(schema, "type") == "string"
    })
}

/// The values of a list of texts, empty where there is none.
pub(crate) fn texts<'a>(schema: &'a Value, key: &str) -> Vec<&'a str> {
    schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Writes the module `enums`, formatted: no formatter looks into a macro's arguments.
pub(crate) fn module(document: &Document) -> Result<String> {
    let mut out = String::from("use crate::open::open_enum;\n");
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
                "schema {name}: the value `{value}` makes no variant name of its own; give x-enum-varnames"
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
        "{}{page}\n\nMore values may come: see [`Open`](crate::Open).",
        text(schema, "description").trim()
    );
    let mut out = format!(
        "\nopen_enum! {{\n{}    {name} {{\n{variants}    }}\n}}\n",
        comment(&text, 4)
    );
    write!(
        out,
        "\n/// [`{name}`] as it stands on the wire.\npub type Open{name} = crate::Open<{name}>;\n"
    )?;
    out.push_str(&states(name, schema, &values)?);
    Ok(out)
}

/// `x-states` as questions that waiters ask.
fn states(name: &str, schema: &Value, values: &[&str]) -> Result<String> {
    let Some(states) = schema.get("x-states").and_then(Value::as_object) else {
        return Ok(String::new());
    };
    let questions = [
        (
            "transient",
            "Whether it changes by itself: something is under way.",
        ),
        ("settled", "Whether it stays as it is until somebody acts."),
        (
            "failed",
            "Whether an action failed and nothing goes on by itself.",
        ),
        ("gone", "Whether the resource does not exist any more."),
    ];
    let mut out = format!("\nimpl {name} {{");
    for (state, description) in questions {
        let listed = states.get(state).map_or_else(Vec::new, |list| {
            list.as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        });
        if let Some(foreign) = listed.iter().find(|value| !values.contains(value)) {
            bail!("schema {name}: x-states lists `{foreign}`, which is no value of it");
        }
        let variants: Vec<String> = (0..values.len())
            .filter(|index| listed.contains(&values[*index]))
            .map(|index| format!("Self::{}", variant(schema, values, index)))
            .collect();
        let pattern = match variants.as_slice() {
            [] => "false".to_owned(),
            variants => format!("matches!(self, {})", variants.join(" | ")),
        };
        write!(
            out,
            "\n{}    pub fn is_{state}(&self) -> bool {{\n        {pattern}\n    }}\n",
            comment(description, 4)
        )?;
    }
    out.push_str("}\n");
    Ok(out)
}

/// A doc comment for a text, indented.
pub(crate) fn comment(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    text.lines()
        .map(|line| format!("{space}/// {line}").trim_end().to_owned() + "\n")
        .collect()
}

fn lower_first(text: &str) -> String {
    // A leading acronym or name keeps its capital.
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

/// The variant of the value at `index`: named by `x-enum-varnames` where the document has it.
fn variant(schema: &Value, values: &[&str], index: usize) -> String {
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
    fn states_must_be_values() {
        let schema = json!({"x-extensible-enum": ["A"], "x-states": {"failed": ["B"]}});
        let error = open_enum("E", &schema).unwrap_err();
        assert!(error.to_string().contains("`B`"), "{error}");
    }

    #[test]
    fn states_become_questions() {
        let schema =
            json!({"x-extensible-enum": ["UP", "DOWN"], "x-states": {"settled": ["UP", "DOWN"]}});
        let code = open_enum("E", &schema).unwrap();
        assert!(
            code.contains(
                "is_settled(&self) -> bool {\n        matches!(self, Self::Up | Self::Down)"
            ),
            "{code}"
        );
        assert!(
            code.contains("is_gone(&self) -> bool {\n        false"),
            "{code}"
        );
    }
}
