//! Shared parts of the benchmarks: measurements, the table of results, generated lists of notebooks, and clients.

pub mod callers;
pub mod host;
pub mod load;
pub mod measure;
pub mod pages;
pub mod plain;
pub mod table;
