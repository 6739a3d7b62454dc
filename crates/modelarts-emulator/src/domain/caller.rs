//! The caller of an operation.

use crate::clock::Millis;

/// The caller of an operation, and its project.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) project: String,
    pub(crate) admin: bool,
}

impl Caller {
    /// Returns the caller of an operation without credentials.
    pub(crate) fn nobody() -> Self {
        Self {
            user: String::new(),
            project: String::new(),
            admin: false,
        }
    }
}

/// The caller of an operation, and the present time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) now: Millis,
    pub(crate) caller: &'a Caller,
}
