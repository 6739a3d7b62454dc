//! The service itself: what exists, what may be done with it, and which transitions happen by themselves.
//!
//! Everything here is synchronous and has no clock: the present time is an argument. An automatic transition is an
//! entry in a list of timers, and is carried out when the state is next accessed at or after its time. So nothing
//! runs in the background, and a restart changes nothing.

mod auto_stop;
mod caller;
mod capacity;
mod catalogue;
mod checks;
mod devenv;
mod devenv_checks;
mod devenv_list;
mod devenv_storage;
mod devenv_wire;
mod durations;
mod failures;
mod fixtures;
mod flavors;
mod image_creation;
mod image_groups;
mod image_list;
mod images;
mod instances;
mod lease;
mod listing;
pub(crate) mod model;
mod notebook_checks;
mod notebook_list;
mod notebooks;
mod page;
mod phase;
mod project_checks;
mod settings;
mod snapshot;
mod sorted;
mod specification;
mod stale_reads;
mod state;
mod state_core;
pub(crate) mod status;
mod storage;
mod tags;
mod timers;
mod transition_fault;
mod wire;

pub(crate) use caller::{At, Caller};
pub(crate) use devenv_list::DevEnvQuery;
pub use durations::{Durations, Step};
pub use fixtures::FixtureError;
pub(crate) use flavors::{FlavorQuery, plain as plain_flavors};
pub(crate) use image_list::ImageQuery;
pub use model::Generation;
pub(crate) use notebook_list::NotebookQuery;
pub(crate) use page::Paging;
pub(crate) use settings::Settings;
pub use snapshot::Snapshot;
pub(crate) use state::State;
pub(crate) use state_core::{Beginning, Core};
pub use status::InstanceStatus;
pub(crate) use transition_fault::LONGEST_REASON;
pub use transition_fault::TransitionFault;
