//! The service itself: what exists, what may be done with it, and what happens by itself.
//!
//! Everything here is synchronous and knows no clock: the present is an argument. What happens by itself is
//! written down as a time in the timers and done, at that time, whenever somebody looks; so nothing
//! runs in the background and a restart changes nothing.

mod catalogue;
mod checks;
mod devenv;
mod durations;
mod fixtures;
mod flavors;
mod images;
mod lease;
mod listing;
mod model;
mod notebook_checks;
mod notebook_list;
mod notebooks;
mod page;
mod phase;
mod snapshot;
mod sorted;
mod specification;
mod status;
mod storage;
mod tags;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::{HashMap, HashMapExt};
use modelarts_client::devenviron::enums::{
    DevEnvInstanceStatus as D, ImageStatus, NotebookStatus as N,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use devenv::DevEnvQuery;
pub use durations::{Durations, Step};
pub use fixtures::FixtureError;
pub(crate) use flavors::{FlavorQuery, plain as plain_flavors};
pub(crate) use images::ImageQuery;
pub use model::Generation;
pub(crate) use notebook_list::NotebookQuery;
pub(crate) use page::Paging;
pub(crate) use snapshot::Row;
pub use snapshot::Snapshot;
pub use status::InstanceStatus;

use crate::bounded_cache::BoundedCache;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::faults::MOST as MOST_FAULTS;
use crate::fixtures::{Capacity, Fixtures};
use crate::identity::accounts::Accounts;
use crate::ids::Ids;
use catalogue::Flavor;
use listing::Listing;
use model::{ImageEntry, Instance};
use phase::Failure;

/// How the service behaves; not part of what is saved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) durations: Durations,
    /// Whether the documentation wins where practice is more lenient.
    pub(crate) strict: bool,
    /// How long a read still shows what was before a change.
    pub(crate) stale_reads: Millis,
}

/// Who asks, for which project.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) project: String,
    pub(crate) admin: bool,
}

impl Caller {
    /// Who has yet to sign in.
    pub(crate) fn nobody() -> Self {
        Self {
            user: String::new(),
            project: String::new(),
            admin: false,
        }
    }
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) now: Millis,
    pub(crate) caller: &'a Caller,
}

/// A failure that a test has asked for: the next times that the service does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TransitionFault {
    /// What is going to fail.
    pub step: Step,
    /// How many times.
    #[serde(default = "once")]
    pub times: u32,
    /// What the resource gives as the reason.
    #[serde(default = "reason")]
    pub reason: String,
    /// The code that an instance of the old generation gives with it; one that fits the step if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl TransitionFault {
    /// The next time that the service does `step`, it fails.
    pub fn new(step: Step) -> Self {
        Self {
            step,
            times: once(),
            reason: reason(),
            code: None,
        }
    }

    /// Refuses what could never act as it says: the field, and its rule.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.times == 0 {
            return Err(("times", "it has to be at least 1".into()));
        }
        if self.reason.len() > LONGEST_REASON {
            return Err(("reason", format!("it has at most {LONGEST_REASON} bytes")));
        }
        Ok(())
    }
}

/// The longest reason of a failure, in bytes.
pub(crate) const LONGEST_REASON: usize = 4_096;

fn once() -> u32 {
    1
}

fn reason() -> String {
    "The emulator was told to let this fail.".to_owned()
}

/// The single values that are saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Core {
    /// The number that the ids began with.
    #[serde(alias = "seed")]
    pub(crate) rng_seed: u64,
    pub(crate) ids: Ids,
    pub(crate) next_seq: u64,
    pub(crate) token_key: [u8; 32],
    pub(crate) capacity: Capacity,
    pub(crate) failures: Vec<TransitionFault>,
}

/// What a state was made from, and a reset makes it from again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Beginning {
    pub(crate) rng_seed: u64,
    pub(crate) fixtures: Fixtures,
}

impl Core {
    pub(crate) fn new(rng_seed: u64) -> Self {
        let mut ids = Ids::seeded(rng_seed);
        Self {
            rng_seed,
            token_key: ids.fork().bytes(),
            ids,
            next_seq: 1,
            capacity: Capacity::default(),
            failures: Vec::new(),
        }
    }
}

/// What has a place in the timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Instance(u64),
    Image(u64),
}

/// What has changed since it was last saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DirtyKey {
    Beginning,
    Core,
    Accounts,
    Flavors,
    Instance(u64),
    Image(u64),
}

/// Whose instances of the old generation are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owned {
    project: String,
    owner: String,
    flavor: String,
}

impl Owned {
    fn of(instance: &Instance) -> Option<Self> {
        instance.dev_env().map(|_| Self {
            project: instance.project.clone(),
            owner: instance.owner.clone(),
            flavor: instance.flavor.clone(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    /// Unknown where the state file is older than this row.
    pub(crate) beginning: Option<Arc<Beginning>>,
    pub(crate) core: Core,
    pub(crate) accounts: Accounts,
    flavors: Vec<Flavor>,
    instances: HashMap<u64, Instance>,
    instance_ids: HashMap<String, u64>,
    images: BTreeMap<u64, ImageEntry>,
    image_ids: HashMap<String, u64>,
    listing: Listing,
    timers: BTreeSet<(Millis, Subject)>,
    occupied: HashMap<String, u32>,
    /// How many instances of the old generation a user has, by flavor.
    owned: HashMap<Owned, u32>,
    queues: HashMap<String, BTreeSet<(Millis, u64)>>,
    evs: u64,
    /// Answers that stay right until their instance changes.
    rendered: BoundedCache<u64, Bytes>,
    /// `None` when nobody saves.
    dirty: Option<BTreeSet<DirtyKey>>,
}

impl State {
    /// An empty service with its catalogue.
    pub(crate) fn new(settings: Settings, core: Core) -> Self {
        let mut state = Self::bare(settings, core);
        state.flavors = catalogue::flavors();
        for image in catalogue::images() {
            state.add_image(None, image, ImageStatus::Active, 0);
        }
        state
    }

    fn bare(settings: Settings, core: Core) -> Self {
        Self {
            settings,
            beginning: None,
            core,
            accounts: Accounts::default(),
            flavors: Vec::new(),
            instances: HashMap::new(),
            instance_ids: HashMap::new(),
            images: BTreeMap::new(),
            image_ids: HashMap::new(),
            listing: Listing::default(),
            timers: BTreeSet::new(),
            occupied: HashMap::new(),
            owned: HashMap::new(),
            queues: HashMap::new(),
            evs: 0,
            rendered: BoundedCache::default(),
            dirty: None,
        }
    }

    /// Whether something has to happen before a look at `now` is right.
    pub(crate) fn is_due(&self, now: Millis) -> bool {
        self.timers.first().is_some_and(|(due, _)| *due <= now)
    }

    /// Does, in order, everything that happens by itself until `now`.
    pub(crate) fn advance(&mut self, now: Millis) {
        while let Some((due, subject)) = self.timers.first().copied()
            && due <= now
        {
            match subject {
                Subject::Instance(seq) => self.instance_due(seq, due),
                Subject::Image(seq) => self.image_due(seq, due),
            }
        }
    }

    fn instance_due(&mut self, seq: u64, due: Millis) {
        let queued = self
            .instances
            .get(&seq)
            .and_then(|instance| instance.queue.as_ref());
        if queued.is_some_and(|queue| queue.until <= due) {
            return self.grant(seq, due);
        }
        self.change(seq, due, |instance, durations| {
            instance.advance(due, durations);
        });
    }

    fn image_due(&mut self, seq: u64, due: Millis) {
        let Some(entry) = self.images.get_mut(&seq) else {
            self.timers.remove(&(due, Subject::Image(seq)));
            return;
        };
        self.timers.remove(&(due, Subject::Image(seq)));
        entry.advance(due, &self.settings.durations);
        if let Some(until) = entry.phase.until {
            self.timers.insert((until, Subject::Image(seq)));
        }
        self.set_dirty(DirtyKey::Image(seq));
    }

    fn set_dirty(&mut self, what: DirtyKey) {
        if let Some(dirty) = &mut self.dirty {
            dirty.insert(what);
        }
    }

    /// Lets something fail that the service does by itself.
    pub(crate) fn add_transition_fault(&mut self, fault: TransitionFault) -> ApiResult<()> {
        fault
            .check()
            .map_err(|(field, rule)| ApiError::value(field, rule))?;
        if self.core.failures.len() >= MOST_FAULTS {
            let error = format!("{MOST_FAULTS} faults stand already; remove them");
            return Err(ApiError::value("faults", error));
        }
        self.core.failures.push(fault);
        self.set_core_dirty();
        Ok(())
    }

    pub(crate) fn set_core_dirty(&mut self) {
        self.set_dirty(DirtyKey::Core);
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.core.next_seq;
        self.core.next_seq += 1;
        self.set_dirty(DirtyKey::Core);
        seq
    }

    // Instances

    fn add(&mut self, instance: Instance) {
        let (seq, flavor, now) = (instance.seq, instance.flavor.clone(), instance.updated);
        self.instance_ids.insert(instance.id.clone(), seq);
        self.listing.insert(&instance);
        self.attach(&instance);
        self.instances.insert(seq, instance);
        self.set_dirty(DirtyKey::Instance(seq));
        self.promote(&flavor, now);
    }

    /// Changes an instance and everything that depends on it.
    fn change<R>(
        &mut self,
        seq: u64,
        now: Millis,
        with: impl FnOnce(&mut Instance, &Durations) -> R,
    ) -> Option<R> {
        let mut instance = self.instances.remove(&seq)?;
        self.detach(&instance);
        self.rendered.forget(&seq);
        let old_name = instance.name.clone();
        let result = with(&mut instance, &self.settings.durations);
        let flavor = instance.flavor.clone();
        // The lists know it by its old name until here.
        let name = std::mem::replace(&mut instance.name, old_name);
        if *instance.status() == N::Deleted {
            self.instance_ids.remove(&instance.id);
            self.listing.remove(&instance);
        } else {
            if instance.name != name {
                self.listing.remove(&instance);
                instance.name = name;
                self.listing.insert(&instance);
            }
            self.attach(&instance);
            self.instances.insert(seq, instance);
        }
        self.set_dirty(DirtyKey::Instance(seq));
        self.promote(&flavor, now);
        Some(result)
    }

    /// Counts the instance in everywhere but in the lists.
    fn attach(&mut self, instance: &Instance) {
        if let Some(due) = instance.due() {
            self.timers.insert((due, Subject::Instance(instance.seq)));
        }
        if instance.status().occupies() {
            *self.occupied.entry(instance.flavor.clone()).or_default() += 1;
        }
        if let Some(owned) = Owned::of(instance) {
            *self.owned.entry(owned).or_default() += 1;
        }
        if let Some(queue) = &instance.queue {
            self.queues
                .entry(instance.flavor.clone())
                .or_default()
                .insert((queue.since, instance.seq));
        }
        self.evs += evs_of(instance);
    }

    fn detach(&mut self, instance: &Instance) {
        if let Some(due) = instance.due() {
            self.timers.remove(&(due, Subject::Instance(instance.seq)));
        }
        if instance.status().occupies()
            && let Some(count) = self.occupied.get_mut(&instance.flavor)
        {
            *count = count.saturating_sub(1);
        }
        if let Some(owned) = Owned::of(instance)
            && let Some(count) = self.owned.get_mut(&owned)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.owned.remove(&owned);
            }
        }
        if let Some(queue) = &instance.queue
            && let Some(places) = self.queues.get_mut(&instance.flavor)
        {
            places.remove(&(queue.since, instance.seq));
        }
        self.evs = self.evs.saturating_sub(evs_of(instance));
    }

    /// The caller's instance of this generation and id.
    fn find(&self, caller: &Caller, generation: Generation, id: &str) -> ApiResult<&Instance> {
        self.instance_ids
            .get(id)
            .and_then(|seq| self.instances.get(seq))
            .filter(|instance| {
                instance.project == caller.project && instance.generation() == generation
            })
            .ok_or_else(ApiError::no_instance)
    }

    // Machines and queues

    fn is_sold_out(&self, flavor: &str) -> bool {
        let Some(machines) = self.core.capacity.flavors.get(flavor) else {
            return false;
        };
        self.occupied.get(flavor).copied().unwrap_or_default() >= *machines
    }

    /// Gives machines that have become free to those who wait for them.
    fn promote(&mut self, flavor: &str, now: Millis) {
        while !self.is_sold_out(flavor)
            && let Some(seq) = self
                .queues
                .get(flavor)
                .and_then(|places| places.first())
                .map(|(_, seq)| *seq)
        {
            self.grant(seq, now);
        }
    }

    /// Lets a queued instance begin.
    fn grant(&mut self, seq: u64, now: Millis) {
        let creating = self
            .instances
            .get(&seq)
            .is_some_and(|instance| *instance.status() == D::CreateQueuing);
        let (status, step) = if creating {
            (N::Creating, Step::Create)
        } else {
            (N::Starting, Step::Start)
        };
        let failing = self.planned(step);
        self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, failing);
        });
    }

    /// Whether the next `step` has to fail, and why.
    fn planned(&mut self, step: Step) -> Option<Failure> {
        let failures = &mut self.core.failures;
        let index = failures.iter().position(|failure| failure.step == step)?;
        let failure = &mut failures[index];
        failure.times = failure.times.saturating_sub(1);
        let planned = Failure {
            code: failure
                .code
                .clone()
                .unwrap_or_else(|| step.failure_code().to_string()),
            message: failure.reason.clone(),
        };
        if failure.times == 0 {
            failures.remove(index);
        }
        self.set_dirty(DirtyKey::Core);
        Some(planned)
    }

    /// Sets what there is to give out, and gives it to those who wait.
    pub(crate) fn set_capacity(&mut self, capacity: Capacity, now: Millis) {
        self.core.capacity = capacity;
        self.set_dirty(DirtyKey::Core);
        let waiting: Vec<String> = self.queues.keys().cloned().collect();
        for flavor in waiting {
            self.promote(&flavor, now);
        }
    }

    fn check_quota(&self, caller: &Caller, generation: Generation) -> ApiResult<()> {
        let Some(limit) = self.core.capacity.instances else {
            return Ok(());
        };
        if self.count(&caller.project, generation) < limit as usize {
            return Ok(());
        }
        Err(match generation {
            Generation::Notebook => ApiError::new(
                code::NOTEBOOK_QUOTA,
                format!("The quota of {limit} notebooks is used up; delete one first."),
            ),
            Generation::DevEnv => ApiError::new(
                code::INSTANCE_QUOTA,
                format!(
                    "The project has {limit} instances and may have no more; delete one first."
                ),
            ),
        })
    }

    fn count(&self, project: &str, generation: Generation) -> usize {
        let frees: &[Option<bool>] = match generation {
            Generation::Notebook => &[Some(false), Some(true)],
            Generation::DevEnv => &[None],
        };
        frees
            .iter()
            .map(|free| {
                self.listing.count(&listing::Scope {
                    project: project.to_owned(),
                    generation,
                    free: *free,
                    owner: None,
                })
            })
            .sum()
    }

    fn check_workspace(&self, caller: &Caller, workspace: &str) -> ApiResult<()> {
        let known = workspace == "0"
            || self
                .accounts
                .projects
                .get(&caller.project)
                .is_some_and(|project| project.workspaces.contains(workspace));
        if known {
            return Ok(());
        }
        Err(ApiError::new(
            code::NO_WORKSPACE,
            format!(
                "The workspace {workspace} does not exist in this project; use 0 for the default one."
            ),
        ))
    }

    /// How many instances and images there are.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.instances.len(), self.images.len())
    }

    /// Puts an instance into a status, from whichever it is in.
    pub(crate) fn force_status(
        &mut self,
        id: &str,
        status: InstanceStatus,
        failure: Option<String>,
        now: Millis,
    ) -> bool {
        let Some(seq) = self.instance_ids.get(id).copied() else {
            return false;
        };
        let place = status.is_queued().then(|| self.queue_place(now));
        let code = status.failure_code();
        self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, None);
            instance.queue = place;
            instance.failure = failure.map(|message| Failure {
                code: code.to_string(),
                message,
            });
        })
        .is_some()
    }

    /// Something is going on in the instance: the countdown of an idle lease begins anew.
    pub(crate) fn note_activity(&mut self, id: &str, now: Millis) -> bool {
        let Some(seq) = self.instance_ids.get(id).copied() else {
            return false;
        };
        self.change(seq, now, |instance, _| {
            if instance.lease.idle {
                instance.lease.since = now;
            }
        })
        .is_some()
    }
}

fn evs_of(instance: &Instance) -> u64 {
    instance
        .notebook()
        .filter(|notebook| notebook.volume.is_evs())
        .map_or(0, |notebook| {
            u64::try_from(notebook.volume.capacity).unwrap_or_default()
        })
}
