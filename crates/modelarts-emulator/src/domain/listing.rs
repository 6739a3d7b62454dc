//! The sort orders of the lists of instances, kept up to date so that a page needs no sorting.

use foldhash::HashMap;

use super::model::{Generation, Instance};
use super::sorted::SortedList;
use crate::clock::Millis;

/// The selection of instances that a list shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) project: String,
    pub(crate) generation: Generation,
    /// `None` for both.
    pub(crate) free: Option<bool>,
    /// `None` for all owners.
    pub(crate) owner: Option<String>,
}

/// A scope in its two sort orders; the number is that of the instance.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) created: SortedList<(Millis, u64)>,
    pub(crate) name: SortedList<(String, u64)>,
}

#[derive(Debug, Default)]
pub(crate) struct Listing {
    scopes: HashMap<Scope, Orders>,
}

impl Listing {
    pub(crate) fn get(&self, scope: &Scope) -> Option<&Orders> {
        self.scopes.get(scope)
    }

    pub(crate) fn count(&self, scope: &Scope) -> usize {
        self.get(scope).map_or(0, |orders| orders.created.len())
    }

    pub(crate) fn insert(&mut self, instance: &Instance) {
        for scope in scopes(instance) {
            let orders = self.scopes.entry(scope).or_default();
            orders.created.insert((instance.created, instance.seq));
            orders.name.insert((instance.name.clone(), instance.seq));
        }
    }

    pub(crate) fn remove(&mut self, instance: &Instance) {
        let created = (instance.created, instance.seq);
        let name = (instance.name.clone(), instance.seq);
        for scope in scopes(instance) {
            let Some(orders) = self.scopes.get_mut(&scope) else {
                continue;
            };
            orders.created.remove(&created);
            orders.name.remove(&name);
            if orders.created.len() == 0 {
                self.scopes.remove(&scope);
            }
        }
    }
}

/// Returns all scopes that contain the instance.
fn scopes(instance: &Instance) -> impl Iterator<Item = Scope> {
    let free: &[Option<bool>] = match instance.generation() {
        Generation::Notebook => &[Some(false), Some(true)],
        Generation::DevEnv => &[None],
    };
    free.iter()
        .filter(|free| free.is_none_or(|free| free == instance.free))
        .flat_map(|free| {
            [None, Some(instance.owner.clone())].map(|owner| Scope {
                project: instance.project.clone(),
                generation: instance.generation(),
                free: *free,
                owner,
            })
        })
}
