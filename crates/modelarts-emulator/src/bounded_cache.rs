//! A cache of results that are likely to be needed again.

use std::hash::Hash;

use foldhash::HashMap;
use parking_lot::Mutex;

/// A cache of limited size; when it is full, it is cleared.
#[derive(Debug)]
pub(crate) struct BoundedCache<K, V> {
    entries: Mutex<HashMap<K, V>>,
}

/// The maximum number of entries.
const CAPACITY: usize = 4096;

impl<K, V> Default for BoundedCache<K, V> {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> BoundedCache<K, V> {
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.lock().get(key).cloned()
    }

    /// Returns the values of several keys, in their order, under a single lock.
    pub(crate) fn get_all<'a>(&self, keys: impl Iterator<Item = &'a K>) -> Vec<Option<V>>
    where
        K: 'a,
    {
        let entries = self.entries.lock();
        keys.map(|key| entries.get(key).cloned()).collect()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        let mut entries = self.entries.lock();
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(key, value);
    }

    pub(crate) fn remove(&self, key: &K) {
        self.entries.lock().remove(key);
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_bounded_and_its_entries_can_be_removed() {
        let cache = BoundedCache::default();
        for number in 0..10_000 {
            cache.insert(number, number);
        }
        assert_eq!(cache.get(&9_999), Some(9_999));
        assert!(cache.entries.lock().len() <= CAPACITY);
        let found = cache.get_all([9_999, 10_000].iter());
        assert_eq!(found, [Some(9_999), None]);
        cache.remove(&9_999);
        assert_eq!(cache.get(&9_999), None);
    }
}
