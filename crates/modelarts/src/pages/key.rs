//! Hashes that identify the items of a list, so that a repeated item is recognised.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde::Serialize;

/// Identifies an item by its ID or, without one, by its content and index.
pub(super) fn key(id: Option<&str>, item: &impl Serialize, index: i64) -> u64 {
    match id {
        Some(id) => hash(&(None::<i64>, Some(id))),
        None => hash(&(Some(index), serde_json::to_string(item).unwrap_or_default())),
    }
}

pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
