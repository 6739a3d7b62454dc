//! Metadata of operations from the document.

use std::fmt;

/// The description of an operation in the document.
///
/// ```
/// let start = modelarts_client::devenviron::OPERATIONS
///     .iter()
///     .find(|operation| operation.id == "startNotebook");
/// assert!(start.is_some_and(|operation| operation.idempotent));
/// ```
#[derive(Clone, Copy, Debug)]
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
    /// Whether sending it twice has the same effect as sending it once.
    pub idempotent: bool,
    /// The content type of the request's body, such as `application/json`; empty if there is no body.
    pub content_type: &'static str,
    /// A summary of one line.
    pub summary: &'static str,
    /// What the body of a request holds; `None` where it has none.
    pub request_body: Option<&'static Shape>,
    /// What the bodies of responses hold, successes first.
    pub response_bodies: &'static [&'static Shape],
    /// Words such as `all` that are part of another operation's path in the place of a parameter of this one.
    pub reserved: &'static [&'static str],
}

/// What JSON holds, by the document: what a log needs to know to show a body without its secrets.
///
/// A shape may contain itself, so follow it along a value.
///
/// ```
/// use modelarts_client::{Shape, operation};
///
/// let (_, show) = operation("showNotebook").unwrap();
/// let notebook = show.response_bodies[0];
/// assert!(matches!(notebook.member("id"), Some(Shape::String)));
/// assert!(matches!(notebook.member("token"), Some(Shape::Secret)));
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Shape {
    /// A text.
    String,
    /// A text that nobody may see.
    Secret,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Something that the document does not describe.
    Any,
    /// A list with items of this shape.
    List(&'static Shape),
    /// An object with these members, and the shape of those under other keys.
    Object(
        &'static [(&'static str, &'static Shape)],
        Option<&'static Shape>,
    ),
}

impl Shape {
    /// The shape of a member that the document names.
    pub fn member(&self, name: &str) -> Option<&'static Shape> {
        match self {
            Self::Object(members, _) => {
                let mut members = members.iter();
                members
                    .find(|(known, _)| *known == name)
                    .map(|(_, shape)| *shape)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Shape {
    /// Members by their names only: a shape may contain itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("String"),
            Self::Secret => f.write_str("Secret"),
            Self::Number => f.write_str("Number"),
            Self::Boolean => f.write_str("Boolean"),
            Self::Any => f.write_str("Any"),
            Self::List(_) => f.write_str("List"),
            Self::Object(members, _) => f
                .debug_set()
                .entries(members.iter().map(|(name, _)| name))
                .finish(),
        }
    }
}
