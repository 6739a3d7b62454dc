//! What the document says of an operation besides its types.

/// An operation of the document.
///
/// ```
/// let start = modelarts_client::devenviron::OPERATIONS
///     .iter()
///     .find(|operation| operation.id == "startNotebook");
/// assert!(start.is_some_and(|operation| operation.idempotent));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId`.
    pub id: &'static str,
    /// The tag.
    pub tag: &'static str,
    /// The HTTP method, in upper case.
    pub method: &'static str,
    /// The path template, with names in braces.
    pub path: &'static str,
    /// Whether sending it twice does no more than sending it once.
    pub idempotent: bool,
    /// The content type of the request's body, such as `application/json`; empty where it has none.
    pub content_type: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Where the body of a request holds secrets: JSON pointers, with `*` for any item or key.
    pub secrets: &'static [&'static str],
    /// Where the body of a success holds secrets, in the same form.
    pub response_secrets: &'static [&'static str],
    /// Where the body of a request holds values that are no secrets: JSON pointers, with `*` for any item or key, each
    /// followed by a space and the JSON type: `/data/*/id string`.
    pub fields: &'static [&'static str],
    /// Where the body of a response, be it a success or an error, holds such values, in the same form.
    pub response_fields: &'static [&'static str],
    /// Words that stand in the path of another operation where this one has a parameter, such as `all`.
    pub reserved: &'static [&'static str],
}
