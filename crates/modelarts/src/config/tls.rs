//! The locations of certificates.

use modelarts_client::Secret;

/// The TLS files, each given by its path or by its content (PEM), with the name of the setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<(String, Secret)>,
    pub(crate) cert: Option<(String, Secret)>,
    pub(crate) key: Option<(String, Secret)>,
    pub(crate) unverified: bool,
}

impl TlsFiles {
    /// Whether nothing is set.
    pub(crate) fn is_default(&self) -> bool {
        self.ca.is_none() && self.cert.is_none() && self.key.is_none() && !self.unverified
    }
}
