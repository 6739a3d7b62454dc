//! The caller of an operation.

use crate::clock::Millis;

/// Who asks, for which project.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) project: String,
    pub(crate) admin: bool,
}

impl Caller {
    /// Who has yet to sign in.
    pub(crate) fn nobody() -> Self {
        Self {
            user: String::new(),
            project: String::new(),
            admin: false,
        }
    }
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) now: Millis,
    pub(crate) caller: &'a Caller,
}
