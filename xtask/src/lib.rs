//! What maintainers' commands are made of: documents, their rules, and the code that comes from them.

pub mod catalogue;
pub mod check;
mod closed;
pub mod diff;
pub mod document;
pub mod draft;
pub mod drift;
mod enums;
pub mod errata;
mod generate;
mod lower;
mod operations;
pub mod problem;
pub mod prose;
mod publish;
pub mod regen;
pub mod samples;
pub mod sdk;
pub mod source;
pub mod strict;
mod texts;
pub mod tidy;
mod types;
pub mod verify;
mod words;
pub mod workspace;
