//! The stored form of the state: rows of a file, or a whole snapshot.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::Flavor;
use super::model::{ImageEntry, Instance};
use super::settings::Settings;
use super::state::{DirtyKey, State};
use super::state_core::Core;
use crate::clock::Millis;
use crate::identity::accounts::Accounts;
use crate::store::Row;

/// The format of a snapshot and of the rows' bodies.
pub(crate) const FORMAT: u32 = 1;

/// The kinds of rows.
pub(crate) mod kind {
    pub(crate) const BEGINNING: &str = "beginning";
    pub(crate) const CORE: &str = "core";
    pub(crate) const ACCOUNTS: &str = "accounts";
    pub(crate) const FLAVORS: &str = "flavors";
    pub(crate) const INSTANCE: &str = "instance";
    pub(crate) const IMAGE: &str = "image";
}

/// The whole state of an emulator, with the time at which it was taken.
///
/// [`restore`](crate::Emulator::restore) restores it, in this emulator or in another one. It contains the credentials
/// of the emulated accounts, which are not valid anywhere else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Snapshot(pub(crate) serde_json::Value);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    format: u32,
    now: Millis,
    core: Core,
    accounts: Accounts,
    flavors: Vec<Flavor>,
    instances: Vec<Instance>,
    images: Vec<ImageEntry>,
}

/// The error when a stored state cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the state has the format {0}, but this emulator reads format {FORMAT}")]
    Format(u32),
    #[error("the state is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    #[error("the state is damaged: the kind of row {0} is unknown")]
    Kind(String),
}

impl State {
    /// Records all changes from now on, and at first the whole state if `everything` is set.
    pub(crate) fn remember_changes(&mut self, everything: bool) {
        let mut dirty = std::collections::BTreeSet::new();
        if everything {
            dirty.extend([
                DirtyKey::Beginning,
                DirtyKey::Core,
                DirtyKey::Accounts,
                DirtyKey::Flavors,
            ]);
            dirty.extend(self.instances.keys().map(|seq| DirtyKey::Instance(*seq)));
            dirty.extend(self.images.keys().map(|seq| DirtyKey::Image(*seq)));
        }
        self.dirty = Some(dirty);
    }

    /// Returns the changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Row> {
        let Some(dirty) = &mut self.dirty else {
            return Vec::new();
        };
        let dirty = std::mem::take(dirty);
        dirty.into_iter().map(|what| self.row(what)).collect()
    }

    fn row(&self, what: DirtyKey) -> Row {
        // Strings, numbers and maps with string keys: serializing them cannot fail.
        fn json<T: Serialize>(value: &T) -> Option<String> {
            serde_json::to_string(value).ok()
        }
        let (kind, key, body) = match what {
            DirtyKey::Beginning => (kind::BEGINNING, 0, self.beginning.as_deref().and_then(json)),
            DirtyKey::Core => (kind::CORE, 0, json(&self.core)),
            DirtyKey::Accounts => (kind::ACCOUNTS, 0, json(&self.accounts)),
            DirtyKey::Flavors => (kind::FLAVORS, 0, json(&self.flavors)),
            DirtyKey::Instance(seq) => {
                (kind::INSTANCE, seq, self.instances.get(&seq).and_then(json))
            }
            DirtyKey::Image(seq) => (kind::IMAGE, seq, self.images.get(&seq).and_then(json)),
        };
        Row { kind, key, body }
    }

    /// Loads a state from rows, each with its kind and body.
    pub(crate) fn load(
        settings: Settings,
        rows: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, LoadError> {
        let mut state = Self::bare(settings, Core::new(0));
        for (kind, body) in rows {
            match kind.as_str() {
                kind::BEGINNING => {
                    state.beginning = Some(Arc::new(serde_json::from_str(&body)?));
                }
                kind::CORE => state.core = serde_json::from_str(&body)?,
                kind::ACCOUNTS => state.accounts = serde_json::from_str(&body)?,
                kind::FLAVORS => state.flavors = serde_json::from_str(&body)?,
                kind::INSTANCE => state.add_loaded(serde_json::from_str(&body)?),
                kind::IMAGE => state.put_image(serde_json::from_str(&body)?),
                _ => return Err(LoadError::Kind(kind)),
            }
        }
        Ok(state)
    }

    /// Adds a loaded instance unchanged; queues advance with the time, not here.
    fn add_loaded(&mut self, instance: Instance) {
        self.instance_ids.insert(instance.id.clone(), instance.seq);
        self.listing.insert(&instance);
        self.attach(&instance);
        self.instances.insert(instance.seq, instance);
    }

    pub(crate) fn save(&self, now: Millis) -> Result<Snapshot, serde_json::Error> {
        let mut instances: Vec<Instance> = self.instances.values().cloned().collect();
        instances.sort_by_key(|instance| instance.seq);
        serde_json::to_value(Whole {
            format: FORMAT,
            now,
            core: self.core.clone(),
            accounts: self.accounts.clone(),
            flavors: self.flavors.clone(),
            instances,
            images: self.images.values().cloned().collect(),
        })
        .map(Snapshot)
    }

    /// Returns the state of a snapshot, and its time.
    pub(crate) fn restore(
        settings: Settings,
        snapshot: Snapshot,
    ) -> Result<(Self, Millis), LoadError> {
        let whole: Whole = serde_json::from_value(snapshot.0)?;
        if whole.format != FORMAT {
            return Err(LoadError::Format(whole.format));
        }
        let mut state = Self::bare(settings, whole.core);
        state.accounts = whole.accounts;
        state.flavors = whole.flavors;
        for image in whole.images {
            state.put_image(image);
        }
        for instance in whole.instances {
            state.add_loaded(instance);
        }
        Ok((state, whole.now))
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::enums::NotebookStatus;
    use serde_json::json;

    use super::*;

    const HOUR: Millis = 3_600_000;

    /// Does everything that is due, and fails if that never ends.
    fn advance(state: &mut State, now: Millis) {
        let steps = (0..100).take_while(|_| state.advance_once(now)).count();
        assert!(steps < 100, "the same thing is due again and again");
    }

    #[test]
    fn transitions_that_are_overdue_when_a_file_is_opened_happen_at_their_time() {
        let instances =
            json!({"instances": [{"name": "late", "status": "CREATING", "duration": HOUR}]});
        let mut state = State::new(Settings::default(), Core::new(1));
        state.remember_changes(true);
        state
            .add_fixtures(serde_json::from_value(instances).unwrap(), 0)
            .unwrap();
        let rows = state.take_changes().into_iter();
        let rows = rows.filter_map(|row| Some((row.kind.to_owned(), row.body?)));
        let mut state = State::load(Settings::default(), rows).unwrap();
        for (opened, status, since) in [
            (60_000, NotebookStatus::Creating, 0),
            (HOUR - 1, NotebookStatus::Running, 90_000),
            (HOUR, NotebookStatus::Stopping, HOUR),
            (24 * HOUR, NotebookStatus::Stopped, HOUR + 30_000),
        ] {
            assert_eq!(state.is_due(opened), opened != 60_000, "at {opened}");
            advance(&mut state, opened);
            let instance = state.instances.values().next().unwrap();
            assert_eq!(*instance.status(), status);
            assert_eq!(
                (instance.phase.since, instance.updated),
                (since, since),
                "{status}"
            );
        }
    }

    #[test]
    fn overdue_transitions_give_the_same_in_one_step_as_in_many() {
        let instances =
            json!({"instances": [{"name": "late", "status": "CREATING", "duration": HOUR}]});
        let mut state = State::new(Settings::default(), Core::new(1));
        state
            .add_fixtures(serde_json::from_value(instances).unwrap(), 0)
            .unwrap();
        advance(&mut state, 24 * HOUR);
        let instance = state.instances.values().next().unwrap();
        assert_eq!(*instance.status(), NotebookStatus::Stopped);
        assert_eq!(instance.updated, HOUR + 30_000);
        assert!(!state.is_due(Millis::MAX));
    }
}
