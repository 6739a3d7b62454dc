//! What was worked out lately and is likely to be asked for again.

use std::hash::Hash;

use foldhash::HashMap;
use parking_lot::Mutex;

/// A bounded memory; when it is full it starts afresh.
#[derive(Debug)]
pub(crate) struct BoundedCache<K, V> {
    entries: Mutex<HashMap<K, V>>,
}

const MOST: usize = 4096;

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

    pub(crate) fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock();
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, value);
    }

    pub(crate) fn forget(&self, key: &K) {
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
    fn it_is_bounded_and_forgets() {
        let recent = BoundedCache::default();
        for number in 0..10_000 {
            recent.put(number, number);
        }
        assert_eq!(recent.get(&9_999), Some(9_999));
        assert!(recent.entries.lock().len() <= MOST);
        recent.forget(&9_999);
        assert_eq!(recent.get(&9_999), None);
    }
}
