//! Reading YAML mappings key by key, with scalars as they are written.

use serde::de::{Deserialize, Deserializer};

/// The text of a scalar, as written: `12345` and `1e5` are text here. A missing value is an empty text.
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(Self(text.unwrap_or_default()))
    }
}

/// Implements deserialization of a mapping, key by key. A missing value (`auth:` with nothing after it) is empty.
macro_rules! by_key {
    ($type:ty, $expecting:literal, |$this:ident, $key:ident, $map:ident| $body:block) => {
        const _: () = {
            use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
            use std::fmt;

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Keys;
                    impl<'de> Visitor<'de> for Keys {
                        type Value = $type;
                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str($expecting)
                        }
                        fn visit_unit<E>(self) -> Result<$type, E> {
                            Ok(<$type>::default())
                        }
                        fn visit_none<E>(self) -> Result<$type, E> {
                            Ok(<$type>::default())
                        }
                        fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<$type, D::Error> {
                            d.deserialize_map(self)
                        }
                        fn visit_map<A: MapAccess<'de>>(
                            self,
                            mut $map: A,
                        ) -> Result<$type, A::Error> {
                            let mut $this = <$type>::default();
                            while let Some($key) = $map.next_key::<String>()? {
                                let $key = $key.replace('-', "_");
                                $body
                            }
                            Ok($this)
                        }
                    }
                    deserializer.deserialize_option(Keys)
                }
            }
        };
    };
}
pub(super) use by_key;
