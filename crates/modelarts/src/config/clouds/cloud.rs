//! A cloud: what all files say about it, merged in the order of their precedence, and its settings for a region.

use std::path::Path;

use super::file::{File, read};
use super::locations::{PUBLIC, companion};
use super::section::{Region, Section};
use crate::config::Environment;
use crate::config::settings::{Layer, Parts, Setting, shown_name};
use crate::endpoint;
use crate::error::{Error, Result};

/// A cloud, merged from all files that have settings for it.
#[derive(Clone, Debug)]
pub(in crate::config) struct Cloud {
    /// Its name in error messages.
    pub(in crate::config) source: String,
    pub(in crate::config) warnings: Vec<String>,
    layer: Layer,
    regions: Vec<(String, Layer)>,
    /// Whether other regions are refused, because the cloud itself lists its regions and not only its profile.
    closed: bool,
    /// The profile that the cloud names, if it was not found.
    missing_profile: Option<String>,
}

impl Cloud {
    /// Merges what the files say about a cloud, those with higher precedence first, and its profile. `path` is the
    /// `clouds.yaml` in use.
    pub(super) fn merge<'a>(
        environment: &Environment,
        name: &str,
        path: &Path,
        files: impl Iterator<Item = (&'a Path, &'a File)>,
    ) -> Result<Self> {
        let source = |path: &Path| format!("the cloud `{name}` of {}", path.display());
        let mut cloud = Self {
            source: source(path),
            warnings: Vec::new(),
            layer: Layer::default(),
            regions: Vec::new(),
            closed: false,
            missing_profile: None,
        };
        let mut profile = None;
        for (path, file) in files {
            file.warnings(path, &mut cloud.warnings);
            if let Some(section) = file.clouds.get(name) {
                profile = profile.or_else(|| section.profile.clone());
                cloud.add(section, &source(path))?;
            }
        }
        cloud.closed = !cloud.regions.is_empty();
        if let Some(profile) = profile {
            cloud.complete(environment, path, profile.trim())?;
        }
        Ok(cloud)
    }

    /// Returns why the addresses of a public cloud must not be used, if the cloud's profile was not found.
    pub(in crate::config) fn no_public_cloud(&self) -> Option<String> {
        let profile = self.missing_profile.as_ref()?;
        Some(format!(
            "{} names the profile `{profile}`, which no {PUBLIC}.yaml defines and this crate does not know",
            self.source
        ))
    }

    /// Returns the region to use and its settings. `later` is used if the cloud itself has no region.
    pub(in crate::config) fn in_region(
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
                    "{} has no region `{region}`; its regions are: {}",
                    self.source,
                    known.join(", ")
                )));
            }
        };
        Ok((Some(region), layer))
    }

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
                    "{source} has the key `{}` beside its name: put the settings of a region below `values`",
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
        // Not an error: the cloud may be complete without its profile, and other tools continue, too.
        self.missing_profile = Some(name.to_owned());
        self.warnings.extend(self.no_public_cloud());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::config::Profile;
    use crate::credentials::CredentialsKind;

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
}
