//! What the benchmarks share: measurements, the table of aims, notebooks by the thousand and who calls for them.

pub mod callers;
pub mod host;
pub mod load;
pub mod measure;
pub mod pages;
pub mod plain;
pub mod table;
