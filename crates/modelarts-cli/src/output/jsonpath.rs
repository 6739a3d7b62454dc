//! Formats output with a JSONPath (RFC 9535).

use anyhow::{Result, anyhow};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::text;

/// Returns the nodes that a path selects, one per line; strings have no quotes.
pub(super) fn run(path: &str, input: &Value) -> Result<Vec<String>> {
    let path = parse(path)?;
    let nodes = path.query(input).into_iter();
    Ok(nodes
        .map(|node| match node {
            Value::String(text) => text::visible(text),
            other => text::safe_json(&other.to_string()),
        })
        .collect())
}

/// Checks the syntax of a path, so that a wrong one is rejected before any request is sent.
pub(super) fn check(path: &str) -> Result<()> {
    parse(path).map(drop)
}

fn parse(path: &str) -> Result<JsonPath> {
    JsonPath::parse(path)
        .map_err(|error| anyhow!("`{path}` is not a valid JSONPath, such as $[*].id: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_select() {
        let input = json!([{"id": "a", "n": 1}, {"id": "b\u{1b}", "n": 2}]);
        assert_eq!(run("$[*].id", &input).unwrap(), ["a", "b\\u{1b}"]);
        assert_eq!(run("$[?@.n > 1].n", &input).unwrap(), ["2"]);
        assert_eq!(run("$.missing", &input).unwrap(), [""; 0]);
        for wrong in ["", ".id", "{.id}", "$["] {
            let error = run(wrong, &input).unwrap_err().to_string();
            assert!(error.contains("$[*].id"), "{error}");
        }
    }
}
