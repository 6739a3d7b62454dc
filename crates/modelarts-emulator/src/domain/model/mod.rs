//! The resources, and their automatic transitions.

mod dev_env;
mod image;
mod instance;
mod lease;
mod mount;
mod notebook;
#[cfg(test)]
mod tests;
mod volume;

pub(crate) use dev_env::DevEnv;
pub(crate) use image::ImageEntry;
pub use instance::Generation;
pub(crate) use instance::{Details, Instance, Queue};
pub(crate) use lease::Lease;
pub(crate) use mount::Mount;
pub(crate) use notebook::Notebook;
pub(crate) use volume::Volume;
