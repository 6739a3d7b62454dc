//! Helpers for Rust syntax trees.

/// The first type argument of a type whose path ends in `name`.
pub(crate) fn argument<'a>(of: &'a syn::Type, name: &str) -> Option<&'a syn::Type> {
    let syn::Type::Path(path) = of else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            syn::GenericArgument::Type(argument) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}
