//! References and JSON pointers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::ReferenceError;

/// The document that references are resolved in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root<'a>(pub(crate) &'a Value);

/// The prefix of a reference to a schema component.
const SCHEMAS: &str = "#/components/schemas/";

impl<'a> Root<'a> {
    fn lookup(self, reference: &str) -> Option<&'a Value> {
        self.0.pointer(reference.strip_prefix('#')?)
    }

    /// Follows `$ref` until there is a value that is not a reference; also returns the name of the last schema
    /// component on the way.
    ///
    /// A reference that has no target or refers back to itself is returned unchanged.
    pub(crate) fn resolve(self, start: &'a Value) -> (Option<&'a str>, &'a Value) {
        let (mut name, mut value) = (None, start);
        let mut met = BTreeSet::new();
        while let Some(reference) = reference(value) {
            match self.lookup(reference) {
                Some(next) if met.insert(reference) => {
                    name = component(reference);
                    value = next;
                }
                _ => return (None, start),
            }
        }
        (name, value)
    }

    /// Every reference in the document that has no target or refers back to itself.
    pub(crate) fn broken(self) -> Vec<ReferenceError> {
        let mut found = Vec::new();
        walk(self.0, "", &mut |pointer, value| {
            if let Some(target) = reference(value)
                && reference(self.resolve(value).1).is_some()
            {
                found.push(ReferenceError {
                    pointer: push(pointer, "$ref"),
                    reference: target.to_owned(),
                    is_circular: self.lookup(target).is_some(),
                });
            }
        });
        found
    }

    /// The names of the schema components that a value refers to, directly or through others; each is visited once.
    pub(crate) fn reachable(self, start: &'a Value) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        let mut met = BTreeSet::new();
        let mut open = vec![start];
        while let Some(value) = open.pop() {
            walk(value, "", &mut |_, value| {
                let Some(reference) = reference(value) else {
                    return;
                };
                names.extend(component(reference));
                if met.insert(reference) {
                    open.extend(self.lookup(reference));
                }
            });
        }
        names
    }
}

pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// The name of the schema component that a reference points to.
fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix(SCHEMAS)
}

/// The text of a member, or an empty string.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The entries of a list member, or none.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let entries = value.get(key).and_then(Value::as_array);
    entries.map_or(&[], Vec::as_slice)
}

/// The members of an object member, or none.
pub(crate) fn members<'a>(
    value: &'a Value,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let members = value.get(key).and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// Appends a segment to a JSON pointer.
///
/// ```
/// assert_eq!(modelarts_document::push("/paths", "/a"), "/paths/~1a");
/// ```
pub fn push(pointer: &str, segment: &str) -> String {
    format!(
        "{pointer}/{}",
        segment.replace('~', "~0").replace('/', "~1")
    )
}

/// Calls `visit` with every value and the pointer to it, without following references.
pub fn walk<'a>(value: &'a Value, pointer: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(pointer, value);
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                walk(member, &push(pointer, key), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &push(pointer, &index.to_string()), visit);
            }
        }
        _ => {}
    }
}
