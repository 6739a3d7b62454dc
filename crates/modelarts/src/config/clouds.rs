//! `clouds.yaml` and `secure.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Environment, Profile, Settings};
use crate::error::{Error, Result};

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    clouds: BTreeMap<String, Cloud>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cloud {
    auth: Auth,
    region_name: Option<String>,
    #[serde(alias = "modelartsv1_endpoint_override")]
    modelarts_endpoint_override: Option<String>,
    ak: Option<String>,
    sk: Option<String>,
    security_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth_url: Option<String>,
    token: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    password: Option<String>,
    user_domain_name: Option<String>,
    user_domain_id: Option<String>,
    domain_name: Option<String>,
    domain_id: Option<String>,
    project_id: Option<String>,
    project_name: Option<String>,
    project_domain_name: Option<String>,
    project_domain_id: Option<String>,
    #[serde(alias = "access_key")]
    ak: Option<String>,
    #[serde(alias = "secret_key")]
    sk: Option<String>,
    security_token: Option<String>,
}

/// The cloud of this name.
pub(super) fn named(environment: &Environment, name: &str) -> Result<Profile> {
    let Some((path, mut file)) = load(environment)? else {
        return Err(Error::configuration(format!(
            "there is no clouds.yaml with the cloud `{name}`; looked for {}",
            list(&candidates(environment))
        )));
    };
    let Some(cloud) = file.clouds.remove(name) else {
        let known: Vec<_> = file.clouds.into_keys().collect();
        return Err(Error::configuration(format!(
            "{} has no cloud `{name}`, it has: {}",
            path.display(),
            known.join(", ")
        )));
    };
    cloud.into_profile(&path, name)
}

/// The only cloud of the file, if there is a file and it has one.
pub(super) fn only(environment: &Environment) -> Result<Option<Profile>> {
    let Some((path, file)) = load(environment)? else {
        return Ok(None);
    };
    let mut clouds = file.clouds.into_iter();
    match (clouds.next(), clouds.next()) {
        (None, _) => Ok(None),
        (Some((name, cloud)), None) => cloud.into_profile(&path, &name).map(Some),
        (Some((first, _)), Some((second, _))) => Err(Error::configuration(format!(
            "{} has several clouds ({first}, {second}, …): set OS_CLOUD to the name of one",
            path.display()
        ))),
    }
}

fn load(environment: &Environment) -> Result<Option<(PathBuf, File)>> {
    let candidates = candidates(environment);
    let Some(path) = candidates.into_iter().find(|path| path.exists()) else {
        return Ok(None);
    };
    let mut file: File = read(&path)?;
    let secure = match environment.get("OS_CLIENT_SECURE_FILE") {
        Some(secure) => PathBuf::from(secure),
        None => path.with_file_name("secure.yaml"),
    };
    if secure.exists() {
        for (name, completion) in read(&secure)?.clouds {
            file.clouds.entry(name).or_default().complete(completion);
        }
    }
    Ok(Some((path, file)))
}

fn candidates(environment: &Environment) -> Vec<PathBuf> {
    if let Some(path) = environment.get("OS_CLIENT_CONFIG_FILE") {
        return vec![path.into()];
    }
    let user = environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&environment.get("HOME")?).join(".config")));
    let mut folders = vec![PathBuf::from(".")];
    folders.extend(user.map(|folder| folder.join("openstack")));
    folders.push("/etc/openstack".into());
    folders
        .into_iter()
        .map(|folder| folder.join("clouds.yaml"))
        .collect()
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::configuration(format!("{} cannot be read: {error}", path.display()))
    })?;
    parse(&text).map_err(|place| {
        Error::configuration(format!("{} is not understood{place}", path.display()))
    })
}

/// The parser's own messages quote the file, which holds passwords; only the place is taken from them.
fn parse(text: &str) -> Result<File, String> {
    serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(place) => format!(" at line {}, column {}", place.line(), place.column()),
        None => String::new(),
    })
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

/// Takes each named field from `$more` where it is set.
macro_rules! complete {
    ($this:expr, $more:expr, $($field:ident)+) => {
        $( if let Some(value) = $more.$field { $this.$field = Some(value); } )+
    };
}

impl Cloud {
    /// What a `secure.yaml` says goes before what `clouds.yaml` says.
    fn complete(&mut self, more: Self) {
        complete!(self, more, region_name modelarts_endpoint_override ak sk security_token);
        let (auth, more) = (&mut self.auth, more.auth);
        complete!(auth, more, auth_url token username user_id password user_domain_name user_domain_id);
        complete!(auth, more, domain_name domain_id project_id project_name project_domain_name);
        complete!(auth, more, project_domain_id ak sk security_token);
    }

    fn into_profile(self, path: &Path, name: &str) -> Result<Profile> {
        let auth = self.auth;
        let settings = Settings {
            token: auth.token,
            user_name: auth.username,
            user_id: auth.user_id,
            password: auth.password,
            user_domain_name: auth.user_domain_name.or(auth.domain_name),
            user_domain_id: auth.user_domain_id.or(auth.domain_id),
            access_key: self.ak.or(auth.ak),
            secret_key: self.sk.or(auth.sk),
            security_token: self.security_token.or(auth.security_token),
            region: self.region_name,
            endpoint: self.modelarts_endpoint_override,
            auth_url: auth.auth_url,
            project_id: auth.project_id,
            project_name: auth.project_name,
            project_domain_name: auth.project_domain_name,
            project_domain_id: auth.project_domain_id,
        };
        let source = format!("the cloud `{name}` of {}", path.display());
        let profile = settings.into_profile(&source)?;
        if profile.credentials.is_none() {
            return Err(Error::configuration(format!("{source} has no credentials")));
        }
        Ok(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Kind;

    /// A folder of its own for each test.
    fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("modelarts-clouds-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn environment(folder: &Path, more: &[(&str, &str)]) -> Environment {
        let file = folder.join("clouds.yaml").display().to_string();
        let mut variables = vec![("OS_CLIENT_CONFIG_FILE", file.as_str())];
        variables.extend(more);
        Environment::of(variables)
    }

    const CLOUDS: &str = "
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

    #[test]
    fn a_cloud_is_completed_by_secure_yaml() {
        let secure = "clouds: {otc: {auth: {password: hunter2}}}";
        let folder = folder(
            "secure",
            &[("clouds.yaml", CLOUDS), ("secure.yaml", secure)],
        );
        let profile = Profile::discover(&environment(&folder, &[("OS_CLOUD", "otc")])).unwrap();
        assert_eq!(profile.region.as_deref(), Some("eu-nl"));
        assert_eq!(profile.project_name.as_deref(), Some("eu-nl_nlp"));
        let Some(Kind::Password(login)) = profile.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "hunter2");
    }

    #[test]
    fn a_name_is_needed_among_several_and_must_exist() {
        let folder = folder("several", &[("clouds.yaml", CLOUDS)]);
        let error = Profile::discover(&environment(&folder, &[])).unwrap_err();
        assert!(error.to_string().contains("set OS_CLOUD"), "{error}");
        let error = Profile::from_clouds(&environment(&folder, &[]), "nlp").unwrap_err();
        assert!(error.to_string().contains("it has: keys, otc"), "{error}");
        let keys = Profile::from_clouds(&environment(&folder, &[]), "keys").unwrap();
        assert!(matches!(keys.credentials, Some(c) if matches!(c.0, Kind::AccessKey(_))));
    }

    #[test]
    fn the_environment_goes_before_a_cloud_that_nobody_named() {
        let folder = folder(
            "order",
            &[("clouds.yaml", "clouds: {a: {auth: {token: t1}}}")],
        );
        let from_file = Profile::discover(&environment(&folder, &[])).unwrap();
        assert!(matches!(from_file.credentials.unwrap().0, Kind::Token(t) if t.expose() == "t1"));
        let from_env = Profile::discover(&environment(&folder, &[("OS_TOKEN", "t2")])).unwrap();
        assert!(matches!(from_env.credentials.unwrap().0, Kind::Token(t) if t.expose() == "t2"));
    }

    #[test]
    fn a_broken_file_is_located_and_not_quoted() {
        let folder = folder(
            "broken",
            &[("clouds.yaml", "clouds:\n  a:\n    auth: hunter2\n")],
        );
        let error = Profile::from_clouds(&environment(&folder, &[]), "a").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("clouds.yaml is not understood at line 3"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn without_a_file_the_error_tells_the_ways() {
        let error = Profile::discover(&Environment::of([("HOME", "/nonexistent")])).unwrap_err();
        assert!(error.to_string().contains("OS_TOKEN"), "{error}");
    }
}
