//! Accounts, and the tokens and signatures that prove them.

pub(crate) mod accounts;
pub(crate) mod signature;
pub(crate) mod token;
