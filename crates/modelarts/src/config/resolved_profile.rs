//! The settings of a profile for one region, merged from all its sources and checked.

use modelarts_client::Secret;

use super::clouds::Cloud;
use super::profile::Profile;
use super::settings::{Layer, Setting};
use super::tls::TlsFiles;
use crate::credentials::{Credentials, CredentialsKind, Named};
use crate::error::{Error, Result};

/// The settings of a profile, for one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolvedProfile {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) project_id: Option<String>,
    pub(crate) project_name: Option<String>,
    pub(crate) project_domain: Option<Named>,
    pub(crate) interface: Option<String>,
    pub(crate) tls: TlsFiles,
    /// Why the region does not say where the services are.
    pub(crate) no_public_cloud: Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl Profile {
    /// Returns the settings for a region, or for the region that the profile itself names.
    ///
    /// Without `credentials`, the profile's own credentials are ignored, because the caller has others.
    pub(crate) fn resolve(
        &self,
        region: Option<&str>,
        credentials: bool,
    ) -> Result<ResolvedProfile> {
        let (region, all) = self.merged(region)?;
        let credentials = match credentials {
            true => all.credentials(&self.source())?,
            false => None,
        };
        self.check_supported(credentials.as_ref())?;
        let (auth_url, warning) = auth_url(&all, region.as_deref())?;
        let mut warnings = self.warnings.clone();
        warnings.extend(warning);
        let domain_id = all.project_domain_id().map(Named::Id);
        Ok(ResolvedProfile {
            credentials,
            endpoint: self.endpoint(&all, region.as_deref()),
            auth_url,
            no_public_cloud: self.cloud.as_ref().and_then(Cloud::no_public_cloud),
            project_id: all.get(Setting::ProjectId),
            project_name: all.get(Setting::ProjectName),
            project_domain: domain_id.or_else(|| all.project_domain_name().map(Named::Name)),
            interface: interface(&all)?,
            tls: self.tls(&all)?,
            region,
            warnings,
        })
    }

    /// Merges all sources; returns the region in use and the settings for it.
    fn merged(&self, region: Option<&str>) -> Result<(Option<String>, Layer)> {
        let region = region
            .map(str::to_owned)
            .or_else(|| self.above.get(Setting::Region));
        let (region, below) = match &self.cloud {
            Some(cloud) => {
                let below = self.below.get(Setting::Region);
                let (region, layer) = cloud.in_region(region, below)?;
                (region, layer.over_source(self.below.clone()))
            }
            None => (region, self.below.clone()),
        };
        let region = region.or_else(|| below.get(Setting::Region));
        Ok((region, self.above.clone().over_source(below)))
    }

    /// Returns an error if a variable is set that would change the meaning of these credentials.
    fn check_supported(&self, credentials: Option<&Credentials>) -> Result<()> {
        let unsupported = match credentials.map(|credentials| &credentials.0) {
            Some(CredentialsKind::Password(_)) => {
                self.agency.as_ref().or(self.unsupported.as_ref())
            }
            Some(_) => self.agency.as_ref(),
            None => None,
        };
        match unsupported {
            Some(name) => Err(Error::configuration(format!(
                "{name} is set, but signing in with it is not supported"
            ))),
            None => Ok(()),
        }
    }

    /// Returns the configured address of the service.
    fn endpoint(&self, all: &Layer, region: Option<&str>) -> Option<String> {
        all.get(Setting::Endpoint).or_else(|| {
            let wanted = region?.to_ascii_uppercase().replace('-', "_");
            let mut by_region = self.by_region.iter();
            let (_, address) = by_region.find(|(suffix, _)| *suffix == wanted)?;
            Some(address.clone())
        })
    }

    fn tls(&self, all: &Layer) -> Result<TlsFiles> {
        let path = |key| {
            let text = all.get(key)?;
            let text = match (text.strip_prefix("~/"), &self.home) {
                (Some(rest), Some(home)) => home.join(rest).display().to_string(),
                _ => text,
            };
            Some((all.name(key).to_owned(), Secret::from(text)))
        };
        let files = TlsFiles {
            ca: path(Setting::CaCert),
            cert: path(Setting::ClientCert),
            key: path(Setting::ClientKey),
            // The less strict setting takes precedence, as in OpenStack tools.
            unverified: all.switch(Setting::Insecure)? == Some(true)
                || all.switch(Setting::Verify)? == Some(false),
        };
        match (&files.cert, &files.key) {
            (None, Some((name, _))) => Err(Error::configuration(format!(
                "{name} is set without a certificate: set `cert` or OS_CERT, too"
            ))),
            _ => Ok(files),
        }
    }
}

/// Returns the configured address of the identity service, and a warning if a second one is not used.
fn auth_url(all: &Layer, region: Option<&str>) -> Result<(Option<String>, Option<String>)> {
    let (url, warning) = match (
        all.get(Setting::AuthUrl),
        all.get(Setting::IdentityEndpoint),
    ) {
        (Some(url), Some(_)) => {
            let (unused, used) = (Setting::IdentityEndpoint, Setting::AuthUrl);
            let warning = format!("{} is not used beside {}", all.name(unused), all.name(used));
            (url, Some(warning))
        }
        (Some(url), None) | (None, Some(url)) => (url, None),
        (None, None) => return Ok((None, None)),
    };
    Ok((Some(for_region(url, region)?), warning))
}

/// Returns which of the addresses in the service catalogue to use; `None` means the public ones.
fn interface(all: &Layer) -> Result<Option<String>> {
    let Some(value) = all.get(Setting::Interface) else {
        return Ok(None);
    };
    let value = value.strip_suffix("URL").unwrap_or(&value);
    match value {
        "public" | "internal" | "admin" => Ok(Some(value.to_owned())),
        _ => Err(Error::configuration(format!(
            "{} must be public, internal or admin",
            all.name(Setting::Interface)
        ))),
    }
}

/// Replaces `{region_name}` in an address. The region must not change the host, the path or the port.
fn for_region(url: String, region: Option<&str>) -> Result<String> {
    const PLACE: &str = "{region_name}";
    if !url.contains(PLACE) {
        return Ok(url);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match region {
        Some(region) if region.chars().all(is_plain) => Ok(url.replace(PLACE, region)),
        Some(_) => Err(Error::configuration(
            "the region contains characters that cannot replace {region_name} in the auth URL",
        )),
        None => Err(Error::configuration(
            "the auth URL contains {region_name}, but no region is set: call `region`, or set OS_REGION_NAME",
        )),
    }
}
