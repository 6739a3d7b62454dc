//! Collects tracing spans and events as text.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::marker::PhantomData;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Collects all spans and events of this thread until it is dropped, of every level and crate.
///
/// The subscriber is global. A subscriber per thread could miss spans that another thread registers while it starts.
#[derive(Debug)]
pub struct Capture {
    /// Makes the type `!Send`.
    _thread: PhantomData<*const ()>,
}

impl Capture {
    /// Starts to collect.
    ///
    /// # Panics
    /// When the process has another global subscriber.
    pub fn start() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let collector = Collector {
                spans: AtomicU64::new(1),
            };
            tracing::subscriber::set_global_default(collector).unwrap();
        });
        LINES.set(Some(Vec::new()));
        Self {
            _thread: PhantomData,
        }
    }

    /// Returns the spans and events so far, one per line.
    pub fn lines(&self) -> Vec<String> {
        LINES.with_borrow(|lines| lines.clone().unwrap_or_default())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct Collector {
    spans: AtomicU64,
}

impl Collector {
    fn add(&self, what: &str, record: impl FnOnce(&mut Line)) {
        let mut line = Line(what.to_owned());
        record(&mut line);
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line.0)));
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let metadata = span.metadata();
        self.add(metadata.target(), |line| {
            line.0.push_str(&format!(" span {}", metadata.name()));
            span.record(line);
        });
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.add("span", |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata().target(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
