//! What the document says in keywords of its own, said in its descriptions, where people read.

use serde_json::Value;

/// Adds a sentence to each description whose parameter or property has an `x-default`.
pub(crate) fn defaults_in_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(default) = members.get("x-default") {
                let sentence = match default {
                    Value::String(text) => format!("Defaults to `{text}`."),
                    other => format!("Defaults to `{other}`."),
                };
                let description = members.entry("description").or_insert_with(|| "".into());
                append(description, &sentence);
            }
            members.values_mut().for_each(defaults_in_words);
        }
        Value::Array(items) => items.iter_mut().for_each(defaults_in_words),
        _ => {}
    }
}

/// Adds a sentence to a description.
pub(crate) fn append(description: &mut Value, sentence: &str) {
    let text = description.as_str().unwrap_or_default().trim_end();
    let joined = match text.is_empty() {
        true => sentence.to_owned(),
        false => format!("{text} {sentence}"),
    };
    *description = Value::String(joined);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_default_is_told_where_the_description_is() {
        let mut document = json!({
            "parameters": [{"name": "limit", "description": "Records per page.\n", "x-default": 10}],
            "properties": {"id": {"type": "string", "x-default": "0"}},
        });
        defaults_in_words(&mut document);
        assert_eq!(
            document["parameters"][0]["description"],
            "Records per page. Defaults to `10`."
        );
        assert_eq!(
            document["properties"]["id"]["description"],
            "Defaults to `0`."
        );
    }
}
