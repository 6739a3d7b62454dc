//! Checks samples against the document and the Rust types.

use modelarts_document::Location;
use serde_json::Value;

use super::family::{Family, Operation};
use super::page::{Page, Sample, SampleRole};
use super::report::{Aspect, Kind, Report};

/// Checks every sample of a page.
pub(crate) fn compare(
    family: &Family<'_>,
    page: &Page,
    operation: &Operation<'_>,
    report: &mut Report,
) {
    for (index, sample) in page.samples.iter().enumerate() {
        let mut faults = unknown_query(operation, sample);
        match &sample.json {
            Some(value) => faults.extend(body(family, operation, sample.role, value)),
            None if sample.http.is_none() => continue,
            None => {}
        }
        let difference = (!faults.is_empty()).then(|| {
            let place = format!("{}/S{}", page.name, index + 1);
            (place, Kind::Sample, faults.join("; "))
        });
        report.fact(&page.name, Aspect::Samples, difference);
    }
}

fn unknown_query(operation: &Operation<'_>, sample: &Sample) -> Vec<String> {
    let known = operation.parameters(Location::Query);
    let names = sample.http.iter().flat_map(|http| http.query.keys());
    names
        .filter(|name| !known.contains_key(name.as_str()))
        .map(|name| format!("the operation has no query parameter `{name}`"))
        .collect()
}

fn body(
    family: &Family<'_>,
    operation: &Operation<'_>,
    role: SampleRole,
    value: &Value,
) -> Vec<String> {
    let schema = match role {
        SampleRole::Request => operation.request,
        SampleRole::Response => operation.response,
        SampleRole::Error => operation.error,
    };
    let Some(schema) = schema else {
        return vec!["the operation has no such body".to_owned()];
    };
    let mut faults: Vec<String> = family
        .strict
        .faults(schema, value)
        .into_iter()
        .map(|fault| format!("{schema}{}: {}", fault.path, fault.message))
        .collect();
    match (family.round_trip)(schema, value.clone()) {
        None => faults.push(format!(
            "the client has no type {schema}; run `cargo xtask regen`"
        )),
        Some(Err(error)) => faults.push(format!("does not decode as {schema}: {error}")),
        Some(Ok(after)) => changes(value, &after, "", &mut faults),
    }
    faults
}

/// Returns what decoding and encoding changed, ignoring nulls that become absent.
fn changes(before: &Value, after: &Value, path: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let path = format!("{path}/{key}");
                match new.get(key) {
                    Some(other) => changes(value, other, &path, found),
                    None if value.is_null() => {}
                    None => found.push(format!("{path} is lost in the Rust type")),
                }
            }
            for key in new.keys().filter(|key| !old.contains_key(*key)) {
                found.push(format!("{path}/{key} is added by the Rust type"));
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (value, other)) in old.iter().zip(new).enumerate() {
                changes(value, other, &format!("{path}/{index}"), found);
            }
        }
        (before, after) if before == after => {}
        (before, after) => found.push(format!(
            "{path} changes from {before} to {after} in the Rust type"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(before: &Value, after: &Value) -> Vec<String> {
        let mut found = Vec::new();
        changes(before, after, "", &mut found);
        found
    }

    #[test]
    fn only_a_null_may_be_lost() {
        let before = json!({"a": 1, "b": null, "c": [{"d": "x"}]});
        assert!(found(&before, &json!({"a": 1, "c": [{"d": "x"}]})).is_empty());
        assert_eq!(
            found(&before, &json!({"a": 1, "c": [{}]})),
            ["/c/0/d is lost in the Rust type"]
        );
        assert_eq!(
            found(&json!({}), &json!({"z": 1})),
            ["/z is added by the Rust type"]
        );
        assert_eq!(
            found(&json!([1]), &json!([])),
            [" changes from [1] to [] in the Rust type"]
        );
        assert_eq!(
            found(&json!({"a": "X"}), &json!({"a": "x"})),
            [r#"/a changes from "X" to "x" in the Rust type"#]
        );
    }
}
