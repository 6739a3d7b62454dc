//! Lists as streams that fetch one page at a time.

mod cursor;
mod key;
mod list;
mod page;
mod pagination;
mod position;
mod query;
mod raw;
mod stream;
#[cfg(test)]
mod testing;

pub(crate) use list::List;
pub use pagination::Pagination;
pub(crate) use position::{Position, Style};
pub(crate) use query::{ListQuery, list_methods};
pub use raw::RawPage;
pub use stream::{Items, Pages};
pub(crate) use stream::{items, pages};
