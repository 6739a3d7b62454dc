//! `clouds.yaml`, `secure.yaml` and `clouds-public.yaml`: finding a cloud by its name, or the only one there is.

mod cloud;
mod file;
mod keys;
mod locations;
mod mapping;
mod section;
#[cfg(test)]
pub(super) mod testing;

use std::path::PathBuf;

use super::Environment;
use crate::error::{Error, Result};
use file::{File, read};
use locations::{CLOUDS, SECURE, candidates, companion, existing};

pub(super) use cloud::Cloud;
pub(super) use locations::looked_for;

/// Returns the cloud of this name.
pub(super) fn named(environment: &Environment, name: &str) -> Result<Cloud> {
    let Some(files) = Files::load(environment)? else {
        return Err(Error::configuration(format!(
            "there is no clouds.yaml with the cloud `{name}`; looked for {}",
            looked_for(environment)?
        )));
    };
    if !files.names().any(|known| known == name) {
        let known: Vec<_> = files.names().collect();
        return Err(Error::configuration(format!(
            "{} has no cloud `{name}`; it has: {}",
            files.path.display(),
            match known.is_empty() {
                true => "none below `clouds`".to_owned(),
                false => known.join(", "),
            }
        )));
    }
    files.cloud(environment, name)
}

/// Returns the only cloud of the file, or `None` if there is no file or it has no cloud.
pub(super) fn only(environment: &Environment) -> Result<Option<Cloud>> {
    let Some(files) = Files::load(environment)? else {
        return Ok(None);
    };
    let names: Vec<String> = files.names().map(str::to_owned).collect();
    match names.as_slice() {
        [] => Ok(None),
        [name] => files.cloud(environment, name).map(Some),
        [first, second, ..] => Err(Error::configuration(format!(
            "{} has several clouds ({first}, {second}, …): set OS_CLOUD to the name of one",
            files.path.display()
        ))),
    }
}

/// A `clouds.yaml` and its `secure.yaml`.
struct Files {
    path: PathBuf,
    clouds: File,
    secure: Option<(PathBuf, File)>,
}

impl Files {
    fn load(environment: &Environment) -> Result<Option<Self>> {
        let path = match environment.get("OS_CLIENT_CONFIG_FILE")? {
            // A file that is named explicitly must exist: another file would mean another cloud.
            Some(path) => Some(existing("OS_CLIENT_CONFIG_FILE", path)?),
            None => {
                let mut candidates = candidates(environment, CLOUDS).into_iter();
                candidates.find(|path| path.exists())
            }
        };
        let Some(path) = path else {
            return Ok(None);
        };
        let secure = match environment.get("OS_CLIENT_SECURE_FILE")? {
            Some(secure) => Some(existing("OS_CLIENT_SECURE_FILE", secure)?),
            None => companion(environment, &path, SECURE),
        };
        let secure = match secure {
            Some(path) => Some((path.clone(), read(&path)?)),
            None => None,
        };
        Ok(Some(Self {
            clouds: read(&path)?,
            path,
            secure,
        }))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let secure = self.secure.iter().flat_map(|(_, file)| file.clouds.keys());
        let here = &self.clouds.clouds;
        let more = secure.filter(|name| !here.contains_key(*name));
        here.keys().chain(more).map(String::as_str)
    }

    /// Returns the cloud of this name, merged from both files.
    fn cloud(&self, environment: &Environment, name: &str) -> Result<Cloud> {
        let secure = self
            .secure
            .iter()
            .map(|(path, file)| (path.as_path(), file));
        let files = secure.chain([(self.path.as_path(), &self.clouds)]);
        Cloud::merge(environment, name, &self.path, files)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use crate::config::Profile;
    use crate::credentials::CredentialsKind;

    #[test]
    fn a_name_is_needed_among_several_and_must_exist() {
        let folder = folder("several", &[("clouds.yaml", TWO)]);
        let error = Profile::discover(&environment(&folder, &[])).unwrap_err();
        assert!(error.to_string().contains("set OS_CLOUD"), "{error}");
        let error = Profile::from_clouds(&environment(&folder, &[]), "nlp").unwrap_err();
        assert!(error.to_string().contains("it has: keys, otc"), "{error}");
        let keys = cloud(&folder, "keys");
        assert!(
            matches!(keys.credentials, Some(c) if matches!(c.0, CredentialsKind::AccessKey(_)))
        );
    }
}
