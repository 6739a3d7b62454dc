//! The part of the saved state that is not a resource.

use serde::{Deserialize, Serialize};

use super::transition_fault::TransitionFault;
use crate::fixtures::{Capacity, Fixtures};
use crate::ids::Ids;

/// The part of the saved state that is not a resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Core {
    /// The seed of the ids.
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

/// The origin of a state, from which a reset creates it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Beginning {
    pub(crate) rng_seed: u64,
    pub(crate) fixtures: Fixtures,
}
