//! Where certificates are.

use modelarts_client::Secret;

/// Paths of files for TLS, or what would stand in them (PEM), each with the name of its setting.
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
