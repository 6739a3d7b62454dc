//! Where the files are: their names, and the folders that are searched for them, in order.

use std::path::{Path, PathBuf};

use crate::config::Environment;
use crate::error::{Error, Result};

pub(super) const CLOUDS: &str = "clouds";
pub(super) const SECURE: &str = "secure";
pub(super) const PUBLIC: &str = "clouds-public";

/// The possible extensions of the files. JSON is also YAML.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Returns the places where a `clouds.yaml` is searched for, as text for error messages.
pub(in crate::config) fn looked_for(environment: &Environment) -> Result<String> {
    if let Some(path) = environment.get("OS_CLIENT_CONFIG_FILE")? {
        return Ok(path);
    }
    let mut candidates = candidates(environment, CLOUDS);
    candidates.retain(|path| path.extension().is_some_and(|ending| ending == ENDINGS[0]));
    let candidates: Vec<_> = candidates
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Ok(format!(
        "{}, and .yml and .json there",
        candidates.join(", ")
    ))
}

/// Returns the file of this name next to the `clouds.yaml` in use, or else from the places of [`candidates`].
pub(super) fn companion(environment: &Environment, path: &Path, name: &str) -> Option<PathBuf> {
    let beside = files(path.parent().unwrap_or(Path::new(".")), name);
    let mut places = beside.chain(candidates(environment, name));
    places.find(|path| path.exists())
}

pub(super) fn candidates(environment: &Environment, name: &str) -> Vec<PathBuf> {
    let user = environment
        .folder("XDG_CONFIG_HOME")
        .or_else(|| Some(environment.folder("HOME")?.join(".config")));
    let mut folders = vec![PathBuf::from(".")];
    folders.extend(user.map(|folder| folder.join("openstack")));
    folders.push("/etc/openstack".into());
    folders
        .iter()
        .flat_map(|folder| files(folder, name))
        .collect()
}

fn files(folder: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    ENDINGS
        .map(|ending| folder.join(format!("{name}.{ending}")))
        .into_iter()
}

pub(super) fn existing(variable: &str, path: String) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    match path.exists() {
        true => Ok(path),
        false => Err(Error::configuration(format!(
            "{variable} names {}, which does not exist",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::config::{Environment, Profile};
    use crate::credentials::CredentialsKind;

    #[test]
    fn files_may_end_as_other_tools_have_them() {
        let here = folder("endings", &[]);
        let user = here.join("config/openstack");
        std::fs::create_dir_all(&user).unwrap();
        let cloud = "clouds: {a: {auth: {username: u, user_domain_id: d}}}";
        std::fs::write(user.join("clouds.yml"), cloud).unwrap();
        let secure = r#"{"clouds": {"a": {"auth": {"password": "p"}}}}"#;
        std::fs::write(user.join("secure.json"), secure).unwrap();
        let config = here.join("config").display().to_string();
        let environment = Environment::of([("XDG_CONFIG_HOME", config.as_str())]);
        let profile = Profile::from_clouds(&environment, "a").unwrap();
        let profile = profile.resolve(None, true).unwrap();
        assert!(matches!(
            profile.credentials.unwrap().0,
            CredentialsKind::Password(_)
        ));
    }

    #[test]
    fn companions_are_found_in_the_places_of_openstack_tools() {
        let here = folder(
            "apart",
            &[(
                "clouds.yaml",
                "clouds: {a: {auth: {username: u, user_domain_id: d}}}",
            )],
        );
        let home = here.join("home");
        let user = home.join(".config/openstack");
        std::fs::create_dir_all(&user).unwrap();
        std::fs::write(
            user.join("secure.yaml"),
            "clouds: {a: {auth: {password: p}}}",
        )
        .unwrap();
        let home = home.display().to_string();
        let profile = Profile::from_clouds(&environment(&here, &[("HOME", &home)]), "a").unwrap();
        let profile = profile.resolve(None, true).unwrap();
        assert!(matches!(
            profile.credentials.unwrap().0,
            CredentialsKind::Password(_)
        ));
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        for name in ["OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"] {
            let folder = folder("named", &[("clouds.yaml", TWO)]);
            let environment = environment(
                &folder,
                &[(name, "/nonexistent/clouds.yaml"), ("OS_CLOUD", "otc")],
            );
            let error = Profile::discover(&environment).unwrap_err().to_string();
            assert!(
                error.contains(name) && error.contains("/nonexistent/clouds.yaml"),
                "{error}"
            );
        }
    }
}
