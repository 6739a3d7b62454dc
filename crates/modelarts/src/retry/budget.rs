//! A limit on retries that all calls of a client share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Retries cost, successes repay: when a service is down, its clients stop adding to the load.
///
/// A full budget pays for a hundred retries. Every success repays a tenth of one.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<u32>);

const CAPACITY: u32 = 1000;
const COST: u32 = 10;
const REPAYMENT: u32 = 1;

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Mutex::new(CAPACITY))
    }
}

impl RetryBudget {
    /// Takes the price of one retry; `false` when it cannot be paid.
    pub(crate) fn withdraw(&self) -> bool {
        let mut tokens = self.tokens();
        match tokens.checked_sub(COST) {
            Some(rest) => {
                *tokens = rest;
                true
            }
            None => false,
        }
    }

    /// Notes a success.
    pub(crate) fn repay(&self) {
        let mut tokens = self.tokens();
        *tokens = (*tokens + REPAYMENT).min(CAPACITY);
    }

    fn tokens(&self) -> MutexGuard<'_, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_retries_then_one_for_ten_successes() {
        let budget = RetryBudget::default();
        assert_eq!((0..200).filter(|_| budget.withdraw()).count(), 100);
        (0..9).for_each(|_| budget.repay());
        assert!(!budget.withdraw());
        budget.repay();
        assert!(budget.withdraw());
    }
}
