//! Compares JSON values and reports where they differ.

use serde_json::Value;

/// Returns the differences between a value and the value that came back, one line each.
///
/// A `null` that becomes absent is not a difference.
pub fn differences(sent: &Value, back: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("$", sent, back, &mut found);
    found
}

fn compare(path: &str, sent: &Value, back: &Value, found: &mut Vec<String>) {
    match (sent, back) {
        (Value::Object(sent), Value::Object(back)) => {
            for (key, value) in sent {
                let path = format!("{path}.{key}");
                match back.get(key) {
                    Some(other) => compare(&path, value, other, found),
                    None if value.is_null() => {}
                    None => found.push(format!("lost: {path}")),
                }
            }
            let added = back.keys().filter(|key| !sent.contains_key(*key));
            found.extend(added.map(|key| format!("added: {path}.{key}")));
        }
        (Value::Array(sent), Value::Array(back)) => {
            for (index, (value, other)) in sent.iter().zip(back).enumerate() {
                compare(&format!("{path}[{index}]"), value, other, found);
            }
            let lost = back.len()..sent.len();
            found.extend(lost.map(|index| format!("lost: {path}[{index}]")));
            let added = sent.len()..back.len();
            found.extend(added.map(|index| format!("added: {path}[{index}]")));
        }
        // 1 and 1.0 are the same number.
        (Value::Number(sent), Value::Number(back))
            if sent.is_f64() != back.is_f64() && sent.as_f64() == back.as_f64() => {}
        _ if sent == back => {}
        _ => found.push(format!("changed: {path}: {sent} became {back}")),
    }
}

/// Returns every copy of `value` with one member of one object changed, each with the path of the member.
///
/// `change` returns the new value of a member, or `None` to remove it.
pub fn variations(value: &Value, change: impl Fn(&Value) -> Option<Value>) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    members(value, String::new(), &mut pointers);
    pointers
        .into_iter()
        .map(|pointer| {
            let mut copy = value.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = copy.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match change(&parent[key]) {
                Some(changed) => parent[key] = changed,
                None => drop(parent.remove(key)),
            }
            (pointer, copy)
        })
        .collect()
}

fn members(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                assert!(!key.contains(['/', '~']), "`{key}` needs escaping");
                let pointer = format!("{at}/{key}");
                pointers.push(pointer.clone());
                members(value, pointer, pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                members(item, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_difference_is_reported_with_its_path() {
        let sent =
            json!({"spec": {"auto_stop": {"enable": true, "duration": 3600}}, "ids": [1, 2]});
        let back =
            json!({"spec": {"auto_stop": {"enable": false, "prompt": true}}, "ids": [1, 2, 3]});
        // The order depends on serde_json's feature `preserve_order`.
        let mut found = differences(&sent, &back);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "added: $.ids[2]",
                "added: $.spec.auto_stop.prompt",
                "changed: $.spec.auto_stop.enable: true became false",
                "lost: $.spec.auto_stop.duration",
            ]
        );
    }

    #[test]
    fn only_a_null_may_become_absent() {
        assert!(differences(&json!({"pool": null}), &json!({})).is_empty());
        assert_eq!(
            differences(&json!({"pool": ""}), &json!({})),
            ["lost: $.pool"]
        );
        assert_eq!(
            differences(&json!({"pool": null}), &json!({"pool": {}})),
            ["changed: $.pool: null became {}"]
        );
        assert_eq!(
            differences(&json!({}), &json!({"pool": null})),
            ["added: $.pool"]
        );
    }

    #[test]
    fn a_whole_number_may_gain_a_decimal_point() {
        assert!(differences(&json!({"gpu": 1}), &json!({"gpu": 1.0})).is_empty());
        assert_eq!(
            differences(&json!({"gpu": 1}), &json!({"gpu": 1.5})),
            ["changed: $.gpu: 1 became 1.5"]
        );
    }

    #[test]
    fn variations_cover_every_depth() {
        let value = json!({"a": [{"b": 1}], "c": 2});
        let taken: Vec<_> = variations(&value, |_| None);
        assert_eq!(
            taken,
            [
                ("/a".to_owned(), json!({"c": 2})),
                ("/a/0/b".to_owned(), json!({"a": [{}], "c": 2})),
                ("/c".to_owned(), json!({"a": [{"b": 1}]})),
            ]
        );
    }
}
