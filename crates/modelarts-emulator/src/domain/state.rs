//! The state of the service: everything that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::{HashMap, HashMapExt};
use modelarts_client::devenviron::enums::ImageStatus;

use super::catalogue::{self, Flavor};
use super::listing::Listing;
use super::model::{ImageEntry, Instance};
use super::settings::Settings;
use super::state_core::{Beginning, Core};
use crate::bounded_cache::BoundedCache;
use crate::clock::Millis;
use crate::identity::accounts::Accounts;

/// A resource with a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Instance(u64),
    Image(u64),
}

/// A part of the state that has changed since it was last saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DirtyKey {
    Beginning,
    Core,
    Accounts,
    Flavors,
    Instance(u64),
    Image(u64),
}

/// The key by which instances of the old generation are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owned {
    pub(super) project: String,
    pub(super) owner: String,
    pub(super) flavor: String,
}

impl Owned {
    pub(super) fn of(instance: &Instance) -> Option<Self> {
        instance.dev_env().map(|_| Self {
            project: instance.project.clone(),
            owner: instance.owner.clone(),
            flavor: instance.flavor.clone(),
        })
    }
}

/// The whole state of the service.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    /// `None` if an older emulator created the state file.
    pub(crate) beginning: Option<Arc<Beginning>>,
    pub(crate) core: Core,
    pub(crate) accounts: Accounts,
    pub(super) flavors: Vec<Flavor>,
    pub(super) instances: HashMap<u64, Instance>,
    pub(super) instance_ids: HashMap<String, u64>,
    pub(super) images: BTreeMap<u64, ImageEntry>,
    pub(super) image_ids: HashMap<String, u64>,
    pub(super) listing: Listing,
    pub(super) timers: BTreeSet<(Millis, Subject)>,
    pub(super) occupied: HashMap<String, u32>,
    /// The number of a user's instances of the old generation, by flavor.
    pub(super) owned: HashMap<Owned, u32>,
    pub(super) queues: HashMap<String, BTreeSet<(Millis, u64)>>,
    pub(super) evs: u64,
    /// Responses that stay valid until their instance changes.
    pub(super) rendered: BoundedCache<u64, Bytes>,
    /// `None` if changes are not saved.
    pub(super) dirty: Option<BTreeSet<DirtyKey>>,
}

impl State {
    /// Returns a service with the built-in flavors and images, and nothing else.
    pub(crate) fn new(settings: Settings, core: Core) -> Self {
        let mut state = Self::bare(settings, core);
        state.flavors = catalogue::flavors();
        for image in catalogue::images() {
            state.add_image(None, image, ImageStatus::Active, 0);
        }
        state
    }

    pub(super) fn bare(settings: Settings, core: Core) -> Self {
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

    pub(super) fn set_dirty(&mut self, what: DirtyKey) {
        if let Some(dirty) = &mut self.dirty {
            dirty.insert(what);
        }
    }

    pub(crate) fn set_core_dirty(&mut self) {
        self.set_dirty(DirtyKey::Core);
    }

    pub(super) fn next_seq(&mut self) -> u64 {
        let seq = self.core.next_seq;
        self.core.next_seq += 1;
        self.set_dirty(DirtyKey::Core);
        seq
    }

    /// Returns the number of instances and of images.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.instances.len(), self.images.len())
    }
}
