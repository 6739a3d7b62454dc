//! Existing configuration: environment variables and `clouds.yaml`.

mod clouds;
mod env;
mod profile;
mod resolved_profile;
mod settings;
mod tls;

pub use env::Environment;
pub use profile::Profile;
pub(crate) use resolved_profile::ResolvedProfile;
pub(crate) use tls::TlsFiles;
