//! The output of a step, for programs and for people.

use serde_json::{Value, json};

use super::{Action, Step};
use crate::text;

impl Step {
    /// Formats the step for programs.
    pub(crate) fn json(&self) -> Value {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| json!({"field": change.field, "from": change.from, "to": change.to}))
            .collect();
        json!({
            "name": self.name,
            "id": self.id,
            "action": self.action.word(),
            "changes": changes,
        })
    }

    /// Formats the step as rows of a table for programs: one for each change, and at least one.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let Value::Object(step) = self.json() else {
            return Vec::new();
        };
        let changes = step.get("changes").and_then(Value::as_array).cloned();
        let changes = changes.filter(|changes| !changes.is_empty());
        let row = |change: Value| {
            let mut row = step.clone();
            row.extend(change.as_object().cloned().unwrap_or_default());
            Value::Object(row)
        };
        let changes = changes.unwrap_or_else(|| vec![Value::Null]);
        changes.into_iter().map(row).collect()
    }

    /// Formats the step for people: a line, and one more for each change.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mark = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Nothing => return Vec::new(),
        };
        let id = self
            .id
            .as_ref()
            .map_or_else(String::new, |id| format!(" ({id})"));
        let mut lines = vec![format!(
            "{mark} {} {}{id}",
            self.action.word(),
            text::one_line(&self.name)
        )];
        let width = self.changes.iter().map(|change| change.field.len()).max();
        for change in &self.changes {
            let values = match &change.from {
                Some(from) => format!("{from} -> {}", change.to),
                None => change.to.clone(),
            };
            lines.push(format!(
                "    {:width$}  {}",
                change.field,
                text::one_line(&values),
                width = width.unwrap_or_default()
            ));
        }
        if self.needs_stop() {
            lines.push("    (the notebook is stopped for this change)".to_owned());
        }
        lines
    }
}
