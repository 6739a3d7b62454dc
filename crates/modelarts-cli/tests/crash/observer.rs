//! An observer, which only reads while the workers make changes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use serde_json::Value;

use crate::resource::{Kind, Resource, id, label};
use crate::service::Service;

/// A position in the order of the events of all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Returns a moment later than all earlier ones.
    pub(crate) fn now() -> Self {
        static PASSED: AtomicU64 = AtomicU64::new(1);
        Self(PASSED.fetch_add(1, Ordering::SeqCst))
    }
}

/// The last complete list of each kind, and the moment at which it was requested.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<Kind, (Moment, Vec<Value>)>);

impl Seen {
    /// Reads all lists repeatedly until the emulator no longer responds, and reports each read.
    pub(crate) fn until_the_end(service: &Service, polled: Sender<()>) -> Self {
        let mut seen = Self::default();
        for kind in [Kind::Notebook, Kind::Instance, Kind::Image]
            .into_iter()
            .cycle()
        {
            let moment = Moment::now();
            match service.everything(kind) {
                Ok(page) => seen.0.insert(kind, (moment, page)),
                Err(_) => break,
            };
            polled.send(()).ok();
        }
        seen
    }

    /// Whether the observer saw a change that received no response. If so, the change must not be lost: `found` has it.
    pub(crate) fn is_still_so(&self, before: &Resource, found: &Value) -> bool {
        let Some((moment, page)) = self.0.get(&before.kind) else {
            return false;
        };
        if *moment < before.known_at {
            return false;
        }
        let seen = page.iter().find(|each| match before.wanted_name() {
            Some(name) => label(each) == name,
            None => id(each) == id(&before.known),
        });
        let seen = seen.unwrap_or(&Value::Null);
        if *seen == before.known {
            return false;
        }
        assert_ne!(
            *found, before.known,
            "seen as {seen} after {:?}, and then lost",
            before.change
        );
        true
    }
}
