//! Values of generated types, which cannot be written as literals.

/// A value whose other fields are those of its base, or absent.
///
/// It reads like the literal that it stands for. The generated types allow none outside of their crate, so that a new field
/// breaks nobody.
macro_rules! with_fields {
    (@value $field:ident) => { $field };
    (@value $field:ident $value:expr) => { $value };
    ($type:path { $($field:ident $(: $value:expr)?,)* ..$base:expr }) => {{
        let mut made: $type = $base;
        $(made.$field = with_fields!(@value $field $($value)?);)*
        made
    }};
    ($type:path { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        with_fields!($type { $($field $(: $value)?,)* ..Default::default() })
    };
}

pub(crate) use with_fields;
