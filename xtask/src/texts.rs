//! Doc comments for fields and parameters, from their schemas.

use modelarts_document::Schema;
use serde_json::Value;

/// The text for a schema in use: its description, or that of the schema it refers to, and the known values. Limits
/// are already part of the description; see `words`.
pub(crate) fn of_schema(description: &str, schema: Schema<'_>) -> String {
    let inner = schema.items();
    let description = [Some(description), Some(schema.description())]
        .into_iter()
        .chain([inner.map(|inner| inner.description())])
        .flatten()
        .map(str::trim)
        .find(|text| !text.is_empty());
    let mut paragraphs: Vec<String> = description.map(str::to_owned).into_iter().collect();
    paragraphs.extend(known_values(inner.unwrap_or(schema)));
    paragraphs.join("\n\n")
}

fn known_values(schema: Schema<'_>) -> Option<String> {
    let values = match schema.enum_values() {
        [] => schema.known_values(),
        values => values,
    };
    let values = values.iter().filter_map(Value::as_str);
    let values: Vec<_> = values.map(|value| format!("`{value}`")).collect();
    (!values.is_empty()).then(|| format!("Known values: {}.", values.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn a_field_tells_description_values_and_limits() {
        let document = Document::parse(
            "t",
            "t.yaml",
            "
openapi: 3.0.3
info: {title: T, version: '1'}
paths: {}
components:
  schemas:
    Kind: {type: string, description: Which kind., x-extensible-enum: [BIG, SMALL]}
    Part: {type: object, description: A part.}
    A:
      type: object
      properties:
        kind: {$ref: '#/components/schemas/Kind'}
        parts: {type: array, description: All its parts., maxItems: 3, items: {$ref: '#/components/schemas/Part'}}
        name: {type: string, description: Its name., minLength: 1, maxLength: 8, pattern: '^a$'}
",
        )
        .unwrap();
        let document = document.changed(crate::words::in_words).unwrap();
        let of = |name: &str| {
            let schema = document.schema("A").unwrap();
            of_schema("", schema.property(name).unwrap())
        };
        assert_eq!(of("kind"), "Which kind.\n\nKnown values: `BIG`, `SMALL`.");
        assert_eq!(of("parts"), "All its parts. At most 3 entries.");
        assert_eq!(of("name"), "Its name. 1 to 8 characters. Must match `^a$`.");
    }
}
