//! `clouds.yaml`, `secure.yaml` and `clouds-public.yaml`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Environment;
use super::settings::{
    AUTH_KEYS, CLOUD_KEYS, Layer, Parts, Setting, UNSUPPORTED, is_for_others, nearest, shown_name,
};
use crate::endpoint;
use crate::error::{Error, Result};

/// A cloud, merged from all files that have settings of it.
#[derive(Clone, Debug)]
pub(super) struct Cloud {
    /// Its name in error messages.
    pub(super) source: String,
    pub(super) warnings: Vec<String>,
    layer: Layer,
    regions: Vec<(String, Layer)>,
    /// Whether there are no other regions, because the cloud itself lists them and not only its profile.
    closed: bool,
    /// The profile that it names, if that was not found.
    missing_profile: Option<String>,
}

impl Cloud {
    /// Returns why the addresses of a public cloud must not be used, if so: the cloud's profile was not found.
    pub(super) fn no_public_cloud(&self) -> Option<String> {
        let profile = self.missing_profile.as_ref()?;
        Some(format!(
            "{} names the profile `{profile}`, which is in no {PUBLIC}.yaml and not a known one",
            self.source
        ))
    }

    /// Returns the region to use and its settings. `later` is the region to use if the cloud itself has none.
    pub(super) fn in_region(
        &self,
        wanted: Option<String>,
        later: Option<String>,
    ) -> Result<(Option<String>, Layer)> {
        let first = || self.regions.first().map(|(name, _)| name.clone());
        let region = wanted
            .or_else(|| self.layer.get(Setting::Region))
            .or_else(first)
            .or(later);
        let Some(region) = region else {
            return Ok((None, self.layer.clone()));
        };
        let mut known = self.regions.iter();
        let layer = match known.find(|(name, _)| *name == region) {
            Some((_, values)) => values.clone().over_source(self.layer.clone()),
            None if !self.closed => self.layer.clone(),
            None => {
                let known: Vec<_> = self.regions.iter().map(|(name, _)| name.as_str()).collect();
                return Err(Error::configuration(format!(
                    "{} has no region `{region}`, its regions are: {}",
                    self.source,
                    known.join(", ")
                )));
            }
        };
        Ok((Some(region), layer))
    }
}

/// The content of one file.
#[derive(Default)]
struct File {
    clouds: BTreeMap<String, Section>,
    profiles: BTreeMap<String, Section>,
    unknown: Vec<String>,
}

/// A cloud, or the values of a region, in one file.
#[derive(Default)]
struct Section {
    /// The entry of `clouds-public.yaml` that supplies the settings missing here.
    profile: Option<String>,
    auth: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    regions: Option<Vec<Region>>,
    unknown: Vec<String>,
    unknown_auth: Vec<String>,
}

/// The text of a scalar, as written: `12345` and `1e5` are text here. A missing value is an empty text.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(Self(text.unwrap_or_default()))
    }
}

/// Implements deserialization of a mapping, key by key. A missing value (`auth:` with nothing after it) is empty.
macro_rules! by_key {
    ($type:ty, $expecting:literal, |$this:ident, $key:ident, $map:ident| $body:block) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Keys;
                impl<'de> Visitor<'de> for Keys {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_unit<E>(self) -> Result<$type, E> {
                        Ok(<$type>::default())
                    }
                    fn visit_none<E>(self) -> Result<$type, E> {
                        Ok(<$type>::default())
                    }
                    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<$type, D::Error> {
                        d.deserialize_map(self)
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<$type, A::Error> {
                        let mut $this = <$type>::default();
                        while let Some($key) = $map.next_key::<String>()? {
                            let $key = $key.replace('-', "_");
                            $body
                        }
                        Ok($this)
                    }
                }
                deserializer.deserialize_option(Keys)
            }
        }
    };
}

/// A mapping from names to sections.
#[derive(Default)]
struct Named(BTreeMap<String, Section>);

by_key!(File, "the mapping of a clouds.yaml", |this, key, map| {
    match key.as_str() {
        "clouds" => this.clouds = map.next_value::<Named>()?.0,
        "public_clouds" => this.profiles = map.next_value::<Named>()?.0,
        _ => {
            map.next_value::<IgnoredAny>()?;
            this.unknown.push(key);
        }
    }
});

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let clouds = Option::<BTreeMap<String, Section>>::deserialize(deserializer)?;
        Ok(Self(clouds.unwrap_or_default()))
    }
}

by_key!(Section, "the mapping of a cloud", |this, key, map| {
    match key.as_str() {
        "auth" => {
            let auth: Auth = map.next_value()?;
            this.auth = auth.known;
            this.unknown_auth = auth.unknown;
        }
        "profile" | "cloud" => {
            let name = map.next_value::<Text>()?.0;
            this.profile = Some(name).filter(|name| !name.trim().is_empty());
        }
        "regions" => {
            let regions: Option<Vec<Region>> = map.next_value()?;
            this.regions = Some(regions.unwrap_or_default());
        }
        name if find(AUTH_KEYS, name).or(find(CLOUD_KEYS, name)).is_some() => {
            this.settings.push((key, map.next_value::<Text>()?.0));
        }
        _ => {
            map.next_value::<IgnoredAny>()?;
            this.unknown.push(key);
        }
    }
});

#[derive(Default)]
struct Auth {
    known: Vec<(String, String)>,
    unknown: Vec<String>,
}

by_key!(Auth, "the mapping `auth`", |this, key, map| {
    match find(AUTH_KEYS, &key) {
        Some(_) => this.known.push((key, map.next_value::<Text>()?.0)),
        None => {
            map.next_value::<IgnoredAny>()?;
            this.unknown.push(key);
        }
    }
});

/// A region, given by its name only or with its own settings.
#[derive(Default)]
struct Region {
    name: String,
    values: Section,
    /// A key next to these two, whose value would be lost.
    unknown: Option<String>,
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrMapping;
        impl<'de> Visitor<'de> for NameOrMapping {
            type Value = Region;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a region, or a mapping with `name` and `values`")
            }
            fn visit_str<E>(self, name: &str) -> Result<Region, E> {
                Ok(Region {
                    name: name.trim().to_owned(),
                    ..Region::default()
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Region, A::Error> {
                let mut region = Region::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => region.name = map.next_value::<Text>()?.0.trim().to_owned(),
                        "values" => region.values = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            region.unknown = Some(key);
                        }
                    }
                }
                match region.name.is_empty() {
                    true => Err(serde::de::Error::missing_field("name")),
                    false => Ok(region),
                }
            }
        }
        deserializer.deserialize_any(NameOrMapping)
    }
}

fn find(keys: &[(&'static str, Setting)], name: &str) -> Option<Setting> {
    let mut keys = keys.iter();
    keys.find(|(known, _)| *known == name).map(|(_, key)| *key)
}

impl Section {
    /// Returns the settings by their identifiers in this crate, whichever of its names each was given under.
    fn layer(&self, source: &str) -> Result<Layer> {
        if let Some(name) = self.unknown_auth.first() {
            let shown = shown_name(name);
            let why = match (
                UNSUPPORTED.contains(&name.as_str()),
                nearest(name, AUTH_KEYS),
            ) {
                (true, _) => "which is not supported".to_owned(),
                (false, Some(nearest)) => format!("which is unknown; is `{nearest}` meant?"),
                (false, None) => "which is unknown".to_owned(),
            };
            return Err(Error::configuration(format!(
                "{source} has the key `{shown}` below `auth`, {why}"
            )));
        }
        let mut layer = Layer::default();
        let auth = self.auth.iter().map(|(name, value)| ("auth.", name, value));
        let beside = self.settings.iter().map(|(name, value)| ("", name, value));
        for (prefix, name, value) in auth.chain(beside) {
            let Some(key) = find(AUTH_KEYS, name).or(find(CLOUD_KEYS, name)) else {
                continue;
            };
            layer.insert(key, &format!("`{prefix}{name}` of {source}"), value)?;
        }
        Ok(layer)
    }

    fn warnings(&self, source: &str, warnings: &mut Vec<String>) {
        let odd = self.unknown.iter().filter(|name| !is_for_others(name));
        warnings.extend(odd.map(|name| {
            let meant = nearest(name, CLOUD_KEYS)
                .map(|nearest| format!("; is `{nearest}` meant?"))
                .unwrap_or_default();
            format!(
                "{source} has the key `{}`, which is not used{meant}",
                shown_name(name)
            )
        }));
    }
}

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
            "{} has no cloud `{name}`, it has: {}",
            files.path.display(),
            match known.is_empty() {
                true => "none below `clouds`".to_owned(),
                false => known.join(", "),
            }
        )));
    }
    files.join(environment, name)
}

/// Returns the only cloud of the file, or `None` if there is no file or it has no cloud.
pub(super) fn only(environment: &Environment) -> Result<Option<Cloud>> {
    let Some(files) = Files::load(environment)? else {
        return Ok(None);
    };
    let names: Vec<String> = files.names().map(str::to_owned).collect();
    match names.as_slice() {
        [] => Ok(None),
        [name] => files.join(environment, name).map(Some),
        [first, second, ..] => Err(Error::configuration(format!(
            "{} has several clouds ({first}, {second}, …): set OS_CLOUD to the name of one",
            files.path.display()
        ))),
    }
}

/// Returns the places where a `clouds.yaml` is searched for, as text for error messages.
pub(super) fn looked_for(environment: &Environment) -> Result<String> {
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

const CLOUDS: &str = "clouds";
const SECURE: &str = "secure";
const PUBLIC: &str = "clouds-public";

/// The possible extensions of the files. JSON is also YAML.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

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

    /// Merges what all files say about a cloud.
    fn join(&self, environment: &Environment, name: &str) -> Result<Cloud> {
        let mut cloud = Cloud {
            source: format!("the cloud `{name}` of {}", self.path.display()),
            warnings: Vec::new(),
            layer: Layer::default(),
            regions: Vec::new(),
            closed: false,
            missing_profile: None,
        };
        let mut profile = None;
        let secure = self.secure.as_ref().map(|(path, file)| (path, file));
        for (path, file) in secure.into_iter().chain([(&self.path, &self.clouds)]) {
            // Keys like `x-defaults` contain anchors that other keys refer to.
            let is_odd = |name: &&String| !is_for_others(name) && !name.starts_with("x_");
            let odd = file.unknown.iter().filter(is_odd);
            cloud.warnings.extend(odd.map(|name| {
                format!(
                    "{} has the key `{}` beside `clouds`, which is not used",
                    path.display(),
                    shown_name(name)
                )
            }));
            if let Some(section) = file.clouds.get(name) {
                profile = profile.or_else(|| section.profile.clone());
                cloud.add(
                    section,
                    &format!("the cloud `{name}` of {}", path.display()),
                )?;
            }
        }
        cloud.closed = !cloud.regions.is_empty();
        if let Some(profile) = profile {
            cloud.complete(environment, &self.path, profile.trim())?;
        }
        Ok(cloud)
    }
}

fn existing(variable: &str, path: String) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    match path.exists() {
        true => Ok(path),
        false => Err(Error::configuration(format!(
            "{variable} names {}, which does not exist",
            path.display()
        ))),
    }
}

impl Cloud {
    /// Adds the settings of a section. Settings that are already known take precedence.
    fn add(&mut self, section: &Section, source: &str) -> Result<()> {
        section.warnings(source, &mut self.warnings);
        let mut layer = section.layer(source)?;
        // Regions listed at a higher precedence override a region named at a lower one.
        if !self.regions.is_empty() && !self.layer.has(Setting::Region) {
            layer.remove(Setting::Region);
        }
        self.layer = std::mem::take(&mut self.layer).over(layer, Parts::OfOneSource);
        for region in section.regions.iter().flatten() {
            let Region {
                name,
                values,
                unknown,
            } = region;
            let source = format!("the region `{name}` in {source}");
            if let Some(key) = unknown {
                return Err(Error::configuration(format!(
                    "{source} has the key `{}` beside its name: settings of a region stand below `values`",
                    shown_name(key)
                )));
            }
            values.warnings(&source, &mut self.warnings);
            let mut layer = values.layer(&source)?;
            layer.remove(Setting::Region);
            match self.regions.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => {
                    *known = std::mem::take(known).over(layer, Parts::OfOneSource);
                }
                None if self.closed => {}
                None => self.regions.push((name.clone(), layer)),
            }
        }
        Ok(())
    }

    /// Adds the settings of the profile that the cloud names.
    fn complete(&mut self, environment: &Environment, path: &Path, name: &str) -> Result<()> {
        if let Some(public) = companion(environment, path, PUBLIC)
            && let Some(section) = read(&public)?.profiles.get(name)
        {
            return self.add(
                section,
                &format!("the profile `{name}` of {}", public.display()),
            );
        }
        if let Some(regions) = endpoint::regions_of(name) {
            if let Some(first) = regions.first().filter(|_| self.regions.is_empty()) {
                let mut layer = Layer::default();
                layer.insert(Setting::Region, &format!("the profile `{name}`"), first)?;
                self.layer = std::mem::take(&mut self.layer).over(layer, Parts::OfOneSource);
            }
            return Ok(());
        }
        // Not an error: the cloud may be complete without it, and other tools continue as well.
        self.missing_profile = Some(name.to_owned());
        self.warnings.extend(self.no_public_cloud());
        Ok(())
    }
}

/// Returns the file of this name next to the `clouds.yaml` in use, or else from the places of [`candidates`].
fn companion(environment: &Environment, path: &Path, name: &str) -> Option<PathBuf> {
    let beside = files(path.parent().unwrap_or(Path::new(".")), name);
    let mut places = beside.chain(candidates(environment, name));
    places.find(|path| path.exists())
}

fn candidates(environment: &Environment, name: &str) -> Vec<PathBuf> {
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

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::configuration(format!("{} cannot be read: {error}", path.display()))
    })?;
    parse(&text).map_err(|place| {
        Error::configuration(format!("{} is not understood{place}", path.display()))
    })
}

/// Parses a file. The error text has only the place and the cause, since the parser's messages quote the file, which
/// contains passwords.
fn parse(text: &str) -> Result<File, String> {
    if text.trim().is_empty() {
        return Ok(File::default());
    }
    serde_saphyr::from_str(text).map_err(|error| {
        use serde_saphyr::Error as Yaml;
        let place = match error.location() {
            Some(place) => format!(" at line {}, column {}", place.line(), place.column()),
            None => String::new(),
        };
        let why = match error.without_snippet() {
            Yaml::DuplicateMappingKey { .. } => ": the key stands there already",
            Yaml::MultipleDocuments { .. } => ": a second document begins there",
            Yaml::Unexpected { .. } | Yaml::SerdeInvalidType { .. } => {
                ": it is none of text, list and mapping that is expected there"
            }
            _ => "",
        };
        place + why
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Profile, ResolvedProfile};
    use super::*;
    use crate::credentials::{CredentialsKind, Named as KnownBy};

    /// Creates a separate folder for each test.
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

    fn resolved(environment: &Environment) -> ResolvedProfile {
        let profile = Profile::discover(environment).unwrap();
        profile.resolve(None, true).unwrap()
    }

    fn cloud(folder: &Path, name: &str) -> ResolvedProfile {
        let profile = Profile::from_clouds(&environment(folder, &[]), name).unwrap();
        profile.resolve(None, true).unwrap()
    }

    fn refused(folder: &Path, name: &str) -> String {
        let profile = Profile::from_clouds(&environment(folder, &[]), name);
        profile.unwrap_err().to_string()
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
        let profile = resolved(&environment(&folder, &[("OS_CLOUD", "otc")]));
        assert_eq!(profile.region.as_deref(), Some("eu-nl"));
        assert_eq!(profile.project_name.as_deref(), Some("eu-nl_nlp"));
        let Some(CredentialsKind::Password(login)) = profile.credentials.map(|c| c.0) else {
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
        let keys = cloud(&folder, "keys");
        assert!(
            matches!(keys.credentials, Some(c) if matches!(c.0, CredentialsKind::AccessKey(_)))
        );
    }

    #[test]
    fn the_environment_goes_before_a_cloud_that_nobody_named() {
        let folder = folder(
            "order",
            &[("clouds.yaml", "clouds: {a: {auth: {token: t1}}}")],
        );
        let from_file = resolved(&environment(&folder, &[]));
        assert!(
            matches!(from_file.credentials.unwrap().0, CredentialsKind::Token(t) if t.expose() == "t1")
        );
        let from_env = resolved(&environment(&folder, &[("OS_TOKEN", "t2")]));
        assert!(
            matches!(from_env.credentials.unwrap().0, CredentialsKind::Token(t) if t.expose() == "t2")
        );
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
        let profile = |name: &str| cloud(&folder, name);
        let a = profile("a");
        assert_eq!(a.region.as_deref(), Some("r2"));
        assert_eq!(a.project_name.as_deref(), Some("own"));
        assert_eq!(a.auth_url.as_deref(), Some("https://iam.r2.example.com/v3"));
        assert_eq!(a.endpoint.as_deref(), Some("https://modelarts.example.com"));
        let Some(CredentialsKind::Password(login)) = a.credentials.map(|c| c.0) else {
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
        let region = |name: &str| cloud(&folder, name).region.unwrap();
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
    fn what_is_wrong_with_a_file_is_reported() {
        for (text, expected) in [
            (
                "clouds:\n  a: {auth: {token: t0p-s3cret}}\n  a: {}\n",
                "at line 3, column 3: the key stands there already",
            ),
            (
                "clouds:\n  a:\n    auth:\n      token: t0p-s3cret\n      token: t0p-s3cret\n",
                "at line 5, column 7: the key stands there already",
            ),
            (
                "clouds: {}\n---\nclouds: {a: {auth: {token: t0p-s3cret}}}\n",
                "a second document",
            ),
            (
                "clouds: {a: {region_name: [t0p-s3cret]}}",
                "text, list and mapping",
            ),
            (
                "clouds: [{name: a, auth: {token: t0p-s3cret}}]",
                "text, list and mapping",
            ),
            (
                "clouds: {a: {regions: {eu-de: t0p-s3cret}}}",
                "text, list and mapping",
            ),
        ] {
            let folder = folder("wrong", &[("clouds.yaml", text)]);
            let message = refused(&folder, "a");
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn defaults_may_stand_beside_the_clouds_and_be_merged() {
        let text = "
x-defaults: &defaults
  username: u
  user_domain_name: d
  auth_url: https://iam.example.com/v3
clouds:
  a: {auth: {<<: *defaults, password: p, auth_url: https://iam2.example.com/v3}}
";
        let folder = folder("merged", &[("clouds.yaml", text)]);
        let profile = Profile::from_clouds(&environment(&folder, &[]), "a").unwrap();
        assert_eq!(profile.warnings(), [""; 0]);
        let a = profile.resolve(None, true).unwrap();
        assert_eq!(a.auth_url.as_deref(), Some("https://iam2.example.com/v3"));
    }

    #[test]
    fn what_a_region_says_beside_its_values_is_refused() {
        for (region, key) in [
            (
                "{name: r1, value: {auth: {auth_url: 'https://t0p-s3cret'}}}",
                "value",
            ),
            ("{name: r1, auth: {auth_url: 'https://t0p-s3cret'}}", "auth"),
        ] {
            let text = format!("clouds: {{a: {{auth: {{{USER}}}, regions: [r2, {region}]}}}}");
            let folder = folder("beside", &[("clouds.yaml", &text)]);
            let message = refused(&folder, "a");
            assert!(
                message.contains("the region `r1` in the cloud `a`")
                    && message.contains(&format!("the key `{key}` beside its name")),
                "{message}"
            );
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn a_name_in_capitals_is_known_again() {
        let text = format!("clouds: {{a: {{auth: {{{USER}, PROJECT_NAME: eu-de_nlp}}}}}}");
        let folder = folder("capitals", &[("clouds.yaml", &text)]);
        let message = refused(&folder, "a");
        assert!(message.contains("is `project_name` meant?"), "{message}");
    }

    #[test]
    fn without_a_file_the_error_tells_the_ways() {
        let error = Profile::discover(&Environment::of([("HOME", "/nonexistent")])).unwrap_err();
        assert!(error.to_string().contains("OS_TOKEN"), "{error}");
    }

    const USER: &str = "username: u, user_domain_name: d, password: t0p-s3cret";

    #[test]
    fn a_tenant_is_a_project() {
        let text = format!(
            "clouds:
  name: {{auth: {{{USER}, tenant_name: eu-de_nlp}}}}
  id: {{auth: {{{USER}, tenant-id: 0123456789}}}}
  both: {{auth: {{{USER}, tenant_name: eu-de_a, project_name: eu-de_b}}}}
  beside: {{tenant_name: eu-de_c, auth: {{{USER}}}}}
"
        );
        let folder = folder("tenant", &[("clouds.yaml", &text)]);
        assert_eq!(
            cloud(&folder, "name").project_name.as_deref(),
            Some("eu-de_nlp")
        );
        // A number is kept as written, with its leading zeros.
        assert_eq!(
            cloud(&folder, "id").project_id.as_deref(),
            Some("0123456789")
        );
        assert_eq!(
            cloud(&folder, "beside").project_name.as_deref(),
            Some("eu-de_c")
        );
        let error = refused(&folder, "both");
        assert!(
            error.contains("`auth.tenant_name`") && error.contains("`auth.project_name`"),
            "{error}"
        );
        assert!(!error.contains("eu-de_a"), "{error}");
    }

    #[test]
    fn the_values_of_a_region_go_before_all_else_in_the_files() {
        let text = format!(
            "clouds:
  a:
    auth: {{{USER}, project_name: common}}
    regions:
      - name: r1
        values: {{auth: {{auth_url: 'https://iam.r1.example.com/v3'}}, verify: false}}
      - name: Region 2
        values:
          auth: {{auth_url: 'https://iam.r2.example.com/v3', project_id: p2}}
          modelarts_endpoint_override: https://m.r2.example.com
      - r3
"
        );
        let secure = "clouds: {a: {regions: [{name: r1, values: {auth: {password: other}}}]}}";
        let folder = folder("values", &[("clouds.yaml", &text), ("secure.yaml", secure)]);
        let profile = Profile::from_clouds(&environment(&folder, &[]), "a").unwrap();
        let of = |region: Option<&str>| profile.resolve(region, true).unwrap();
        let first = of(None);
        assert_eq!(first.region.as_deref(), Some("r1"));
        assert_eq!(
            first.auth_url.as_deref(),
            Some("https://iam.r1.example.com/v3")
        );
        assert_eq!(first.project_name.as_deref(), Some("common"));
        assert!(first.tls.unverified);
        let Some(CredentialsKind::Password(login)) = first.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "other");
        let second = of(Some("Region 2"));
        assert_eq!(
            second.auth_url.as_deref(),
            Some("https://iam.r2.example.com/v3")
        );
        assert_eq!(second.endpoint.as_deref(), Some("https://m.r2.example.com"));
        assert_eq!(
            (second.project_id.as_deref(), second.project_name),
            (Some("p2"), None)
        );
        assert_eq!(of(Some("r3")).auth_url, None);
        let error = profile.resolve(Some("r4"), true).unwrap_err().to_string();
        assert!(
            error.contains("no region `r4`") && error.contains("r1, Region 2, r3"),
            "{error}"
        );
        let environment = environment(&folder, &[("OS_CLOUD", "a"), ("OS_REGION_NAME", "r3")]);
        assert_eq!(resolved(&environment).region.as_deref(), Some("r3"));
    }

    #[test]
    fn an_unknown_key_below_auth_is_refused_and_elsewhere_a_warning() {
        let text = format!(
            "clouds:
  typo: {{auth: {{{USER}, projectname: t0p-s3cret-2}}}}
  value: {{auth: {{{USER}, 'T0p-s3cret-3': x}}}}
  app: {{auth: {{application_credential_id: i, application_credential_secret: t0p-s3cret}}}}
  region: {{auth: {{{USER}}}, regions: [{{name: r1, values: {{auth: {{pasword: t0p-s3cret}}}}}}]}}
  fine: {{auth: {{{USER}}}, region: t0p-s3cret, compute_api_version: 2, networks: []}}
color: t0p-s3cret
"
        );
        let folder = folder("unknown", &[("clouds.yaml", &text)]);
        for (name, expected) in [
            (
                "typo",
                "`projectname` below `auth`, which is unknown; is `project_name` meant?",
            ),
            ("value", "the key `…` below `auth`"),
            (
                "app",
                "`application_credential_id` below `auth`, which is not supported",
            ),
            (
                "region",
                "`pasword` below `auth`, which is unknown; is `password` meant?",
            ),
        ] {
            let error = refused(&folder, name);
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("3cret"), "{error}");
        }
        let profile = Profile::from_clouds(&environment(&folder, &[]), "fine").unwrap();
        let warnings = profile.warnings().join("\n");
        assert_eq!(profile.warnings().len(), 2, "{warnings}");
        assert!(
            warnings.contains("`color`") && warnings.contains("`region`"),
            "{warnings}"
        );
        assert!(
            !format!("{warnings} {profile:?}").contains("3cret"),
            "{warnings}"
        );
    }

    #[test]
    fn other_kinds_of_signing_in_are_named() {
        let text = format!(
            "clouds:
  oidc: {{auth_type: v3oidcpassword, auth: {{{USER}}}}}
  none: {{auth_type: token, auth: {{{USER}}}}}
  token: {{auth_type: v3token, auth: {{{USER}, token: t}}}}
  old: {{identity_api_version: 2.0, auth: {{{USER}}}}}
"
        );
        let folder = folder("auth-type", &[("clouds.yaml", &text)]);
        assert!(refused(&folder, "oidc").contains("`v3oidcpassword` is not supported"));
        assert!(refused(&folder, "none").contains("asks for a token"));
        assert!(refused(&folder, "old").contains("identity_api_version"));
        assert!(matches!(
            cloud(&folder, "token").credentials.unwrap().0,
            CredentialsKind::Token(_)
        ));
    }

    #[test]
    fn the_environment_goes_before_the_cloud_that_it_names() {
        let text = format!(
            "clouds:
  a:
    region_name: r1
    modelarts_endpoint_override: https://m.example.com
    auth: {{{USER}, auth_url: 'https://iam.example.com', project_id: p1, project_domain_name: pd}}
"
        );
        let folder = folder("override", &[("clouds.yaml", &text)]);
        let with = |variables: &[(&str, &str)]| {
            let mut all = vec![("OS_CLOUD", "a")];
            all.extend(variables);
            resolved(&environment(&folder, &all))
        };
        let project = with(&[("OS_PROJECT_NAME", "eu-de_b"), ("OS_REGION_NAME", "r2")]);
        assert_eq!(
            (project.project_id, project.project_name.as_deref()),
            (None, Some("eu-de_b"))
        );
        assert_eq!(project.project_domain, Some(KnownBy::Name("pd".to_owned())));
        assert_eq!(project.region.as_deref(), Some("r2"));
        assert_eq!(project.endpoint.as_deref(), Some("https://m.example.com"));
        // Of several kinds of credentials, those of the source with the higher precedence.
        let token = with(&[("OS_TOKEN", "t")]);
        assert!(matches!(
            token.credentials.unwrap().0,
            CredentialsKind::Token(_)
        ));
        let Some(CredentialsKind::Password(login)) =
            with(&[("OS_PASSWORD", "p2")]).credentials.map(|c| c.0)
        else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "p2");
        assert_eq!(login.user.name().as_deref(), Some("u"));
        // An empty variable is treated as not set.
        assert_eq!(
            with(&[("OS_PROJECT_ID", ""), ("OS_REGION_NAME", " ")])
                .project_id
                .as_deref(),
            Some("p1")
        );
        // If a cloud is named, keys of the vendor's SDK are assumed to be for another tool.
        let keys = [
            ("HUAWEICLOUD_SDK_AK", "a"),
            ("HUAWEICLOUD_SDK_SK", "t0p-s3cret"),
            ("OS_CLOUD", "a"),
        ];
        let profile = Profile::discover(&environment(&folder, &keys)).unwrap();
        assert!(matches!(
            profile.resolve(None, true).unwrap().credentials.unwrap().0,
            CredentialsKind::Password(_)
        ));
        let warning = &profile.warnings()[0];
        assert!(
            warning.contains("HUAWEICLOUD_SDK_AK") && !warning.contains("s3cret"),
            "{warning}"
        );
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

    #[test]
    fn scalars_are_texts_and_nothing_is_nothing() {
        let text = "
clouds:
  a:
    auth: {username: 007, password: 1e5, user_domain_id: true, project_id: , project_name: ''}
    regions:
    region_name: 0x10
  b:
";
        let folder = folder("scalars", &[("clouds.yaml", text)]);
        let a = cloud(&folder, "a");
        assert_eq!((a.project_id, a.project_name), (None, None));
        assert_eq!(a.region.as_deref(), Some("0x10"));
        let Some(CredentialsKind::Password(login)) = a.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "1e5");
        assert_eq!(login.user.name().as_deref(), Some("007"));
        assert_eq!(login.domain, Some(KnownBy::Id("true".to_owned())));
        assert!(refused(&folder, "b").contains("has no credentials"));
    }
}
