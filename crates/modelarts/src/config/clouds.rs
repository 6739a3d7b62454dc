//! `clouds.yaml`, `secure.yaml` and `clouds-public.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Environment, Profile, Settings};
use crate::endpoint;
use crate::error::{Error, Result};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    clouds: BTreeMap<String, Cloud>,
    #[serde(rename = "public-clouds")]
    profiles: BTreeMap<String, Cloud>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cloud {
    /// The entry of `clouds-public.yaml` that has what this one leaves out.
    #[serde(alias = "cloud")]
    profile: Option<String>,
    auth: Auth,
    region_name: Option<String>,
    regions: Option<Vec<Region>>,
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

/// A region by its name; settings of its own are not read.
#[derive(Deserialize)]
#[serde(untagged)]
enum Region {
    Name(String),
    Settings { name: String },
}

/// The cloud of this name.
pub(super) fn named(environment: &Environment, name: &str) -> Result<Profile> {
    let Some((path, mut file)) = load(environment)? else {
        let mut candidates = candidates(environment, CLOUDS);
        candidates.retain(|path| path.extension().is_some_and(|ending| ending == ENDINGS[0]));
        return Err(Error::configuration(format!(
            "there is no clouds.yaml with the cloud `{name}`; looked for {}, and for .yml and .json there",
            list(&candidates)
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
    complete(environment, &path, cloud)?.into_profile(&path, name)
}

/// The only cloud of the file, if there is a file and it has one.
pub(super) fn only(environment: &Environment) -> Result<Option<Profile>> {
    let Some((path, file)) = load(environment)? else {
        return Ok(None);
    };
    let mut clouds = file.clouds.into_iter();
    match (clouds.next(), clouds.next()) {
        (None, _) => Ok(None),
        (Some((name, cloud)), None) => {
            let cloud = complete(environment, &path, cloud)?;
            cloud.into_profile(&path, &name).map(Some)
        }
        (Some((first, _)), Some((second, _))) => Err(Error::configuration(format!(
            "{} has several clouds ({first}, {second}, …): set OS_CLOUD to the name of one",
            path.display()
        ))),
    }
}

const CLOUDS: &str = "clouds";
const SECURE: &str = "secure";
const PUBLIC: &str = "clouds-public";

/// What the names of the files may end with. JSON is YAML, too.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

fn load(environment: &Environment) -> Result<Option<(PathBuf, File)>> {
    let candidates = match environment.get("OS_CLIENT_CONFIG_FILE") {
        Some(path) => vec![path.into()],
        None => candidates(environment, CLOUDS),
    };
    let Some(path) = candidates.into_iter().find(|path| path.exists()) else {
        return Ok(None);
    };
    let mut file: File = read(&path)?;
    let secure = match environment.get("OS_CLIENT_SECURE_FILE") {
        Some(secure) => Some(PathBuf::from(secure)).filter(|path| path.exists()),
        None => companion(environment, &path, SECURE),
    };
    if let Some(secure) = secure {
        for (name, completion) in read(&secure)?.clouds {
            let cloud = file.clouds.remove(&name).unwrap_or_default();
            file.clouds.insert(name, completion.or(cloud));
        }
    }
    Ok(Some((path, file)))
}

/// A cloud with what its profile says where it says nothing itself.
fn complete(environment: &Environment, path: &Path, cloud: Cloud) -> Result<Cloud> {
    let Some(name) = &cloud.profile else {
        return Ok(cloud);
    };
    let public = companion(environment, path, PUBLIC);
    let mut profiles = public.map_or_else(|| Ok(File::default()), |path| read(&path))?;
    let profile = profiles
        .profiles
        .remove(name)
        .or_else(|| Cloud::known(name));
    match profile {
        Some(profile) => Ok(cloud.or(profile)),
        None => {
            // The cloud may be complete without it, and other tools go on as well.
            tracing::warn!(
                profile = name,
                "the profile is in no {PUBLIC}.yaml and not a known one"
            );
            Ok(cloud)
        }
    }
}

/// The file of this name beside the `clouds.yaml` in use, or else where one is looked for.
fn companion(environment: &Environment, path: &Path, name: &str) -> Option<PathBuf> {
    let beside = files(path.parent().unwrap_or(Path::new(".")), name);
    let mut places = beside.chain(candidates(environment, name));
    places.find(|path| path.exists())
}

fn candidates(environment: &Environment, name: &str) -> Vec<PathBuf> {
    let user = environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&environment.get("HOME")?).join(".config")));
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

impl Auth {
    /// What this one says, and `other` where it says nothing.
    fn or(self, other: Self) -> Self {
        Self {
            auth_url: self.auth_url.or(other.auth_url),
            token: self.token.or(other.token),
            username: self.username.or(other.username),
            user_id: self.user_id.or(other.user_id),
            password: self.password.or(other.password),
            user_domain_name: self.user_domain_name.or(other.user_domain_name),
            user_domain_id: self.user_domain_id.or(other.user_domain_id),
            domain_name: self.domain_name.or(other.domain_name),
            domain_id: self.domain_id.or(other.domain_id),
            project_id: self.project_id.or(other.project_id),
            project_name: self.project_name.or(other.project_name),
            project_domain_name: self.project_domain_name.or(other.project_domain_name),
            project_domain_id: self.project_domain_id.or(other.project_domain_id),
            ak: self.ak.or(other.ak),
            sk: self.sk.or(other.sk),
            security_token: self.security_token.or(other.security_token),
        }
    }
}

impl Cloud {
    /// What this one says, and `other` where it says nothing.
    fn or(self, other: Self) -> Self {
        Self {
            profile: self.profile.or(other.profile),
            auth: self.auth.or(other.auth),
            // Regions that are listed here go before the one that is named there.
            region_name: self.region_name.or(match self.regions {
                Some(_) => None,
                None => other.region_name,
            }),
            regions: self.regions.or(other.regions),
            modelarts_endpoint_override: self
                .modelarts_endpoint_override
                .or(other.modelarts_endpoint_override),
            ak: self.ak.or(other.ak),
            sk: self.sk.or(other.sk),
            security_token: self.security_token.or(other.security_token),
        }
    }

    /// A profile that needs no file. Its address follows from the region.
    fn known(name: &str) -> Option<Self> {
        let regions = endpoint::regions_of(name)?.iter();
        let regions = regions.map(|region| Region::Name((*region).to_owned()));
        Some(Self {
            regions: Some(regions.collect()),
            ..Self::default()
        })
    }

    /// The region that is named, or else the first of those that are listed.
    fn region(&self) -> Option<String> {
        let first = || match self.regions.as_ref()?.first()? {
            Region::Name(name) | Region::Settings { name } => Some(name.clone()),
        };
        self.region_name.clone().or_else(first)
    }

    fn into_profile(self, path: &Path, name: &str) -> Result<Profile> {
        let region = self.region();
        let auth = self.auth;
        // Profiles write the region into the address.
        let auth_url = auth.auth_url.map(|url| match &region {
            Some(region) => url.replace("{region_name}", region),
            None => url,
        });
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
            region,
            endpoint: self.modelarts_endpoint_override,
            auth_url,
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

    const TWO: &str = "
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
        let folder = folder("secure", &[("clouds.yaml", TWO), ("secure.yaml", secure)]);
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
        let folder = folder("several", &[("clouds.yaml", TWO)]);
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
    fn a_profile_stands_behind_a_cloud_and_a_secret_before_it() {
        let public = "
public-clouds:
  nlp-cloud:
    auth:
      auth_url: https://iam.{region_name}.example.com/v3
      project_name: public
      password: public
    region_name: r1
    modelarts_endpoint_override: https://modelarts.example.com
";
        let clouds = "
clouds:
  a:
    profile: nlp-cloud
    region_name: r2
    auth: {username: trainer, user_domain_name: nlp, project_name: own, password: own}
  b: {cloud: nlp-cloud, auth: {token: t}}
";
        let secure = "clouds: {a: {auth: {password: secret}}}";
        let files = [
            ("clouds-public.yaml", public),
            ("clouds.yaml", clouds),
            ("secure.yaml", secure),
        ];
        let folder = folder("profile", &files);
        let profile = |name: &str| Profile::from_clouds(&environment(&folder, &[]), name).unwrap();
        let a = profile("a");
        assert_eq!(a.region.as_deref(), Some("r2"));
        assert_eq!(a.project_name.as_deref(), Some("own"));
        assert_eq!(a.auth_url.as_deref(), Some("https://iam.r2.example.com/v3"));
        assert_eq!(a.endpoint.as_deref(), Some("https://modelarts.example.com"));
        let Some(Kind::Password(login)) = a.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "secret");
        let b = profile("b");
        assert_eq!(b.region.as_deref(), Some("r1"));
        assert_eq!(b.project_name.as_deref(), Some("public"));
    }

    #[test]
    fn the_profile_of_a_known_cloud_needs_no_file() {
        let clouds = "
clouds:
  first: {profile: otc, auth: {token: t}}
  other: {profile: otc, region_name: eu-nl, auth: {token: t}}
  listed: {profile: otc, regions: [{name: eu-nl}], auth: {token: t}}
  unknown: {profile: nlp-cloud, region_name: eu-de, auth: {token: t}}
";
        let folder = folder("known", &[("clouds.yaml", clouds)]);
        let region = |name: &str| {
            let profile = Profile::from_clouds(&environment(&folder, &[]), name).unwrap();
            profile.region.unwrap()
        };
        let regions = ["first", "other", "listed", "unknown"].map(region);
        assert_eq!(regions, ["eu-de", "eu-nl", "eu-nl", "eu-de"]);
    }

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
        assert!(matches!(profile.credentials.unwrap().0, Kind::Password(_)));
    }

    #[test]
    fn companions_are_found_where_openstack_tools_look() {
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
        assert!(matches!(profile.credentials.unwrap().0, Kind::Password(_)));
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
