//! The list of API families, for code that serves, calls or tests all of them.

use crate::{FAMILIES, Operation};

/// An API family: one document, and the code that is generated from it.
///
/// ```
/// let names: Vec<_> = modelarts_client::FAMILIES.iter().map(|family| family.name).collect();
/// assert!(names.contains(&"devenviron"));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Family {
    /// The name of the document, which is also the name of the module and of the cargo feature.
    pub name: &'static str,
    /// The title of the document.
    pub title: &'static str,
    /// The service that its requests are sent to.
    pub service: Service,
    /// Whether the emulator implements the family. It responds with 501 to operations that it does not implement.
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

/// A service with its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// ModelArts itself.
    ModelArts,
    /// The identity service, IAM.
    Identity,
}

/// Decodes a value into the type of a schema and encodes it again.
///
/// The function returns `None` if the document has no schema of this name, and an error if the value cannot be decoded.
#[cfg(feature = "reflect")]
pub type RoundTrip = fn(&str, serde_json::Value) -> Option<serde_json::Result<serde_json::Value>>;

/// Returns the round-trip function for the types of the document with this name.
#[cfg(feature = "reflect")]
pub fn round_trip(document: &str) -> Option<RoundTrip> {
    let mut families = FAMILIES.iter();
    let family = families.find(|family| family.name == document)?;
    Some(family.round_trip)
}

/// Returns the operation with this ID, of any family, together with its family.
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

/// Returns the operations of all families.
pub fn operations() -> impl Iterator<Item = &'static Operation> + Clone {
    FAMILIES.iter().flat_map(|family| family.operations)
}
