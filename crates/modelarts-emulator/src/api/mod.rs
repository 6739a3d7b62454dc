//! The operations of the documents: one file for each tag implements the generated trait of the tag for
//! [`App`](crate::app::App).

mod access;
mod devenv;
mod flavors;
mod images;
mod lease;
mod notebooks;
mod paging;
mod projects;
mod storage;
mod tags;
mod tokens;
pub(crate) mod versions;
