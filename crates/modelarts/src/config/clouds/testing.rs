//! What the tests of this folder share: folders with files, and profiles read from them.

use std::path::{Path, PathBuf};

use crate::config::{Environment, Profile, ResolvedProfile};

/// The settings of a user below `auth`.
pub(in crate::config) const USER: &str = "username: u, user_domain_name: d, password: t0p-s3cret";

/// Two clouds, one with a user and one with an access key.
pub(in crate::config) const TWO: &str = "
clouds:
  otc:
    region_name: eu-nl
    auth:
      auth_url: https://iam.eu-nl.otc.t-systems.com/v3
      username: trainer
      user_domain_name: nlp
      project_name: eu-nl_nlp
    unknown: [kept, out]
  keys:
    ak: AK1
    sk: 12345
";

/// Creates a separate folder for each test.
pub(in crate::config) fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("modelarts-clouds-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    folder
}

pub(in crate::config) fn environment(folder: &Path, more: &[(&str, &str)]) -> Environment {
    let file = folder.join("clouds.yaml").display().to_string();
    let mut variables = vec![("OS_CLIENT_CONFIG_FILE", file.as_str())];
    variables.extend(more);
    Environment::of(variables)
}

pub(in crate::config) fn resolved(environment: &Environment) -> ResolvedProfile {
    let profile = Profile::discover(environment).unwrap();
    profile.resolve(None, true).unwrap()
}

pub(in crate::config) fn cloud(folder: &Path, name: &str) -> ResolvedProfile {
    let profile = Profile::from_clouds(&environment(folder, &[]), name).unwrap();
    profile.resolve(None, true).unwrap()
}

pub(in crate::config) fn refused(folder: &Path, name: &str) -> String {
    let profile = Profile::from_clouds(&environment(folder, &[]), name);
    profile.unwrap_err().to_string()
}
