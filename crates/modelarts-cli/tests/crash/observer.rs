//! Somebody who only looks, while others make changes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use serde_json::Value;

use crate::resource::{Kind, Resource, id, label};
use crate::service::Service;

/// A moment in the order of what the threads of this test do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Later than all before.
    pub(crate) fn now() -> Self {
        static PASSED: AtomicU64 = AtomicU64::new(1);
        Self(PASSED.fetch_add(1, Ordering::SeqCst))
    }
}

/// The last answers that came whole: a page with everything, by kind, and when each was asked for.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<Kind, (Moment, Vec<Value>)>);

impl Seen {
    /// Looks again and again, until the emulator no longer answers, and tells of every look.
    pub(crate) fn until_the_end(service: &Service, looked: Sender<()>) -> Self {
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
            looked.send(()).ok();
        }
        seen
    }

    /// Whether a change that was never answered was seen; then it must have stayed, and `found` shows it.
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
