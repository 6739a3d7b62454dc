//! What the document says of a field or a parameter, as the text of a doc comment.

use modelarts_document::Schema;
use serde_json::Value;

/// The text for a schema where it is used: its own description or that of what it refers to, known values, limits.
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
    paragraphs.extend(limits(schema));
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

/// The limits of the schema, which the client leaves to the service.
fn limits(schema: Schema<'_>) -> Option<String> {
    let limits = schema.limits();
    let text = |limit: Option<u64>| limit.map(|limit| limit.to_string());
    let number = |limit: Option<&serde_json::Number>| limit.map(ToString::to_string);
    let ranges = [
        (
            text(limits.min_length),
            text(limits.max_length),
            " characters",
        ),
        (number(limits.minimum), number(limits.maximum), ""),
        (text(limits.min_items), text(limits.max_items), " entries"),
    ];
    let mut found: Vec<String> = ranges
        .into_iter()
        .filter_map(|(least, most, unit)| match (least, most) {
            (Some(least), Some(most)) if least == most => Some(format!("{least}{unit}")),
            (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
            (Some(least), None) => Some(format!("at least {least}{unit}")),
            (None, Some(most)) => Some(format!("at most {most}{unit}")),
            (None, None) => None,
        })
        .collect();
    found.extend(
        limits
            .pattern
            .map(|pattern| format!("matching `{pattern}`")),
    );
    (!found.is_empty()).then(|| format!("Limits: {}.", found.join(", ")))
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
        parts: {type: array, maxItems: 3, items: {$ref: '#/components/schemas/Part'}}
        name: {type: string, description: Its name., minLength: 1, maxLength: 8, pattern: '^a$'}
        count: {type: integer, format: int32, minimum: 0}
",
        )
        .unwrap();
        let of = |name: &str| {
            let schema = document.schema("A").unwrap();
            of_schema("", schema.property(name).unwrap())
        };
        assert_eq!(of("kind"), "Which kind.\n\nKnown values: `BIG`, `SMALL`.");
        assert_eq!(of("parts"), "A part.\n\nLimits: at most 3 entries.");
        assert_eq!(
            of("name"),
            "Its name.\n\nLimits: 1 to 8 characters, matching `^a$`."
        );
        assert_eq!(of("count"), "Limits: at least 0.");
    }
}
