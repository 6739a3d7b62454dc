//! Who is asking: tokens, signatures and the accounts behind them.

pub(crate) mod accounts;
pub(crate) mod signature;
pub(crate) mod token;
