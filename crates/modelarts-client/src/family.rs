//! The list of families, for whoever serves, calls or tests all of them.

use crate::{FAMILIES, Operation};

/// An API family: one document, and what was generated from it.
///
/// ```
/// let names: Vec<_> = modelarts_client::FAMILIES.iter().map(|family| family.name).collect();
/// assert!(names.contains(&"devenviron"));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Family {
    /// The name of the document, which is that of the module and of the cargo feature as well.
    pub name: &'static str,
    /// The title of the document.
    pub title: &'static str,
    /// The service that its requests go to.
    pub service: Service,
    /// Whether the emulator implements it. To what it does not implement it responds with 501.
    pub emulated: bool,
    /// All operations, in the document's order.
    pub operations: &'static [Operation],
    /// The document as JSON.
    #[cfg(feature = "documents")]
    pub document: &'static str,
    /// Decodes a value into the type of a schema and encodes it again.
    #[cfg(feature = "reflect")]
    pub round_trip: RoundTrip,
    /// The generated types, described by `utoipa`.
    #[cfg(all(feature = "reflect", feature = "utoipa"))]
    pub schemas: fn() -> utoipa::openapi::OpenApi,
}

/// A service, which has an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// ModelArts itself.
    ModelArts,
    /// The identity service, IAM.
    Identity,
}

/// Decodes a value into the type of a schema and encodes it again: `None` where the document has no schema of this name, an
/// error where the value does not decode.
#[cfg(feature = "reflect")]
pub type RoundTrip = fn(&str, serde_json::Value) -> Option<serde_json::Result<serde_json::Value>>;

/// The round trip through the types of the document of this name.
#[cfg(feature = "reflect")]
pub fn round_trip(document: &str) -> Option<RoundTrip> {
    let mut families = FAMILIES.iter();
    let family = families.find(|family| family.name == document)?;
    Some(family.round_trip)
}

/// An operation of any family, with its family.
///
/// ```
/// let (family, operation) = modelarts_client::operation("createToken").expect("it is an operation");
/// assert_eq!((family.name, operation.method), ("iam", "POST"));
/// ```
pub fn operation(id: &str) -> Option<(&'static Family, &'static Operation)> {
    FAMILIES.iter().find_map(|family| {
        let mut operations = family.operations.iter();
        let operation = operations.find(|operation| operation.id == id)?;
        Some((family, operation))
    })
}

/// The operations of all families.
pub fn operations() -> impl Iterator<Item = &'static Operation> + Clone {
    FAMILIES.iter().flat_map(|family| family.operations)
}
