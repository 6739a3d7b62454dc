//! The operations, grouped by what they are about.

mod flavors;
mod images;
mod instances;
mod leases;
mod notebooks;
mod storage;

use crate::client::ModelArts;

pub use flavors::Flavors;
pub use images::Images;
pub use instances::Instances;
pub use leases::Leases;
pub use notebooks::Notebooks;
pub use storage::Storage;

impl ModelArts {
    /// Notebooks, the generation to use.
    pub fn notebooks(&self) -> Notebooks {
        Notebooks::new(self)
    }

    /// Instances of the old generation.
    pub fn instances(&self) -> Instances {
        Instances::new(self)
    }

    /// The time that notebooks may run before they are stopped.
    pub fn leases(&self) -> Leases {
        Leases::new(self)
    }

    /// What notebooks can run on.
    pub fn flavors(&self) -> Flavors {
        Flavors::new(self)
    }

    /// What notebooks can run, and saving them.
    pub fn images(&self) -> Images {
        Images::new(self)
    }

    /// OBS storage mounted to notebooks.
    pub fn storage(&self) -> Storage {
        Storage::new(self)
    }
}
