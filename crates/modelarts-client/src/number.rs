//! Numbers in the spellings that services use: `5`, `5.0`, `5e0` and `"5"` are the same.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

/// A number type of the documents.
pub(crate) trait Number: Sized {
    /// The expected type, for error messages.
    const NAME: &'static str;

    fn from_whole(number: i128) -> Option<Self>;
    fn from_float(number: f64) -> Option<Self>;
}

macro_rules! whole {
    ($($type:ty),+) => {$(
        impl Number for $type {
            const NAME: &'static str = concat!("a whole number (", stringify!($type), ")");

            fn from_whole(number: i128) -> Option<Self> {
                number.try_into().ok()
            }

            fn from_float(number: f64) -> Option<Self> {
                // Beyond 2^53, a float cannot represent every whole number.
                let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
                exact.then_some(number as i128).and_then(Self::from_whole)
            }
        }
    )+};
}
whole!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! float {
    ($($type:ty),+) => {$(
        impl Number for $type {
            const NAME: &'static str = "a number";

            fn from_whole(number: i128) -> Option<Self> {
                Some(number as $type)
            }

            fn from_float(number: f64) -> Option<Self> {
                let number = number as $type;
                number.is_finite().then_some(number)
            }
        }
    )+};
}
float!(f32, f64);

/// Reads a number that may be null, or an empty text, which other clients treat like null.
pub(crate) fn optional<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(AnyForm(PhantomData))
}

/// Reads a number.
#[allow(dead_code, reason = "for documents that require a number")]
pub(crate) fn required<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    optional(deserializer)?.ok_or_else(|| D::Error::custom(format_args!("expected {}", T::NAME)))
}

struct AnyForm<T>(PhantomData<T>);

impl<T: Number> AnyForm<T> {
    fn fit<E: Error>(number: Option<T>) -> Result<Option<T>, E> {
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(E::custom(format_args!(
                "invalid value, expected {}",
                T::NAME
            ))),
        }
    }
}

impl<'de, T: Number> Visitor<'de> for AnyForm<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<T>, E> {
        Self::fit(T::from_whole(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<T>, E> {
        Self::fit(T::from_whole(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<T>, E> {
        Self::fit(T::from_float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        // Rust parses some texts as numbers that are not numbers elsewhere.
        let is_number = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let whole = || text.parse().ok().and_then(T::from_whole);
        let float = || text.parse().ok().and_then(T::from_float);
        Self::fit(is_number.then(|| whole().or_else(float)).flatten())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    // Reads the list to its end, so that the error has the position of the list, not of one of its items.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<T>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Map, &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Numbers {
        #[serde(default, deserialize_with = "optional")]
        whole: Option<i64>,
        #[serde(default, deserialize_with = "optional")]
        small: Option<i32>,
        #[serde(default, deserialize_with = "optional")]
        float: Option<f64>,
    }

    fn read(json: &str) -> Result<Numbers, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_the_same_number() {
        for form in [
            "5", "5.0", "5e0", "0.5e1", "50e-1", "\"5\"", "\" 5 \"", "\"5.0\"", "\"5e0\"", "\"+5\"",
        ] {
            let found = read(&format!(
                r#"{{"whole": {form}, "small": {form}, "float": {form}}}"#
            ))
            .unwrap();
            let expected = Numbers {
                whole: Some(5),
                small: Some(5),
                float: Some(5.0),
            };
            assert_eq!(found, expected, "{form}");
        }
        let large = [
            ("1.638e12", 1_638_000_000_000),
            ("\"1638329400000\"", 1_638_329_400_000),
            ("-1", -1),
            ("9223372036854775807", i64::MAX),
        ];
        for (form, number) in large {
            assert_eq!(
                read(&format!(r#"{{"whole": {form}}}"#)).unwrap().whole,
                Some(number),
                "{form}"
            );
        }
    }

    #[test]
    fn null_an_empty_text_and_absence_are_none() {
        for json in [
            "{}",
            r#"{"whole": null, "small": null, "float": null}"#,
            r#"{"whole": "", "float": " "}"#,
        ] {
            assert_eq!(read(json).unwrap(), Numbers::default(), "{json}");
        }
    }

    #[test]
    fn what_is_no_such_number_says_what_was_expected() {
        let forms = [
            "5.5",
            "true",
            "[]",
            "{}",
            "\"five\"",
            "\"NaN\"",
            "\"inf\"",
            "\"0x5\"",
            "1e300",
            "99999999999999999999",
        ];
        for form in forms {
            let error = read(&format!(r#"{{"whole": {form}}}"#)).unwrap_err();
            assert!(
                error.contains("expected a whole number (i64)"),
                "{form}: {error}"
            );
        }
        assert!(
            read(r#"{"small": 2147483648}"#)
                .unwrap_err()
                .contains("(i32)")
        );
        assert!(
            read(r#"{"float": "NaN"}"#)
                .unwrap_err()
                .contains("expected a number")
        );
    }
}
