//! The single values of the state that are saved.

use serde::{Deserialize, Serialize};

use super::transition_fault::TransitionFault;
use crate::fixtures::{Capacity, Fixtures};
use crate::ids::Ids;

/// The single values that are saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Core {
    /// The number that the ids began with.
    #[serde(alias = "seed")]
    pub(crate) rng_seed: u64,
    pub(crate) ids: Ids,
    pub(crate) next_seq: u64,
    pub(crate) token_key: [u8; 32],
    pub(crate) capacity: Capacity,
    pub(crate) failures: Vec<TransitionFault>,
}

impl Core {
    pub(crate) fn new(rng_seed: u64) -> Self {
        let mut ids = Ids::seeded(rng_seed);
        Self {
            rng_seed,
            token_key: ids.fork().bytes(),
            ids,
            next_seq: 1,
            capacity: Capacity::default(),
            failures: Vec::new(),
        }
    }
}

/// What a state was made from, and a reset makes it from again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Beginning {
    pub(crate) rng_seed: u64,
    pub(crate) fixtures: Fixtures,
}
