//! Structs that are decoded from JSON objects only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Decodes a value that must be an object: serde would also decode a struct from a list, and from `[]` a struct with no
/// member set.
struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Decodes a list of objects that may be null.
struct Rows<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Rows<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element_seed(Object(PhantomData))? {
            rows.push(row);
        }
        Ok(Some(rows))
    }
}

/// Decodes the rows of a list; each row must be an object.
#[allow(dead_code, reason = "for documents with lists in pages")]
pub(crate) fn rows<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_option(Rows(PhantomData))
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
