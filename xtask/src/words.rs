//! Adds the meaning of keywords to descriptions: limits, defaults, rules, clouds.

use serde_json::Value;

/// Adds sentences about limits, defaults, rules and clouds to the descriptions beside these keywords.
pub(crate) fn in_words(document: &mut Value) {
    limits_in_words(document);
    defaults_in_words(document);
    rules_in_words(document);
    clouds_in_words(document);
}

/// Adds a sentence to each description whose parameter or schema has limits.
fn limits_in_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let described = members.get("description").and_then(Value::as_str);
            let schema = members.get("schema");
            let own = || members.get("type").is_some_and(Value::is_string);
            let sentence = described.and_then(|text| match schema {
                Some(schema) => limit_sentence(schema, text),
                None if own() => limit_sentence(&Value::Object(members.clone()), text),
                None => None,
            });
            if let (Some(sentence), Some(description)) = (sentence, members.get_mut("description"))
            {
                append(description, &sentence);
            }
            for (name, member) in members {
                if !["example", "examples"].contains(&name.as_str()) {
                    limits_in_words(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(limits_in_words),
        _ => {}
    }
}

/// The limits of a schema as a sentence, without those that the description already states.
pub(crate) fn limit_sentence(schema: &Value, text: &str) -> Option<String> {
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let letters = pattern.and_then(Letters::parse);
    let one_at_least = letters
        .as_ref()
        .is_some_and(|letters| !letters.may_be_empty);
    let number = |key: &str| schema.get(key).and_then(Value::as_i64);
    let least = number("minLength").or(one_at_least.then_some(1));
    let letters = match (&letters, pattern) {
        (Some(letters), _) => Some(letters.to_string()),
        (None, pattern) => pattern.map(|pattern| format!("must match `{pattern}`")),
    };
    let parts = [
        range(least, number("maxLength"), " characters", text),
        letters.filter(|letters| !text.contains(letters.trim_start_matches("valid characters: "))),
        range(number("minimum"), number("maximum"), "", text),
        range(number("minItems"), number("maxItems"), " entries", text),
    ];
    let sentences: Vec<String> = parts.iter().flatten().map(|part| sentence(part)).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn range(least: Option<i64>, most: Option<i64>, unit: &str, text: &str) -> Option<String> {
    let is_in_text =
        |number: i64| text.contains(&grouped(number)) || text.contains(&number.to_string());
    if most.or(least).is_some_and(is_in_text) {
        return None;
    }
    match (least, most) {
        (Some(least), Some(most)) => {
            let from = if unit.is_empty() { "valid range: " } else { "" };
            Some(format!(
                "{from}{} to {}{unit}",
                grouped(least),
                grouped(most)
            ))
        }
        // "At least 1 character" is omitted, since it says little.
        (Some(least), None) if least > 1 || unit.is_empty() => {
            Some(format!("at least {}{unit}", grouped(least)))
        }
        (None, Some(most)) => Some(format!("at most {}{unit}", grouped(most))),
        _ => None,
    }
}

/// 3600 → 3,600
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A pattern that only restricts characters, such as `^[A-Za-z0-9_-]+$` or `^[^<>]*$`.
struct Letters {
    forbidden: bool,
    may_be_empty: bool,
    names: Vec<&'static str>,
    single: Vec<char>,
}

impl Letters {
    fn parse(pattern: &str) -> Option<Self> {
        let inside = pattern.strip_prefix("^[")?;
        let (inside, may_be_empty) = match inside.strip_suffix("]*$") {
            Some(inside) => (inside, true),
            None => (inside.strip_suffix("]+$")?, false),
        };
        let (inside, forbidden) = match inside.strip_prefix('^') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let mut rest = inside.to_owned();
        let mut names = Vec::new();
        for (range, name) in [
            ("A-Za-z", "letters"),
            ("a-zA-Z", "letters"),
            ("a-z", "lowercase letters"),
            ("A-Z", "uppercase letters"),
            ("0-9", "digits"),
        ] {
            if rest.contains(range) {
                rest = rest.replacen(range, "", 1);
                names.push(name);
            }
        }
        let single: Vec<char> = rest.replace('\\', "").chars().collect();
        let is_plain = |letter: &char| !"[]".contains(*letter);
        // A hyphen between two characters would be a range without a name here.
        let hyphen = single.iter().position(|letter| *letter == '-');
        let at_end = hyphen.is_none_or(|at| at == 0 || at + 1 == single.len());
        (single.iter().all(is_plain) && at_end && !(names.is_empty() && single.is_empty()))
            .then_some(Self {
                forbidden,
                may_be_empty,
                names,
                single,
            })
    }
}

impl std::fmt::Display for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let single = self.single.iter().map(char::to_string);
        if self.forbidden {
            let names = self.names.iter().map(|name| format!("{name}, "));
            let names: String = names.collect();
            let single = single.collect::<Vec<_>>().join(" ");
            return write!(f, "must not contain any of {names}`{single}`");
        }
        let names = self.names.iter().map(|name| (*name).to_owned());
        let mut all: Vec<String> = names
            .chain(single.map(|letter| format!("`{letter}`")))
            .collect();
        let last = all.pop().unwrap_or_default();
        match all.is_empty() {
            true => write!(f, "valid characters: {last}"),
            false => write!(f, "valid characters: {} and {last}", all.join(", ")),
        }
    }
}

/// Adds the sentences of `x-rules` to the description beside them.
fn rules_in_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let rules = members.get("x-rules").and_then(Value::as_array).cloned();
            for rule in rules.into_iter().flatten() {
                let sentence = rule.get("text").and_then(Value::as_str).unwrap_or_default();
                let description = members.entry("description").or_insert_with(|| "".into());
                append(description, sentence);
            }
            members.values_mut().for_each(rules_in_words);
        }
        Value::Array(items) => items.iter_mut().for_each(rules_in_words),
        _ => {}
    }
}

/// Adds a sentence to each description whose parameter or property has an `x-default`.
fn defaults_in_words(value: &mut Value) {
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

/// The values of `x-clouds` with their display names.
pub(crate) const CLOUDS: [(&str, &str); 2] =
    [("huawei", "Huawei Cloud"), ("otc", "Open Telekom Cloud")];

/// Adds "… only." to each description of something that only one cloud has.
fn clouds_in_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let clouds = members.get("x-clouds").and_then(Value::as_array).cloned();
            for (key, name) in CLOUDS {
                let is_only = clouds
                    .as_ref()
                    .is_some_and(|clouds| matches!(clouds.as_slice(), [one] if one == key));
                if let Some(description) = members.get_mut("description").filter(|_| is_only) {
                    append(description, &format!("{name} only."));
                }
            }
            members.values_mut().for_each(clouds_in_words);
        }
        Value::Array(items) => items.iter_mut().for_each(clouds_in_words),
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
    fn a_default_stands_where_the_description_is() {
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

    #[test]
    fn what_one_cloud_has_alone_says_so() {
        let mut document = json!({
            "one": {"description": "Tags.", "x-clouds": ["huawei"]},
            "both": {"description": "Names.", "x-clouds": ["huawei", "otc"]},
        });
        clouds_in_words(&mut document);
        assert_eq!(document["one"]["description"], "Tags. Huawei Cloud only.");
        assert_eq!(document["both"]["description"], "Names.");
    }

    #[test]
    fn limits_become_sentences() {
        for (schema, text, expected) in [
            (json!({"maxLength": 64}), "", "At most 64 characters."),
            (
                json!({"maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"}),
                "",
                "1 to 64 characters. Valid characters: letters, digits, `_` and `-`.",
            ),
            (
                json!({"maxLength": 512, "pattern": r#"^[^&<>"'/]*$"#}),
                "",
                r#"At most 512 characters. Must not contain any of `& < > " ' /`."#,
            ),
            (
                json!({"pattern": r"^[a-z\.]*$"}),
                "",
                "Valid characters: lowercase letters and `.`.",
            ),
            (
                json!({"pattern": "^/data/.*$"}),
                "",
                "Must match `^/data/.*$`.",
            ),
            (json!({"pattern": "^[+-9]*$"}), "", "Must match `^[+-9]*$`."),
            (
                json!({"minimum": 3600, "maximum": 86400}),
                "",
                "Valid range: 3,600 to 86,400.",
            ),
            (json!({"minimum": 0}), "", "At least 0."),
            (
                json!({"minimum": -1, "maximum": 1000}),
                "",
                "Valid range: -1 to 1,000.",
            ),
            (json!({"maxItems": 5}), "", "At most 5 entries."),
            // Limits that the description states are not repeated.
            (json!({"minimum": -1, "maximum": 1000}), "Up to 1,000.", ""),
            (
                json!({"maxLength": 9, "pattern": "^[a-z]*$"}),
                "At most 9 of them.",
                "Valid characters: lowercase letters.",
            ),
            (
                json!({"maxLength": 9, "pattern": "^[a-z0-9]*$"}),
                "Of lowercase letters and digits.",
                "At most 9 characters.",
            ),
            (json!({"type": "string"}), "", ""),
        ] {
            let sentence = limit_sentence(&schema, text).unwrap_or_default();
            assert_eq!(sentence, expected, "{schema}");
        }
    }

    #[test]
    fn rules_and_limits_stand_where_the_description_is() {
        let mut document = json!({
            "post": {"description": "Makes it.", "x-rules": [{"id": "a", "text": "Only once."}]},
            "parameters": [{"description": "Which one.", "schema": {"type": "string", "maxLength": 3}}],
            "properties": {
                "type": {"type": "string", "description": "Its type.", "maxLength": 3, "x-default": "a",
                         "x-rules": [{"id": "b", "text": "Never two."}, {"id": "c", "text": "Never three."}]},
            },
            "examples": {"one": {"type": "a", "description": "As sent.", "maxLength": 3}},
        });
        in_words(&mut document);
        assert_eq!(document["post"]["description"], "Makes it. Only once.");
        assert_eq!(
            document["parameters"][0]["description"],
            "Which one. At most 3 characters."
        );
        assert_eq!(
            document["properties"]["type"]["description"],
            "Its type. At most 3 characters. Defaults to `a`. Never two. Never three."
        );
        assert_eq!(document["examples"]["one"]["description"], "As sent.");
    }
}
