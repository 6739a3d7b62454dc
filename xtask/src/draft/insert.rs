//! Inserts members and entries into the text of a YAML document without changing existing lines.

use anyhow::{Context as _, Result as Fallible};
use serde_json::{Map, Value};

/// The lines of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// Index of the line with the key.
    head: usize,
    /// Index of the line after the last one.
    end: usize,
    /// Indentation of the key.
    indent: usize,
    /// Whether the value is on the line of the key.
    is_inline: bool,
}

/// The lines of a document.
pub(super) struct Text {
    lines: Vec<String>,
}

/// Why an insertion is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The node does not exist.
    Missing,
    /// The node is in flow style (`[…]` or `{…}`), so an insertion would change its line.
    Inline,
    /// The addition cannot be written as YAML.
    Unwritable,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_content(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

fn is_entry(line: &str) -> bool {
    let line = line.trim_start();
    line == "-" || line.starts_with("- ")
}

/// The rest of a line after a key.
fn after_key<'t>(line: &'t str, key: &str) -> Option<&'t str> {
    let line = line.trim_start();
    let quoted = ["'", "\""].map(|quote| format!("{quote}{key}{quote}"));
    let rest = line.strip_prefix(key).or_else(|| {
        quoted
            .iter()
            .find_map(|key| line.strip_prefix(key.as_str()))
    })?;
    let rest = rest.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        Self { lines }
    }

    pub(super) fn finish(self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// Index of the line after the node whose key is on this line.
    fn end_of(&self, head: usize) -> usize {
        let depth = indent(&self.lines[head]);
        let mut end = head + 1;
        for (index, line) in self.lines.iter().enumerate().skip(head + 1) {
            if !is_content(line) {
                continue;
            }
            // List entries may have the same indentation as their key.
            if indent(line) < depth || (indent(line) == depth && !is_entry(line)) {
                break;
            }
            end = index + 1;
        }
        end
    }

    /// A member of the mapping that begins after this line.
    fn member(&self, from: usize, to: usize, key: &str) -> Option<Node> {
        let first = (from..to).find(|index| is_content(&self.lines[*index]))?;
        let depth = indent(&self.lines[first]);
        let (head, value) = (first..to).find_map(|index| {
            let line = self.lines[index].as_str();
            let is_here = indent(line) == depth && is_content(line);
            Some((index, after_key(line, key).filter(|_| is_here)?))
        })?;
        Some(Node {
            head,
            end: self.end_of(head),
            indent: depth,
            is_inline: !value.is_empty() && !value.starts_with(['#', '&']),
        })
    }

    fn node(&self, path: &[String]) -> Result<Node, Refusal> {
        let mut found: Option<Node> = None;
        for key in path {
            let (from, to) = match found {
                None => (0, self.lines.len()),
                Some(node) if node.is_inline => return Err(Refusal::Inline),
                Some(node) => (node.head + 1, node.end),
            };
            found = Some(self.member(from, to, key).ok_or(Refusal::Missing)?);
        }
        let node = found.ok_or(Refusal::Missing)?;
        match node.is_inline {
            true => Err(Refusal::Inline),
            false => Ok(node),
        }
    }

    /// Indentation of the members or entries of a node.
    fn inner_indent(&self, node: Node) -> usize {
        let inner = (node.head + 1..node.end).find(|index| is_content(&self.lines[*index]));
        inner.map_or(node.indent + 2, |index| indent(&self.lines[index]))
    }

    fn put(&mut self, path: &[String], value: &Value) -> Result<(), Refusal> {
        let node = self.node(path)?;
        let yaml = yaml(value).map_err(|_| Refusal::Unwritable)?;
        let prefix = " ".repeat(self.inner_indent(node));
        let added = yaml.lines().map(|line| match line.is_empty() {
            true => String::new(),
            false => format!("{prefix}{line}"),
        });
        let added: Vec<String> = added.collect();
        self.lines.splice(node.end..node.end, added);
        Ok(())
    }

    /// Appends members to a mapping.
    pub(super) fn add_members(
        &mut self,
        path: &[String],
        members: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        self.put(path, &Value::Object(members.clone()))
    }

    /// Appends entries to a list.
    pub(super) fn add_entries(
        &mut self,
        path: &[String],
        entries: &[Value],
    ) -> Result<(), Refusal> {
        self.put(path, &Value::Array(entries.to_vec()))
    }
}

/// A value as YAML.
pub(super) fn yaml(value: &Value) -> Fallible<String> {
    serde_saphyr::to_string(value).context("writing YAML")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\
# Head.
paths:
  /v1/{project_id}/things:
    get:
      parameters:
      - name: a
        in: query

      # About the responses.
      responses:
        '200':
          description: >-
            parameters: no key
    'post': {operationId: make}
components:
  schemas:
    Thing:
      properties:
        name: {type: string}   # kept
      x-extensible-enum: [A, B]
";

    fn path(path: &[&str]) -> Vec<String> {
        path.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn entries_and_members_stand_behind_the_last_of_their_node() {
        let mut text = Text::new(TEXT);
        let things = ["paths", "/v1/{project_id}/things"];
        let list = path(&[things[0], things[1], "get", "parameters"]);
        text.add_entries(&list, &[json!({"name": "b"})]).unwrap();
        let all = path(&["paths", things[1], "get", "responses", "200"]);
        let members = json!({"headers": {"X": 1}});
        text.add_members(&all, members.as_object().unwrap())
            .unwrap();
        let properties = path(&["components", "schemas", "Thing", "properties"]);
        let members = json!({"size": {"type": "integer"}});
        text.add_members(&properties, members.as_object().unwrap())
            .unwrap();
        let text = text.finish();
        assert!(
            text.contains("      - name: a\n        in: query\n      - name: b\n\n"),
            "{text}"
        );
        assert!(
            text.contains("no key\n          headers:\n            X: 1\n    'post'"),
            "{text}"
        );
        assert!(
            text.contains("# kept\n        size:\n          type: integer\n      x-ext"),
            "{text}"
        );
    }

    #[test]
    fn what_is_missing_or_written_on_one_line_is_refused() {
        let mut text = Text::new(TEXT);
        let things = "/v1/{project_id}/things";
        for (node, refusal) in [
            (path(&["paths", things, "post"]), Refusal::Inline),
            (
                path(&["paths", things, "post", "responses"]),
                Refusal::Inline,
            ),
            (path(&["paths", things, "put"]), Refusal::Missing),
            (
                path(&["components", "schemas", "Thing", "x-extensible-enum"]),
                Refusal::Inline,
            ),
            (path(&["parameters"]), Refusal::Missing),
        ] {
            assert_eq!(
                text.add_entries(&node, &[json!("C")]),
                Err(refusal),
                "{node:?}"
            );
        }
        assert_eq!(text.finish(), TEXT);
    }
}
