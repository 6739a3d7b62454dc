//! Checks of fixtures and capacities: no contradictions, no unknown names, and limited numbers.

use std::collections::BTreeSet;

use super::fixtures::FixtureError;
use super::state::State;
use super::status::InstanceStatus;
use modelarts_client::devenviron::enums::OpenImageStatus;

use crate::clock::LATEST;
use crate::fixtures::{Capacity, Fixtures, InstanceFixture};
use crate::nearest::unknown;

/// The maximum number of instances with which fixtures are accepted.
const MOST_INSTANCES: usize = 200_000;

/// The maximum number of everything else in fixtures.
const MOST: usize = 10_000;

/// The maximum length of a text in fixtures, in bytes.
const LONGEST: usize = 4_096;

/// The names of one kind, which must be unique.
struct Unique<'a> {
    what: &'static str,
    known: BTreeSet<&'a str>,
    /// Names that must be unique within an account, with the account's name.
    within: BTreeSet<(Option<&'a str>, &'a str)>,
}

impl<'a> Unique<'a> {
    fn new(what: &'static str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().collect();
        Self {
            what,
            known,
            within: BTreeSet::new(),
        }
    }

    fn add(&mut self, name: &'a str) -> Result<(), FixtureError> {
        let what = self.what;
        if name.is_empty() || name.len() > LONGEST {
            return refused(format!("the {what} must have 1 to {LONGEST} bytes"));
        }
        if self.known.insert(name) {
            return Ok(());
        }
        refused(format!("the {what} '{name}' is not unique"))
    }

    /// Adds a name that must be unique within its account only.
    fn add_within(
        &mut self,
        account: Option<&'a str>,
        name: &'a str,
        mut known: impl Iterator<Item = &'a str>,
    ) -> Result<(), FixtureError> {
        let is_new = self.within.insert((account, name)) && known.all(|known| known != name);
        if is_new && !name.is_empty() {
            return Ok(());
        }
        let what = self.what;
        refused(format!(
            "the {what} '{name}' must not be empty, and must be unique in its account"
        ))
    }

    fn add_some(&mut self, name: Option<&'a String>) -> Result<(), FixtureError> {
        name.map_or(Ok(()), |name| self.add(name))
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, FixtureError> {
    Err(FixtureError(message.into()))
}

impl State {
    /// Rejects fixtures with duplicate names, with unknown names, or with too many items.
    pub(super) fn check_fixtures(&self, fixtures: &Fixtures) -> Result<(), FixtureError> {
        for (what, count) in [
            ("domains", fixtures.domains.len()),
            ("projects", fixtures.projects.len()),
            ("users", fixtures.users.len()),
            ("images", fixtures.images.len()),
            ("flavors", fixtures.flavors.len()),
        ] {
            if count > MOST {
                return refused(format!(
                    "there are {count} {what}, but at most {MOST} are allowed"
                ));
            }
        }
        self.check_names(fixtures)?;
        let flavors = self.flavors_with(fixtures);
        if let Some(capacity) = &fixtures.capacity {
            check_capacity(&flavors, capacity)?;
        }
        let counts = fixtures.instances.iter().map(|it| it.count as usize);
        let instances = counts.fold(self.instances.len(), usize::saturating_add);
        if instances > MOST_INSTANCES {
            return refused(format!(
                "there would be {instances} instances, but at most {MOST_INSTANCES} are allowed"
            ));
        }
        let new_images = fixtures.images.iter().filter_map(|it| it.image.id.as_ref());
        let images = self.image_ids.keys().chain(new_images);
        let images: BTreeSet<&str> = images.map(String::as_str).collect();
        let mut ids = Unique::new(
            "id of an instance",
            self.instance_ids.keys().map(String::as_str),
        );
        for instance in &fixtures.instances {
            ids.add_some(instance.id.as_ref())?;
            check_instance(instance, &images, &flavors)?;
        }
        Ok(())
    }

    fn check_names(&self, fixtures: &Fixtures) -> Result<(), FixtureError> {
        self.check_domains(fixtures)?;
        self.check_projects(fixtures)?;
        self.check_users(fixtures)?;
        let mut ids = Unique::new("id of an image", self.image_ids.keys().map(String::as_str));
        for image in &fixtures.images {
            ids.add_some(image.image.id.as_ref())?;
            if let Some(status) = image.status.as_ref().filter(|it| it.is_unknown()) {
                let known = OpenImageStatus::values().iter().copied();
                return refused(unknown("status", status.as_str(), known));
            }
        }
        // A flavor may replace one that exists.
        let mut ids = Unique::new("id of a flavor", []);
        for flavor in &fixtures.flavors {
            ids.add(flavor.id.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    fn check_domains(&self, fixtures: &Fixtures) -> Result<(), FixtureError> {
        let domains = &self.accounts.domains;
        let mut names = Unique::new(
            "name of an account",
            domains.values().map(|it| it.name.as_str()),
        );
        let mut ids = Unique::new("id of an account", domains.keys().map(String::as_str));
        for domain in &fixtures.domains {
            names.add(&domain.name)?;
            ids.add_some(domain.id.as_ref())?;
        }
        Ok(())
    }

    fn check_projects(&self, fixtures: &Fixtures) -> Result<(), FixtureError> {
        let known = &self.accounts.projects;
        let mut ids = Unique::new("id of a project", known.keys().map(String::as_str));
        let mut names = Unique::new("name of a project", []);
        for project in &fixtures.projects {
            ids.add_some(project.id.as_ref())?;
            let account = self.account(project.domain.as_deref());
            let of_account = known
                .values()
                .filter(|it| account.is_some_and(|id| it.domain == id));
            names.add_within(
                project.domain.as_deref(),
                &project.name,
                of_account.map(|it| it.name.as_str()),
            )?;
        }
        Ok(())
    }

    fn check_users(&self, fixtures: &Fixtures) -> Result<(), FixtureError> {
        let accounts = &self.accounts;
        let known = &accounts.users;
        let mut ids = Unique::new("id of a user", known.keys().map(String::as_str));
        let mut keys = Unique::new("access key", accounts.keys.keys().map(String::as_str));
        let mut names = Unique::new("name of a user", []);
        for user in &fixtures.users {
            ids.add_some(user.id.as_ref())?;
            let account = self.account(user.domain.as_deref());
            let of_account = known
                .values()
                .filter(|it| account.is_some_and(|id| it.domain == id));
            names.add_within(
                user.domain.as_deref(),
                &user.name,
                of_account.map(|it| it.name.as_str()),
            )?;
            for key in user.access_keys.iter().flatten() {
                keys.add(&key.access)?;
                if key.secret.expose().is_empty() {
                    return refused(format!("the access key '{}' has no secret", key.access));
                }
            }
        }
        Ok(())
    }

    /// Returns the id of the present account with this name, or of the first one. An account of the fixtures themselves has
    /// no id yet.
    fn account(&self, name: Option<&str>) -> Option<&str> {
        let accounts = &self.accounts;
        match name {
            Some(name) => accounts.domain_named(name).map(|domain| domain.id.as_str()),
            None => Some(accounts.first.domain.as_str()),
        }
    }

    fn flavors_with<'a>(&'a self, fixtures: &'a Fixtures) -> BTreeSet<&'a str> {
        let new = fixtures.flavors.iter().filter_map(|it| it.id.as_deref());
        self.flavors.iter().map(|it| it.id()).chain(new).collect()
    }

    /// Rejects a capacity that names a flavor which does not exist.
    pub(crate) fn check_capacity(&self, capacity: &Capacity) -> Result<(), FixtureError> {
        check_capacity(&self.flavors_with(&Fixtures::default()), capacity)
    }
}

fn check_capacity(flavors: &BTreeSet<&str>, capacity: &Capacity) -> Result<(), FixtureError> {
    let mut names = capacity.flavors.keys();
    match names.find(|name| !flavors.contains(name.as_str())) {
        Some(name) => refused(unknown("flavor", name, flavors.iter().copied())),
        None => Ok(()),
    }
}

fn check_instance(
    instance: &InstanceFixture,
    images: &BTreeSet<&str>,
    flavors: &BTreeSet<&str>,
) -> Result<(), FixtureError> {
    if let Some(flavor) = &instance.flavor
        && !flavors.contains(flavor.as_str())
    {
        return refused(unknown("flavor", flavor, flavors.iter().copied()));
    }
    if let Some(image) = &instance.image_id
        && !images.contains(image.as_str())
    {
        return refused(unknown("image", image, images.iter().copied()));
    }
    if instance.status.is_unknown() {
        let status = instance.status.as_str();
        let known = InstanceStatus::values().iter().copied();
        return refused(unknown("status", status, known));
    }
    let times = [instance.duration, instance.create_at];
    if let Some(time) = times
        .into_iter()
        .flatten()
        .find(|time| !(-1..=LATEST).contains(time))
    {
        return refused(format!(
            "{time} is not a number of milliseconds between -1 and {LATEST}"
        ));
    }
    if let Some(capacity) = instance.capacity.filter(|capacity| *capacity < 1) {
        return refused(format!(
            "the capacity of a disk must be at least 1 GB, not {capacity}"
        ));
    }
    let reason = instance.fail_reason.as_deref().unwrap_or_default();
    for text in [&*instance.name, &*instance.description, reason] {
        if text.len() > LONGEST {
            return refused(format!(
                "a text must have at most {LONGEST} bytes, not {}",
                text.len()
            ));
        }
    }
    Ok(())
}
