//! What fixtures and capacities may not be: contradictory, about what does not exist, or without bounds.

use std::collections::BTreeSet;

use super::fixtures::FixtureError;
use super::state::State;
use super::status::InstanceStatus;
use modelarts_client::devenviron::enums::OpenImageStatus;

use crate::clock::LATEST;
use crate::fixtures::{Capacity, Fixtures, InstanceFixture};
use crate::nearest::unknown;

/// The most instances that an emulator takes from fixtures.
const MOST_INSTANCES: usize = 200_000;

/// The most of everything else that fixtures may list.
const MOST: usize = 10_000;

/// The longest text of a fixture, in bytes.
const LONGEST: usize = 4_096;

/// The names of one kind, none of them twice.
struct Unique<'a> {
    what: &'static str,
    known: BTreeSet<&'a str>,
}

impl<'a> Unique<'a> {
    fn new(what: &'static str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().collect();
        Self { what, known }
    }

    fn add(&mut self, name: &'a str) -> Result<(), FixtureError> {
        let what = self.what;
        if name.is_empty() || name.len() > LONGEST {
            return refused(format!("the {what} has to have 1 to {LONGEST} characters"));
        }
        if self.known.insert(name) {
            return Ok(());
        }
        refused(format!("the {what} '{name}' would not be unique"))
    }

    fn add_some(&mut self, name: Option<&'a String>) -> Result<(), FixtureError> {
        name.map_or(Ok(()), |name| self.add(name))
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, FixtureError> {
    Err(FixtureError(message.into()))
}

impl State {
    /// Refuses fixtures that name something twice, something that does not exist, or too much.
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
                    "{count} {what} are too many; at most {MOST} are taken"
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
                "{instances} instances are too many; at most {MOST_INSTANCES} are taken"
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
        let accounts = &self.accounts;
        let mut names = Unique::new(
            "name of an account",
            accounts.domains.values().map(|it| it.name.as_str()),
        );
        let mut ids = Unique::new(
            "id of an account",
            accounts.domains.keys().map(String::as_str),
        );
        for domain in &fixtures.domains {
            names.add(&domain.name)?;
            ids.add_some(domain.id.as_ref())?;
        }
        let mut ids = Unique::new(
            "id of a project",
            accounts.projects.keys().map(String::as_str),
        );
        for (index, project) in fixtures.projects.iter().enumerate() {
            ids.add_some(project.id.as_ref())?;
            // Within its account only.
            let twin = fixtures.projects[..index]
                .iter()
                .any(|other| other.name == project.name && other.domain == project.domain);
            let domain = match &project.domain {
                Some(name) => accounts.domain_named(name).map(|domain| domain.id.as_str()),
                None => Some(accounts.first.domain.as_str()),
            };
            let known = accounts
                .projects
                .values()
                .any(|known| known.name == project.name && Some(known.domain.as_str()) == domain);
            if project.name.is_empty() || twin || known {
                return refused(format!(
                    "the name of a project '{}' would be empty or not unique in its account",
                    project.name
                ));
            }
        }
        let mut ids = Unique::new("id of a user", accounts.users.keys().map(String::as_str));
        let mut keys = Unique::new("access key", accounts.keys.keys().map(String::as_str));
        for (index, user) in fixtures.users.iter().enumerate() {
            ids.add_some(user.id.as_ref())?;
            let twin = fixtures.users[..index]
                .iter()
                .any(|other| other.name == user.name && other.domain == user.domain);
            let domain = match &user.domain {
                Some(name) => accounts.domain_named(name).map(|domain| domain.id.as_str()),
                None => Some(accounts.first.domain.as_str()),
            };
            let known = domain.is_some_and(|domain| {
                accounts
                    .find_user(None, Some(&user.name), Some(domain))
                    .is_some()
            });
            if user.name.is_empty() || twin || known {
                return refused(format!(
                    "the name of a user '{}' would be empty or not unique in its account",
                    user.name
                ));
            }
            for key in user.access_keys.iter().flatten() {
                keys.add(&key.access)?;
                if key.secret.expose().is_empty() {
                    return refused(format!("the access key '{}' has no secret", key.access));
                }
            }
        }
        let mut ids = Unique::new("id of an image", self.image_ids.keys().map(String::as_str));
        for image in &fixtures.images {
            ids.add_some(image.image.id.as_ref())?;
            if let Some(status) = image.status.as_ref().filter(|it| it.is_unknown()) {
                let known = OpenImageStatus::values().iter().copied();
                return refused(unknown("status", status.as_str(), known));
            }
        }
        // A flavor may take the place of one that is there.
        let mut ids = Unique::new("id of a flavor", []);
        for flavor in &fixtures.flavors {
            ids.add(flavor.id.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    fn flavors_with<'a>(&'a self, fixtures: &'a Fixtures) -> BTreeSet<&'a str> {
        let new = fixtures.flavors.iter().filter_map(|it| it.id.as_deref());
        self.flavors.iter().map(|it| it.id()).chain(new).collect()
    }

    /// Refuses a capacity of flavors that do not exist.
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
            "{time} is no number of milliseconds from -1 to {LATEST}"
        ));
    }
    if let Some(capacity) = instance.capacity.filter(|capacity| *capacity < 1) {
        return refused(format!(
            "the capacity of a disk is at least 1 GB, not {capacity}"
        ));
    }
    let reason = instance.fail_reason.as_deref().unwrap_or_default();
    for text in [&*instance.name, &*instance.description, reason] {
        if text.len() > LONGEST {
            return refused(format!(
                "a text has at most {LONGEST} bytes, not {}",
                text.len()
            ));
        }
    }
    Ok(())
}
