//! The operations, grouped by resource.

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
    /// Returns the operations on notebooks, the generation to use.
    pub fn notebooks(&self) -> Notebooks {
        Notebooks::new(self)
    }

    /// Returns the operations on instances of the old generation.
    pub fn instances(&self) -> Instances {
        Instances::new(self)
    }

    /// Returns the operations on leases, the time that notebooks may run before they are stopped.
    pub fn leases(&self) -> Leases {
        Leases::new(self)
    }

    /// Returns the operations on flavors, the machine types of notebooks.
    pub fn flavors(&self) -> Flavors {
        Flavors::new(self)
    }

    /// Returns the operations on the images that notebooks run, including saving a notebook as an image.
    pub fn images(&self) -> Images {
        Images::new(self)
    }

    /// Returns the operations on OBS storage mounted to notebooks.
    pub fn storage(&self) -> Storage {
        Storage::new(self)
    }
}
