//! The page that compares the two generations of the API, generated from the document.

use std::collections::BTreeSet;

use modelarts_document::{Operation, Schema, SchemaType};
use serde_json::Value;

use super::layout::searchable;
use super::markdown::{escaped, inline};
use crate::document::{Document, text};

/// Maximum depth of the fields in the tables.
const DEPTH: usize = 4;

/// The operations of one resource.
struct Generation<'a> {
    /// The path of the list.
    root: &'a str,
    operations: Vec<Operation<'a>>,
}

/// A task: the method, and the path relative to that of the list, without parameter names.
type Task = (String, String);

/// An HTML table cell per generation, the new one first.
struct Row {
    name: String,
    cells: [Option<String>; 2],
}

pub(super) fn page(documents: &[Document]) -> String {
    let mut body = String::from(
        "<h1>Two generations</h1>\n<p>Use notebooks; instances are for users who still have instances of the old generation. \
         The entries of a row are equivalent. <a href=\"basics.html#units\">Units</a> differ where the descriptions say \
         so.</p>\n",
    );
    for (new, old) in documents.iter().filter_map(generations) {
        body += &table("Operations", &operations(&new, &old));
        body += &table("Request to create", &fields(new.taken(), old.taken()));
        body += &table(
            "Response to a read",
            &fields(new.returned(), old.returned()),
        );
        body += &table("States", &states(new.returned(), old.returned()));
    }
    searchable(&body)
}

/// The new and the old generation, if the document has both: the old one is deprecated, the new one is the resource
/// that has the most tasks in common with it.
fn generations(document: &Document) -> Option<(Generation<'_>, Generation<'_>)> {
    let (old, new): (Vec<_>, Vec<_>) = document
        .operations()
        .partition(|operation| operation.value.get("deprecated") == Some(&Value::Bool(true)));
    let old = Generation::below(
        old.iter().map(|it| it.path).min_by_key(|path| path.len())?,
        &old,
    );
    let wanted = old.tasks();
    let shared = |generation: &Generation<'_>| generation.tasks().intersection(&wanted).count();
    let candidates = new
        .iter()
        .filter(|operation| operation.method == "get")
        .map(|operation| Generation::below(operation.path, &new));
    let mut best: Option<Generation<'_>> = None;
    for candidate in candidates {
        if shared(&candidate) > best.as_ref().map_or(0, shared) {
            best = Some(candidate);
        }
    }
    Some((best?, old))
}

impl<'a> Generation<'a> {
    fn below(root: &'a str, operations: &[Operation<'a>]) -> Self {
        let inside = |path: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self {
            root,
            operations: operations
                .iter()
                .filter(|operation| inside(operation.path))
                .copied()
                .collect(),
        }
    }

    fn tasks(&self) -> BTreeSet<Task> {
        let tasks = self.operations.iter();
        tasks
            .flat_map(|operation| self.tasks_of(operation))
            .map(|(task, _)| task)
            .collect()
    }

    /// The tasks of an operation. An operation with the action as a parameter has one task per action.
    fn tasks_of(&self, operation: &Operation<'a>) -> Vec<(Task, String)> {
        let below = operation.path.strip_prefix(self.root).unwrap_or_default();
        let path = below
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    "{}"
                } else {
                    segment
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        let method = operation.method.to_owned();
        let shown = escaped(&format!(
            "{} {}",
            operation.method.to_uppercase(),
            operation.path
        ));
        let actions = path.strip_suffix("/action").map(|path| {
            let schema = operation
                .request_body()
                .and_then(|body| body.json()?.schema()?.property("action"));
            let values = schema.into_iter().flat_map(|schema| {
                let open = schema.known_values().iter();
                open.chain(schema.enum_values()).filter_map(Value::as_str)
            });
            let one = |value: &str| {
                let shown = format!(
                    "<code>{shown}</code> with <code>{}</code>",
                    escaped(&format!("{{\"action\": \"{value}\"}}"))
                );
                ((method.clone(), format!("{path}/{value}")), shown)
            };
            values.map(one).collect::<Vec<_>>()
        });
        match actions {
            Some(actions) if !actions.is_empty() => actions,
            _ => vec![((method, path), format!("<code>{shown}</code>"))],
        }
    }

    /// The request body of the creation.
    fn taken(&self) -> Option<Schema<'a>> {
        let mut operations = self.operations.iter();
        let create = operations.find(|it| it.path == self.root && it.method == "post")?;
        create.request_body()?.json()?.schema()
    }

    /// The response body of a read: that of the shortest path that ends with the identifier.
    fn returned(&self) -> Option<Schema<'a>> {
        let shown = self.operations.iter().filter(|operation| {
            let below = operation.path.strip_prefix(self.root).unwrap_or_default();
            operation.method == "get" && below.starts_with("/{") && below.ends_with('}')
        });
        let show = shown.min_by_key(|operation| operation.path.len())?;
        let success = show.responses().find(|response| response.is_success())?;
        success.json()?.schema()
    }
}

fn operations(new: &Generation<'_>, old: &Generation<'_>) -> Vec<Row> {
    let mut rows: Vec<(Task, Row)> = Vec::new();
    for (column, generation) in [new, old].into_iter().enumerate() {
        for operation in &generation.operations {
            for (task, shown) in generation.tasks_of(operation) {
                let place = rows.iter().position(|(known, _)| *known == task);
                let row = place.unwrap_or_else(|| {
                    let name = task.1.rsplit('/').next().unwrap_or_default();
                    // For actions that only the old generation has, the summary names all of them.
                    let name = if column == 1 && shown.contains("</code> with") {
                        name
                    } else {
                        operation.summary()
                    };
                    let row = Row {
                        name: escaped(name),
                        cells: [None, None],
                    };
                    rows.push((task, row));
                    rows.len() - 1
                });
                if let Some(cell) = rows
                    .get_mut(row)
                    .and_then(|(_, row)| row.cells.get_mut(column))
                {
                    *cell = Some(shown);
                }
            }
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Sets a cell in the row of this name; adds the row if it is missing.
fn set(rows: &mut Vec<Row>, name: String, column: usize, cell: String) {
    let place = rows.iter().position(|row| row.name == name);
    let row = place.unwrap_or_else(|| {
        rows.push(Row {
            name,
            cells: [None, None],
        });
        rows.len() - 1
    });
    if let Some(place) = rows.get_mut(row).and_then(|row| row.cells.get_mut(column)) {
        *place = Some(cell);
    }
}

/// The fields of two bodies: common ones first.
fn fields(new: Option<Schema<'_>>, old: Option<Schema<'_>>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (column, schema) in [new, old].into_iter().enumerate() {
        let mut found = Vec::new();
        if let Some(schema) = schema {
            leaves(schema, "", DEPTH, &mut found);
        }
        for (name, cell) in found {
            let name = format!("<code>{}</code>", escaped(&name));
            set(&mut rows, name, column, cell);
        }
    }
    rows.sort_by_key(|row| row.cells.iter().filter(|cell| cell.is_none()).count());
    rows
}

/// The fields without inner fields, by path, with type and description.
fn leaves(schema: Schema<'_>, path: &str, depth: usize, found: &mut Vec<(String, String)>) {
    for (name, property) in schema.properties() {
        let is_list = property.schema_type() == SchemaType::Array;
        let inner = property.items().filter(|_| is_list).unwrap_or(property);
        let path = format!(
            "{path}{}{name}{}",
            if path.is_empty() { "" } else { "." },
            if is_list { "[]" } else { "" }
        );
        if depth > 1 && inner.properties().next().is_some() {
            leaves(inner, &path, depth - 1, found);
            continue;
        }
        let kind = text(inner.value(), "type");
        let format = match inner.format() {
            "" => String::new(),
            format => format!(" ({format})"),
        };
        let required = if schema.requires(name) {
            ", required"
        } else {
            ""
        };
        found.push((
            path,
            format!(
                "<small>{}</small> {}",
                escaped(&format!("{kind}{format}{required}")),
                inline(property.description())
            ),
        ));
    }
}

/// The values of the property `status` with their groups.
fn states(new: Option<Schema<'_>>, old: Option<Schema<'_>>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (column, schema) in [new, old].into_iter().enumerate() {
        let Some(status) = schema.and_then(|schema| schema.property("status")) else {
            continue;
        };
        for value in status.known_values().iter().filter_map(Value::as_str) {
            let kinds = status.value().get("x-states").and_then(Value::as_object);
            let kind = kinds
                .into_iter()
                .flatten()
                .find(|(_, states)| states.get(value).is_some());
            let sentences = status
                .value()
                .get("x-enum-descriptions")
                .unwrap_or(&Value::Null);
            let cell = format!(
                "<span class=\"class\">{}</span> {}",
                escaped(kind.map_or("", |(kind, _)| kind)),
                inline(text(sentences, value))
            );
            let name = format!("<code>{}</code>", escaped(value));
            set(&mut rows, name, column, cell);
        }
    }
    rows
}

fn table(title: &str, rows: &[Row]) -> String {
    let mut table = format!(
        "<h2>{title}</h2>\n<div class=\"table\"><table>\n<thead><tr><th></th><th>Notebooks</th><th>Instances</th></tr></thead>\n<tbody>\n"
    );
    for row in rows {
        table += &format!("<tr><td data-column=\"\">{}</td>", row.name);
        for (cell, generation) in row.cells.iter().zip(["Notebooks", "Instances"]) {
            let cell = cell.as_deref().unwrap_or("–");
            table += &format!("<td data-column=\"{generation}\">{cell}</td>");
        }
        table += "</tr>\n";
    }
    table + "</tbody>\n</table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_this_project<T>(check: impl Fn(&Generation<'_>, &Generation<'_>) -> T) -> T {
        let documents = crate::check::documents(&crate::workspace::root())
            .unwrap()
            .unwrap();
        let (new, old) = documents.iter().find_map(generations).unwrap();
        check(&new, &old)
    }

    #[test]
    fn the_generations_are_found_by_what_can_be_asked_of_them() {
        of_this_project(|new, old| {
            assert!(new.root.ends_with("/notebooks"), "{}", new.root);
            assert!(old.root.ends_with("/demanager/instances"), "{}", old.root);
        });
    }

    #[test]
    fn an_action_stands_beside_the_operation_that_does_the_same() {
        let rows = of_this_project(operations);
        let of = |ending: &str| {
            rows.iter()
                .find(|row| row.cells[0].as_ref().is_some_and(|it| it.contains(ending)))
                .and_then(|row| row.cells[1].clone())
                .unwrap_or_default()
        };
        assert!(of("/notebooks/{id}/start").contains("&quot;start&quot;"));
        assert!(of("GET /v1/{project_id}/notebooks</code>").contains("/demanager/instances<"));
        let alone = rows.iter().find(|row| row.name == "restart").unwrap();
        assert!(alone.cells[0].is_none() && alone.cells[1].is_some());
    }

    #[test]
    fn a_field_and_a_state_of_both_stand_in_one_row() {
        let rows = of_this_project(|new, old| fields(new.returned(), old.returned()));
        let id = rows
            .iter()
            .find(|row| row.name == "<code>id</code>")
            .unwrap();
        assert!(id.cells.iter().all(Option::is_some));
        let states = of_this_project(|new, old| states(new.returned(), old.returned()));
        let running = states
            .iter()
            .find(|row| row.name == "<code>RUNNING</code>")
            .unwrap();
        assert!(
            running
                .cells
                .iter()
                .flatten()
                .all(|it| it.contains("settled"))
        );
    }
}
