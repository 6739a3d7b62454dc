//! Structs that are decoded from JSON objects only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A value that must be an object: serde would also decode a struct from a list, and from `[]` a struct with no member
/// set.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMap<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(OnlyMap(PhantomData)).map(Self)
    }
}

/// Decodes the rows of a list; each row must be an object.
#[allow(dead_code, reason = "for documents with lists in pages")]
pub(crate) fn rows<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let rows = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(rows.map(|rows| rows.into_iter().map(|Object(row)| row).collect()))
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "devenviron")]
    #[test]
    fn a_row_is_an_object_and_no_list() {
        use crate::devenviron::types::NotebookList;

        let read = |json: &str| serde_json::from_str::<NotebookList>(json);
        for (json, rows) in [
            (r#"{"data": [{}, {"id": "n1", "newer": [1]}]}"#, Some(2)),
            (r#"{"data": []}"#, Some(0)),
            (r#"{"data": null}"#, None),
            ("{}", None),
        ] {
            let list = read(json).unwrap();
            assert_eq!(list.data.map(|data| data.len()), rows, "{json}");
        }
        for json in [
            r#"{"data": [[]]}"#,
            r#"{"data": [{}, ["n1"]]}"#,
            r#"{"data": [null]}"#,
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains("expected an object"), "{json}: {error}");
        }
    }
}
