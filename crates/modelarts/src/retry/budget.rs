//! A limit on retries that all calls of a client share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A budget of retries that all calls of a client share, so that clients do not add to the load when a service is
/// down.
///
/// Every retry takes one from the budget, and every success puts a tenth of one back. When the budget is used up, a
/// call that would otherwise be retried fails with [`RetryLimit::Budget`](crate::RetryLimit::Budget). Clones share
/// the budget.
///
/// ```no_run
/// # async fn run() -> modelarts::Result<()> {
/// use modelarts::{ModelArts, RetryBudget};
///
/// let client = ModelArts::builder().retry_budget(RetryBudget::new(20)).build().await?;
/// println!("{} retries are left", client.retry_budget().remaining());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RetryBudget {
    /// The rest, in tenths of a retry.
    tenths: Arc<Mutex<u64>>,
    /// `None` means no limit.
    capacity: Option<u32>,
}

const COST: u64 = 10;
const REPAYMENT: u64 = 1;

impl Default for RetryBudget {
    /// Creates a budget of a hundred retries.
    fn default() -> Self {
        Self::new(100)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("capacity", &self.capacity)
            .field("remaining", &self.remaining())
            .finish()
    }
}

impl RetryBudget {
    /// Creates a full budget of this many retries.
    pub fn new(retries: u32) -> Self {
        Self {
            tenths: Arc::new(Mutex::new(u64::from(retries) * COST)),
            capacity: Some(retries),
        }
    }

    /// Creates a budget without a limit: each call makes all attempts that its [`RetryPolicy`](crate::RetryPolicy)
    /// allows.
    pub fn unlimited() -> Self {
        Self {
            tenths: Arc::default(),
            capacity: None,
        }
    }

    /// Returns the number of retries in the full budget; `None` without a limit.
    pub fn capacity(&self) -> Option<u32> {
        self.capacity
    }

    /// Returns the number of retries left; [`u32::MAX`] without a limit.
    pub fn remaining(&self) -> u32 {
        match self.capacity {
            Some(_) => u32::try_from(*self.tenths() / COST).unwrap_or(u32::MAX),
            None => u32::MAX,
        }
    }

    /// Takes one retry from the budget; `false` if there is none left.
    pub(crate) fn withdraw(&self) -> bool {
        if self.capacity.is_none() {
            return true;
        }
        let mut tenths = self.tenths();
        match tenths.checked_sub(COST) {
            Some(rest) => {
                *tenths = rest;
                true
            }
            None => false,
        }
    }

    /// Counts a success.
    pub(crate) fn repay(&self) {
        if let Some(capacity) = self.capacity {
            let mut tenths = self.tenths();
            *tenths = (*tenths + REPAYMENT).min(u64::from(capacity) * COST);
        }
    }

    fn tenths(&self) -> MutexGuard<'_, u64> {
        self.tenths.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(budget.remaining(), 1);
        assert!(budget.withdraw());
    }

    #[test]
    fn a_budget_can_be_empty_or_endless() {
        assert!(!RetryBudget::new(0).withdraw());
        let endless = RetryBudget::unlimited();
        assert!((0..10_000).all(|_| endless.withdraw()));
        assert_eq!(endless.remaining(), u32::MAX);
        let full = RetryBudget::new(2);
        (0..50).for_each(|_| full.repay());
        assert_eq!(full.remaining(), 2);
    }

    #[test]
    fn clones_share_what_is_left_of_their_capacity() {
        let budget = RetryBudget::new(3);
        assert!(budget.clone().withdraw());
        assert_eq!((budget.capacity(), budget.remaining()), (Some(3), 2));
        assert_eq!(RetryBudget::unlimited().capacity(), None);
    }
}
