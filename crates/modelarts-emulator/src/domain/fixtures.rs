//! Creates the state from fixtures.

use std::collections::{BTreeMap, BTreeSet};

use modelarts_client::devenviron::enums::{ImageStatus, NotebookStatus as N, VolumeStatus};
use modelarts_client::devenviron::types::{DevEnvStorageLocationReq, DevEnvStorageReq};
use modelarts_client::{Open, Secret};

use super::catalogue;
use super::devenv::DEFAULT_AI_PROJECT;
use super::lease;
use super::model::{Details, DevEnv, Generation, Instance, Lease, Notebook, Volume};
use super::notebook_checks::default_capacity;
use super::phase::{Failure, Phase};
use super::project_checks::DEFAULT_WORKSPACE;
use super::state::{DirtyKey, State, Subject};
use super::status::InstanceStatus;
use crate::clock::Millis;
use crate::fixtures::{
    AccessKeyFixture, DEFAULT_PROJECT, DEFAULT_REGION, DomainFixture, Fixtures, ImageFixture,
    InstanceFixture, ProjectFixture, UserFixture,
};
use crate::identity::accounts::{AccessKey, Domain, Project, User, set_first};

/// The error for fixtures that contradict each other or the present state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fixtures: {0}")]
pub struct FixtureError(pub(crate) String);

fn missing(what: &str, name: &str, field: &str) -> FixtureError {
    FixtureError(format!(
        "{field} names the {what} '{name}', which does not exist"
    ))
}

impl State {
    /// Adds fixtures, or nothing at all if there is an error. The first fixtures of an empty state are completed by
    /// the default account.
    pub(crate) fn add_fixtures(
        &mut self,
        fixtures: Fixtures,
        now: Millis,
    ) -> Result<(), FixtureError> {
        let core = self.core.clone();
        let accounts = self.accounts.clone();
        let flavors = self.flavors.clone();
        let added = self.add_all(fixtures, now);
        if added.is_err() {
            self.forget_since(core.next_seq);
            self.core = core;
            self.accounts = accounts;
            self.flavors = flavors;
        }
        // Names of users, pools and images are part of many responses.
        self.rendered.clear();
        added
    }

    /// Removes all resources that were added from this number on.
    fn forget_since(&mut self, seq: u64) {
        let added = self.instances.extract_if(|known, _| *known >= seq);
        let added: Vec<Instance> = added.map(|(_, instance)| instance).collect();
        for instance in added {
            self.detach(&instance);
            self.instance_ids.remove(&instance.id);
            self.listing.remove(&instance);
        }
        for entry in self.images.split_off(&seq).into_values() {
            self.image_ids.remove(entry.id());
            if let Some(until) = entry.phase.until {
                self.timers.remove(&(until, Subject::Image(entry.seq)));
            }
        }
    }

    fn add_all(&mut self, fixtures: Fixtures, now: Millis) -> Result<(), FixtureError> {
        self.check_fixtures(&fixtures)?;
        let first = self.accounts.users.is_empty();
        self.add_accounts(fixtures.domains, fixtures.projects, fixtures.users, first)?;
        for flavor in fixtures.flavors {
            self.put_flavor(flavor);
        }
        for image in fixtures.images {
            self.add_image_fixture(image, now)?;
        }
        for instance in fixtures.instances {
            self.add_instances(&instance, now)?;
        }
        // Last, since queued instances may get machines, which cannot be undone.
        if let Some(capacity) = fixtures.capacity {
            self.set_capacity(capacity, now);
        }
        self.set_dirty(DirtyKey::Core);
        Ok(())
    }

    fn add_accounts(
        &mut self,
        mut domains: Vec<DomainFixture>,
        mut projects: Vec<ProjectFixture>,
        mut users: Vec<UserFixture>,
        first: bool,
    ) -> Result<(), FixtureError> {
        if first && domains.is_empty() {
            domains.push(DomainFixture {
                name: "emulator".into(),
                ..DomainFixture::default()
            });
        }
        if first && projects.is_empty() {
            projects.push(ProjectFixture {
                id: Some(DEFAULT_PROJECT.into()),
                name: DEFAULT_REGION.into(),
                ..ProjectFixture::default()
            });
        }
        if first && users.is_empty() {
            users.push(UserFixture {
                name: "modelarts".into(),
                ..UserFixture::default()
            });
        }
        for domain in domains {
            let id = domain.id.unwrap_or_else(|| self.core.ids.hex32());
            let name = domain.name;
            set_first(&mut self.accounts.first.domain, &id);
            self.accounts
                .domains
                .insert(id.clone(), Domain { id, name });
        }
        for project in projects {
            self.add_project(project)?;
        }
        for user in users {
            self.add_user(user)?;
        }
        self.set_dirty(DirtyKey::Accounts);
        Ok(())
    }

    fn domain_id(&self, name: Option<&str>) -> Result<String, FixtureError> {
        let domain = match name {
            Some(name) => self
                .accounts
                .domain_named(name)
                .ok_or_else(|| missing("account", name, "domain"))?,
            None => return Ok(self.accounts.first.domain.clone()),
        };
        Ok(domain.id.clone())
    }

    fn add_project(&mut self, project: ProjectFixture) -> Result<(), FixtureError> {
        let id = project.id.unwrap_or_else(|| self.core.ids.hex32());
        let domain = self.domain_id(project.domain.as_deref())?;
        let pools = project.pools.unwrap_or_else(|| {
            [
                ("pool7f3c0e6a", "team-pool"),
                ("pool-7c1e5b20", "language-pool"),
            ]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .into()
        });
        set_first(&mut self.accounts.first.project, &id);
        self.accounts.projects.insert(
            id.clone(),
            Project {
                id,
                name: project.name,
                domain,
                workspaces: project.workspaces,
                pools,
            },
        );
        Ok(())
    }

    fn add_user(&mut self, user: UserFixture) -> Result<(), FixtureError> {
        let id = user.id.unwrap_or_else(|| self.core.ids.hex32());
        let domain = self.domain_id(user.domain.as_deref())?;
        let projects: BTreeSet<String> = match user.projects {
            None => self.accounts.projects.keys().cloned().collect(),
            Some(names) => names
                .iter()
                .map(|name| self.project_id(Some(name)))
                .collect::<Result<_, _>>()?,
        };
        let password = user
            .password
            .unwrap_or_else(|| Secret::new(self.core.ids.text(20)));
        let keys = user.access_keys.unwrap_or_else(|| {
            vec![AccessKeyFixture {
                access: self.core.ids.text(20).to_ascii_uppercase(),
                secret: Secret::new(self.core.ids.text(40)),
                security_token: None,
            }]
        });
        for key in keys {
            self.accounts.keys.insert(
                key.access.clone(),
                AccessKey {
                    access: key.access,
                    secret: key.secret,
                    security_token: key.security_token,
                    user: id.clone(),
                },
            );
        }
        set_first(&mut self.accounts.first.user, &id);
        self.accounts.users.insert(
            id.clone(),
            User {
                id,
                name: user.name,
                domain,
                password,
                admin: user.admin,
                projects,
                key_pairs: user.key_pairs,
            },
        );
        Ok(())
    }

    fn project_id(&self, name: Option<&str>) -> Result<String, FixtureError> {
        let Some(name) = name else {
            return Ok(self.accounts.first.project.clone());
        };
        self.accounts
            .find_project(Some(name), None, None)
            .or_else(|| self.accounts.find_project(None, Some(name), None))
            .map(|project| project.id.clone())
            .ok_or_else(|| missing("project", name, "project"))
    }

    fn add_image_fixture(
        &mut self,
        fixture: ImageFixture,
        now: Millis,
    ) -> Result<(), FixtureError> {
        let project = fixture
            .project
            .as_deref()
            .map(|name| self.project_id(Some(name)))
            .transpose()?;
        let mut image = fixture.image;
        if let Some(id) = &image.id
            && self.image_ids.contains_key(id)
        {
            return Err(FixtureError(format!("the id '{id}' is not unique")));
        }
        let kind = if project.is_some() {
            "DEDICATED"
        } else {
            "BUILD_IN"
        };
        image.id.get_or_insert_with(|| self.core.ids.uuid());
        image.name.get_or_insert_with(|| "image".into());
        image.tag.get_or_insert_with(|| "1.0.0".into());
        image.arch.get_or_insert_with(|| "x86_64".into());
        image.type_.get_or_insert_with(|| kind.into());
        image.create_at.get_or_insert(now);
        image.update_at.get_or_insert(now);
        image
            .workspace_id
            .get_or_insert_with(|| DEFAULT_WORKSPACE.into());
        self.add_image(
            project,
            image,
            fixture.status.map_or(ImageStatus::Active, Open::into_inner),
            now,
        );
        Ok(())
    }

    fn add_instances(
        &mut self,
        fixture: &InstanceFixture,
        now: Millis,
    ) -> Result<(), FixtureError> {
        let project = self.project_id(fixture.project.as_deref())?;
        let owner = match fixture.owner.as_deref() {
            None => self.accounts.users.get(&self.accounts.first.user),
            Some(name) => self
                .accounts
                .find_user(Some(name), None, None)
                .or_else(|| self.accounts.find_user(None, Some(name), None)),
        };
        let owner = owner.map(|user| user.id.clone()).ok_or_else(|| {
            missing(
                "user",
                fixture.owner.as_deref().unwrap_or_default(),
                "owner",
            )
        })?;
        if let Some(profile) = &fixture.profile_id
            && catalogue::profile(profile).is_none()
        {
            return Err(missing("profile", profile, "profile_id"));
        }
        if let Some(id) = &fixture.id
            && (fixture.count > 1 || self.instance_ids.contains_key(id))
        {
            return Err(FixtureError(format!("the id '{id}' is not unique")));
        }
        for number in 0..fixture.count {
            let instance = self.instance_of(fixture, &project, &owner, number, now)?;
            self.add(instance);
        }
        Ok(())
    }

    fn instance_of(
        &mut self,
        fixture: &InstanceFixture,
        project: &str,
        owner: &str,
        number: u32,
        now: Millis,
    ) -> Result<Instance, FixtureError> {
        let created = fixture.create_at.unwrap_or(now);
        let name = match (fixture.name.as_str(), fixture.count) {
            ("", _) => format!("notebook-{:04}", number + 1),
            (name, 1) => name.to_owned(),
            (name, _) => format!("{name}-{:04}", number + 1),
        };
        let flavor = fixture
            .flavor
            .clone()
            .unwrap_or_else(|| "modelarts.vm.cpu.2u".into());
        let free = self.flavor(&flavor).is_some_and(|flavor| flavor.is_free());
        // As if it was renewed when the fixture was added, since an hour after its creation may be long past.
        let lease = match fixture.duration {
            None => lease::default(now),
            Some(duration) => Lease {
                enabled: duration >= 0,
                duration: duration.max(0),
                // A lease that never ends was never renewed: its last change is the creation.
                updated: if duration < 0 { created } else { now },
                ..lease::default(now)
            },
        };
        let uuid = self.core.ids.uuid();
        let details = match fixture.generation {
            Generation::Notebook => Details::Notebook(Box::new(self.notebook_of(fixture, created))),
            Generation::DevEnv => Details::DevEnv(Box::new(dev_env_of(fixture)?)),
        };
        let id = match fixture.generation {
            Generation::Notebook => uuid,
            Generation::DevEnv => format!("DE-{uuid}"),
        };
        let durations = &self.settings.durations;
        let phase = Phase::enter(
            details.own_word(fixture.status.clone()),
            now,
            durations,
            None,
        );
        let queue = fixture.status.is_queued().then(|| self.queue_place(now));
        Ok(Instance {
            seq: self.next_seq(),
            id: fixture.id.clone().unwrap_or(id),
            project: project.to_owned(),
            owner: owner.to_owned(),
            name,
            description: fixture.description.clone(),
            workspace: fixture
                .workspace_id
                .clone()
                .unwrap_or_else(|| DEFAULT_WORKSPACE.into()),
            flavor,
            free,
            phase,
            previous: N::Init.into(),
            created,
            updated: lease.updated,
            lease,
            failure: fixture.fail_reason.clone().map(|message| Failure {
                code: fixture.status.failure_code().to_string(),
                message,
            }),
            queue,
            details,
        })
    }

    fn notebook_of(&mut self, fixture: &InstanceFixture, now: Millis) -> Notebook {
        let begun = !matches!(
            fixture.status,
            InstanceStatus::Notebook(N::Init | N::Creating | N::CreateFailed)
        );
        let status = if begun {
            VolumeStatus::InUse
        } else {
            VolumeStatus::Initializing
        };
        let category = fixture
            .volume_category
            .as_ref()
            .map_or("EVS", |category| category.as_str())
            .to_ascii_uppercase();
        Notebook {
            image: fixture
                .image_id
                .clone()
                .unwrap_or_else(|| "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11".into()),
            token: self.core.ids.uuid(),
            volume: Volume {
                capacity: fixture
                    .capacity
                    .unwrap_or_else(|| default_capacity(&category)),
                category,
                ownership: "MANAGED".into(),
                uri: None,
                id: None,
                mount_path: None,
                read_only: None,
                dew_secret_name: None,
                phase: Phase::settled(status, now),
            },
            pool: None,
            endpoints: Vec::new(),
            hooks: None,
            mounts: Vec::new(),
            data_volumes: Vec::new(),
            tags: Default::default(),
            custom_spec: None,
            affinity: None,
            run_user: None,
            user_vpc: None,
            saving: None,
            ready: begun,
        }
    }
}

fn dev_env_of(fixture: &InstanceFixture) -> Result<DevEnv, FixtureError> {
    let profile = fixture
        .profile_id
        .clone()
        .unwrap_or_else(|| "Python3-cpu".into());
    let (kind, path) = match fixture.capacity {
        Some(_) => ("evs", "/home/ma-user/work"),
        None => ("obs", "/team-bucket/work/"),
    };
    let storage = DevEnvStorageReq::builder()
        .type_(kind)
        .location(DevEnvStorageLocationReq::builder().path(path))
        .build()
        .map_err(|error| FixtureError(error.to_string()))?;
    Ok(DevEnv {
        ml_studio: catalogue::profile(&profile).is_some_and(|profile| profile.ml_studio),
        profile,
        storage,
        volume_size: fixture.capacity,
        extend_storage: None,
        annotations: BTreeMap::new(),
        pool: None,
        ai_project: DEFAULT_AI_PROJECT.into(),
        prompt: true,
        next_lease: None,
    })
}
