//! Reads the OpenAPI 3.0 documents that this workspace is built from.
//!
//! Start with [`Document`]: it has operations, parameters, bodies, schemas, limits and examples, with every `$ref`
//! resolved. Everything borrows from the document, nothing is copied. A schema may contain itself: references are
//! resolved lazily, one step at a time, and functions that visit all schemas visit each of them once.
//!
//! ```
//! use modelarts_document::{Document, SchemaType};
//!
//! let document = Document::from_json(r##"{
//!     "openapi": "3.0.3",
//!     "paths": {"/trees": {"post": {
//!         "operationId": "plantTree",
//!         "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}},
//!         "responses": {"204": {"description": "Planted."}}
//!     }}},
//!     "components": {"schemas": {"Node": {"type": "object", "properties": {
//!         "name": {"type": "string", "maxLength": 64},
//!         "child": {"$ref": "#/components/schemas/Node"}
//!     }}}}
//! }"##)?;
//! let plant = document.operation("plantTree").ok_or("no such operation")?;
//! let body = plant.request_body().and_then(|body| body.json()).ok_or("no body")?;
//! let node = body.schema().ok_or("no schema")?;
//! assert_eq!(node.name(), Some("Node"));
//! let name = node.property("name").ok_or("no property")?;
//! assert_eq!(name.limits().max_length, Some(64));
//! let child = node.property("child").ok_or("no property")?;
//! assert_eq!(child.schema_type(), SchemaType::Object);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod document;
mod error;
mod json_schema;
mod operation;
mod pagination;
mod reference;
mod schema;

pub use document::{Document, NamedExample};
pub use error::{ReadError, ReferenceError};
pub use json_schema::to_json_schema;
pub use operation::{
    Example, Location, METHODS, MediaType, Operation, Parameter, RequestBody, Response, is_json,
};
pub use pagination::{Pagination, PaginationError, PaginationStyle};
pub use reference::{push, walk};
pub use schema::{AdditionalProperties, Limits, Schema, SchemaType};
