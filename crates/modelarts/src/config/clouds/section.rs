//! The settings of one cloud or region in one file: which keys are known, which are errors, and which are warnings.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::keys::{AUTH_KEYS, CLOUD_KEYS, UNSUPPORTED, find, is_for_others, nearest};
use super::mapping::{Text, by_key};
use crate::config::settings::{Layer, shown_name};
use crate::error::{Error, Result};

/// A cloud, or the values of a region, in one file.
#[derive(Default)]
pub(super) struct Section {
    /// The entry of `clouds-public.yaml` that supplies the settings missing here.
    pub(super) profile: Option<String>,
    auth: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    pub(super) regions: Option<Vec<Region>>,
    unknown: Vec<String>,
    unknown_auth: Vec<String>,
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
pub(super) struct Region {
    pub(super) name: String,
    pub(super) values: Section,
    /// A key other than these two, whose value would be ignored.
    pub(super) unknown: Option<String>,
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

impl Section {
    /// Returns the settings, or an error for the first unknown key below `auth`.
    pub(super) fn layer(&self, source: &str) -> Result<Layer> {
        if let Some(name) = self.unknown_auth.first() {
            let shown = shown_name(name);
            let why = match (
                UNSUPPORTED.contains(&name.as_str()),
                nearest(name, AUTH_KEYS),
            ) {
                (true, _) => "which is not supported".to_owned(),
                (false, Some(nearest)) => format!("which is unknown; did you mean `{nearest}`?"),
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

    /// Adds a warning for each key that has no effect.
    pub(super) fn warnings(&self, source: &str, warnings: &mut Vec<String>) {
        let odd = self.unknown.iter().filter(|name| !is_for_others(name));
        warnings.extend(odd.map(|name| {
            let meant = nearest(name, CLOUD_KEYS)
                .map(|nearest| format!("; did you mean `{nearest}`?"))
                .unwrap_or_default();
            format!(
                "{source} has the key `{}`, which is not used{meant}",
                shown_name(name)
            )
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::config::Profile;

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
                "`projectname` below `auth`, which is unknown; did you mean `project_name`?",
            ),
            ("value", "the key `…` below `auth`"),
            (
                "app",
                "`application_credential_id` below `auth`, which is not supported",
            ),
            (
                "region",
                "`pasword` below `auth`, which is unknown; did you mean `password`?",
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
    fn a_key_in_capitals_gets_a_suggestion() {
        let text = format!("clouds: {{a: {{auth: {{{USER}, PROJECT_NAME: eu-de_nlp}}}}}}");
        let folder = folder("capitals", &[("clouds.yaml", &text)]);
        let message = refused(&folder, "a");
        assert!(
            message.contains("did you mean `project_name`?"),
            "{message}"
        );
    }

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
}
