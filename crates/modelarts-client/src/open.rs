//! Enumerations to which a server may add values without notice.

use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The interface of every generated enumeration. This trait is sealed.
pub trait OpenEnum: sealed::Sealed + Clone + Eq + Hash + fmt::Debug + Sized + 'static {
    /// The name of the schema in the document.
    const NAME: &'static str;

    /// Returns the documented values, in the document's spelling and order.
    fn values() -> &'static [&'static str];

    /// Returns the documented spelling, or the text of an unknown value.
    fn as_str(&self) -> &str;

    /// Returns whether the document does not list this value.
    fn is_unknown(&self) -> bool;

    /// Returns the variant for a text, ignoring the case of ASCII letters.
    fn from_text(text: &str) -> Self;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A value of an open enumeration in its spelling on the wire.
///
/// It dereferences to the plain enumeration `E`, so you can match it with `as_deref`:
///
/// ```
/// use modelarts_client::Open;
/// use modelarts_client::devenviron::{enums::NotebookStatus, types::Notebook};
///
/// let notebook: Notebook = serde_json::from_str(r#"{"status": "RUNNING"}"#)?;
/// match notebook.status.as_deref() {
///     Some(NotebookStatus::Running) => {}
///     Some(NotebookStatus::Unknown(text)) => panic!("a status newer than this crate: {text}"),
///     _ => panic!("not running"),
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Matching and `==` ignore the case of ASCII letters (the service writes `TIMING` where its
/// documentation lists `timing`). The server's spelling is kept and used when the value is encoded.
///
/// # Working with unknown values
///
/// A value that the document does not list is decoded as the variant `Unknown`, which keeps the text; this is not an
/// error, and nothing is lost. A later release may add a variant for the value, so code that must keep working should
/// compare [`as_str`](Open::as_str) instead of matching `Unknown`.
#[derive(Clone)]
pub struct Open<E> {
    value: E,
    /// The spelling on the wire, if it differs from the documented one.
    spelling: Option<Box<Spelling>>,
}

/// A boxed text behind a thin pointer: a response has many values and hardly any with a spelling of its own.
#[derive(Clone)]
struct Spelling(Box<str>);

impl<E: OpenEnum> Open<E> {
    /// Returns the documented values.
    pub fn values() -> &'static [&'static str] {
        E::values()
    }

    /// Returns the text as spelled on the wire.
    pub fn as_str(&self) -> &str {
        match &self.spelling {
            Some(spelling) => &spelling.0,
            None => self.value.as_str(),
        }
    }

    /// Returns the plain enumeration, without the spelling on the wire.
    pub fn into_inner(self) -> E {
        self.value
    }
}

impl<E> Deref for Open<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.value
    }
}

impl<E: OpenEnum> From<E> for Open<E> {
    fn from(value: E) -> Self {
        Self {
            value,
            spelling: None,
        }
    }
}

impl<E: OpenEnum> From<&str> for Open<E> {
    fn from(text: &str) -> Self {
        let value = E::from_text(text);
        let spelling = (value.as_str() != text).then(|| Box::new(Spelling(text.into())));
        Self { value, spelling }
    }
}

impl<E: OpenEnum> From<String> for Open<E> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<E: OpenEnum> FromStr for Open<E> {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

impl<E: OpenEnum> fmt::Display for Open<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<E: OpenEnum> fmt::Debug for Open<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<E: OpenEnum> PartialEq for Open<E> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<E: OpenEnum> Eq for Open<E> {}

impl<E: OpenEnum> PartialEq<E> for Open<E> {
    fn eq(&self, other: &E) -> bool {
        self.value == *other
    }
}

impl<E: OpenEnum> PartialEq<str> for Open<E> {
    fn eq(&self, other: &str) -> bool {
        self.as_str().eq_ignore_ascii_case(other)
    }
}

impl<E: OpenEnum> PartialEq<&str> for Open<E> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl<E: OpenEnum> Hash for Open<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<E: OpenEnum> Serialize for Open<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, E: OpenEnum> Deserialize<'de> for Open<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<E>(std::marker::PhantomData<E>);

        impl<E: OpenEnum> serde::de::Visitor<'_> for Text<E> {
            type Value = Open<E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a string ({})", E::NAME)
            }

            fn visit_str<X: serde::de::Error>(self, text: &str) -> Result<Open<E>, X> {
                Ok(Open::from(text))
            }
        }

        deserializer.deserialize_str(Text(std::marker::PhantomData))
    }
}

#[cfg(feature = "utoipa")]
mod schema {
    use std::borrow::Cow;

    use utoipa::openapi::extensions::ExtensionsBuilder;
    use utoipa::openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    };
    use utoipa::{PartialSchema, ToSchema};

    use super::{Open, OpenEnum};

    impl<E: OpenEnum> PartialSchema for Open<E> {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .extensions(Some(
                    ExtensionsBuilder::new()
                        .add("x-extensible-enum", E::values())
                        .build(),
                ))
                .into()
        }
    }

    impl<E: OpenEnum> ToSchema for Open<E> {
        fn name() -> Cow<'static, str> {
            Cow::Borrowed(E::NAME)
        }
    }
}

/// Defines an open enumeration; used by the generated code only.
#[allow(unused_macros, reason = "for documents with open enumerations")]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Debug)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            /// A value that the document does not list, in the server's spelling.
            Unknown(String),
        }

        impl $crate::open::sealed::Sealed for $name {}

        impl $crate::OpenEnum for $name {
            const NAME: &'static str = stringify!($name);

            fn values() -> &'static [&'static str] {
                &[$($text),+]
            }

            fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Unknown(text) => text,
                }
            }

            fn is_unknown(&self) -> bool {
                matches!(self, Self::Unknown(_))
            }

            fn from_text(text: &str) -> Self {
                $( if text.eq_ignore_ascii_case($text) { return Self::$variant; } )+
                ::tracing::debug!(schema = stringify!($name), value = text, "value is not in the document");
                Self::Unknown(text.to_owned())
            }
        }

        impl $name {
            /// Returns the documented values, in the document's spelling and order.
            pub fn values() -> &'static [&'static str] {
                <Self as $crate::OpenEnum>::values()
            }

            /// Returns the documented spelling, or the text of an unknown value.
            pub fn as_str(&self) -> &str {
                <Self as $crate::OpenEnum>::as_str(self)
            }

            /// Returns whether the document does not list this value.
            pub fn is_unknown(&self) -> bool {
                <Self as $crate::OpenEnum>::is_unknown(self)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str().eq_ignore_ascii_case(other.as_str())
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                for byte in self.as_str().bytes() {
                    state.write_u8(byte.to_ascii_uppercase());
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                <Self as $crate::OpenEnum>::from_text(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }
    };
}
#[allow(unused_imports, reason = "for documents with open enumerations")]
pub(crate) use open_enum;

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro is made for public modules")]
mod tests {
    use super::*;

    open_enum! {
        /// A sample.
        Colour {
            /// Like blood.
            Red = "RED",
            /// Like grass.
            Green = "green",
        }
    }

    #[test]
    fn spelling_is_kept_and_ignored_when_matching() {
        let open: Open<Colour> = serde_json::from_str("\"Red\"").unwrap();
        assert!(matches!(*open, Colour::Red));
        assert_eq!(open, Colour::Red);
        assert_eq!(open.as_str(), "Red");
        assert_eq!(serde_json::to_string(&open).unwrap(), "\"Red\"");
    }

    #[test]
    fn unknown_values_are_lossless() {
        let open: Open<Colour> = serde_json::from_str("\"Ultraviolet\"").unwrap();
        assert!(open.is_unknown());
        assert_eq!(open.to_string(), "Ultraviolet");
        assert_eq!(serde_json::to_string(&open).unwrap(), "\"Ultraviolet\"");
    }

    #[test]
    fn requests_use_the_documented_spelling() {
        assert_eq!(
            serde_json::to_string(&Open::from(Colour::Green)).unwrap(),
            "\"green\""
        );
        assert_eq!(Colour::values(), ["RED", "green"]);
    }

    #[test]
    fn equal_values_have_equal_hashes() {
        use std::collections::HashSet;
        let set: HashSet<Open<Colour>> = ["RED", "red", "x", "X"].map(Open::from).into();
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn a_number_is_not_an_enum_value() {
        let error = serde_json::from_str::<Open<Colour>>("1").unwrap_err();
        assert!(error.to_string().contains("Colour"), "{error}");
    }
}
