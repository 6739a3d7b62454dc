//! What the documents ask of a server, done by the [`App`]: a file for each tag implements the generated trait of that tag.

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
