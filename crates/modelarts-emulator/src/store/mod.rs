//! Where the state is kept, apart from memory.

mod backend;
#[cfg(feature = "sqlite")]
mod database;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod writer;

pub(crate) use backend::{Change, Loaded, Row, Store, StoreError};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::SqliteStore;
