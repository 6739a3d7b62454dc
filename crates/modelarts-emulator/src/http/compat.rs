//! Rewrites what known clients send differently from the document into the document's form.

use serde_json::{Value, json};

use super::operation::Operation;
use super::query::Query;

/// Gives query parameters their names in the document.
pub(super) fn adapt_query(operation: &Operation, query: &mut Query) {
    if operation.id == "listDevEnvInstances"
        && query.get("ai_project").is_none()
        && let Some(id) = query.get("ai_project_id").map(str::to_owned)
    {
        query.push("ai_project", id);
    }
}

/// Moves properties of the body to their places in the document.
pub(super) fn adapt_body(operation: &Operation, body: &mut Value) {
    let (from, to, inside) = match operation.id.as_str() {
        "createDevEnvInstance" => ("workspace_id", "workspace", "id"),
        "updateDevEnvInstance" => ("auto_stop", "spec", "auto_stop"),
        _ => return,
    };
    let fits = |value: &Value| from != "workspace_id" || value.is_string();
    if body.get(to).is_none()
        && let Some(value) = body.get(from).filter(|value| fits(value)).cloned()
    {
        body[to] = json!({ inside: value });
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::Service;

    use super::*;

    fn operation(id: &str) -> Operation {
        let document = modelarts_client::devenviron::DOCUMENT;
        let mut operations = Operation::read_all(document, Service::ModelArts, [id]);
        operations.remove(0)
    }

    fn adapted(id: &str, mut body: Value) -> Value {
        adapt_body(&operation(id), &mut body);
        body
    }

    #[test]
    fn properties_are_moved_to_their_places_in_the_document() {
        let body = adapted("createDevEnvInstance", json!({"workspace_id": "w"}));
        assert_eq!(body["workspace"], json!({"id": "w"}));
        let body = adapted(
            "updateDevEnvInstance",
            json!({"auto_stop": {"enable": false}}),
        );
        assert_eq!(body["spec"], json!({"auto_stop": {"enable": false}}));
    }

    #[test]
    fn properties_in_their_places_are_kept() {
        for (id, body) in [
            (
                "createDevEnvInstance",
                json!({"workspace_id": "w", "workspace": {"id": "v"}}),
            ),
            ("createDevEnvInstance", json!({"workspace_id": 7})),
            ("updateDevEnvInstance", json!({"auto_stop": {}, "spec": {}})),
            ("updateDevEnvInstance", json!([])),
            ("createNotebook", json!({"workspace_id": "w"})),
        ] {
            assert_eq!(adapted(id, body.clone()), body, "{id}");
        }
    }

    #[test]
    fn a_parameter_is_read_under_the_name_that_a_client_sends() {
        for (raw, expected) in [
            ("ai_project_id=a", Some("a")),
            ("ai_project_id=a&ai_project=b", Some("b")),
            ("ai_project_id=", None),
        ] {
            let mut query = Query::parse(raw).unwrap();
            adapt_query(&operation("listDevEnvInstances"), &mut query);
            assert_eq!(query.get("ai_project"), expected, "{raw}");
        }
    }
}
