//! Profiles: settings in a file, which need not be repeated as flags.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use etcetera::AppStrategy as _;
use modelarts::{AccessKey, Credentials, Login, Secret};
use serde::Deserialize;

use crate::files::directories;
use crate::output::note;
use crate::schema::nearest;

/// The content of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The profile that is used when none is named.
    default: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// The settings of one profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) cloud: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) project_id: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) allow_http: Option<bool>,
    pub(crate) timeout: Option<String>,
    pub(crate) retries: Option<u32>,
    pub(crate) output: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    domain: Option<String>,
    access_key: Option<String>,
    secret_key: Option<Secret>,
    token: Option<Secret>,
}

impl Profile {
    /// Loads the profile of this name, or the default one; `None` if there is no file.
    pub(crate) fn load(name: Option<&str>) -> Result<Option<Self>> {
        let Some(path) = path() else { return Ok(None) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(_) if name.is_none() => return Ok(None),
            Err(error) => {
                let name = name.unwrap_or_default();
                return Err(error)
                    .with_context(|| format!("the profile `{name}`: reading {}", path.display()));
            }
        };
        let profile = Self::read(&text, name).with_context(|| format!("in {}", path.display()))?;
        if profile.as_ref().is_some_and(Self::has_secrets) {
            warn_of_readers(&path);
        }
        Ok(profile)
    }

    fn read(text: &str, name: Option<&str>) -> Result<Option<Self>> {
        // The error of the parser shows the line, which may contain a password.
        let mut file: File =
            toml::from_str(text).map_err(|error| anyhow!("{}", error.message()))?;
        let Some(name) = name.map(str::to_owned).or(file.default) else {
            return Ok(None);
        };
        match file.profiles.remove(&name) {
            Some(profile) => Ok(Some(Self { name, ..profile })),
            None => {
                let known = file.profiles.keys().map(String::as_str);
                match nearest(&name, known) {
                    Some(nearest) => {
                        bail!("there is no profile `{name}`; did you mean `{nearest}`?")
                    }
                    None => bail!("there is no profile `{name}`"),
                }
            }
        }
    }

    fn has_secrets(&self) -> bool {
        self.password.is_some() || self.secret_key.is_some() || self.token.is_some()
    }

    /// Returns the credentials of the profile, if it has any.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>> {
        let place = format!("profile `{}`", self.name);
        if let Some(token) = &self.token {
            return Ok(Some(Credentials::token(token.clone())));
        }
        match (&self.access_key, &self.secret_key) {
            (Some(access_key), Some(secret_key)) => {
                let key = AccessKey::new(access_key.as_str(), secret_key.clone());
                return Ok(Some(Credentials::access_key(key)));
            }
            (None, None) => {}
            _ => bail!("{place}: access_key and secret_key must both be set"),
        }
        match (&self.username, &self.password) {
            (Some(username), Some(password)) => {
                let login = Login::new(username.as_str(), password.clone());
                Ok(Some(Credentials::password(match &self.domain {
                    Some(domain) => login.domain_name(domain.as_str()),
                    None => bail!("{place}: username requires domain"),
                })))
            }
            (None, None) => Ok(None),
            _ => bail!("{place}: username and password must both be set"),
        }
    }
}

/// Returns the path of the file that defines profiles.
pub(crate) fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MODELARTS_CONFIG").filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    Some(directories()?.in_config_dir("config.toml"))
}

#[cfg(unix)]
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        note(&format!(
            "warning: others can read the secrets in {0}: chmod 600 {0}",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "default = \"work\"\n[profiles.work]\nregion = \"eu-de\"\n[profiles.test]\ntoken = \"hush\"\n";

    fn refusal(text: &str, name: Option<&str>) -> String {
        format!("{:#}", Profile::read(text, name).unwrap_err())
    }

    #[test]
    fn a_profile_is_found_by_name_or_by_default() {
        let read = |name| Profile::read(FILE, name).unwrap().unwrap();
        assert_eq!(read(None).region.as_deref(), Some("eu-de"));
        assert!(read(Some("test")).credentials().unwrap().is_some());
        assert_eq!(
            refusal(FILE, Some("wrok")),
            "there is no profile `wrok`; did you mean `work`?"
        );
    }

    #[test]
    fn an_unknown_setting_is_an_error_without_secrets() {
        let error = refusal("[profiles.a]\npasswort = \"hush\"\n", Some("a"));
        assert!(
            error.contains("passwort") && !error.contains("hush"),
            "{error}"
        );
        let error = refusal("[profiles.a]\npassword = hush\n", Some("a"));
        assert!(!error.contains("hush"), "{error}");
        let half = Profile::read("[profiles.a]\nusername = \"u\"\n", Some("a"));
        assert!(half.unwrap().unwrap().credentials().is_err());
    }
}
