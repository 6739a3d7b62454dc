//! Values of generated types, for which struct literals are not allowed.

/// Builds a value of a generated type. Fields that are not listed come from the base, or are absent.
///
/// It is written like a struct literal, which the `#[non_exhaustive]` types do not allow outside of their crate.
macro_rules! with_fields {
    (@value $field:ident) => { $field };
    (@value $field:ident $value:expr) => { $value };
    ($type:path { $($field:ident $(: $value:expr)?,)* ..$base:expr }) => {{
        let mut built: $type = $base;
        $(built.$field = with_fields!(@value $field $($value)?);)*
        built
    }};
    ($type:path { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        with_fields!($type { $($field $(: $value)?,)* ..Default::default() })
    };
}

pub(crate) use with_fields;
