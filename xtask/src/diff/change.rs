//! A change between two documents, and what it means for generated clients.

use std::collections::BTreeSet;
use std::fmt;

/// What a change means for a generated client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Only descriptions or examples changed.
    Patch,
    /// An addition that existing clients can ignore.
    Minor,
    /// Code for the old client may not compile, or requests and responses that worked may fail.
    Major,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patch => "text",
            Self::Minor => "added",
            Self::Major => "BREAKING",
        })
    }
}

/// A change between two documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    pub(super) level: Level,
    /// The operation, or the schema and property.
    pub(super) place: String,
    pub(super) what: String,
}

impl Change {
    /// The operation, schema or security scheme that has changed.
    pub(super) fn subject(&self) -> &str {
        let end = self.place.find(['.', ',', ' ']);
        end.map_or(&self.place, |end| &self.place[..end])
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}  {}: {}", self.level, self.place, self.what)
    }
}

/// Collects changes.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeSet<Change>);

impl Changes {
    pub(super) fn add(&mut self, level: Level, place: &str, what: impl Into<String>) {
        self.0.insert(Change {
            level,
            place: place.to_owned(),
            what: what.into(),
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changes, breaking ones first.
    pub(super) fn sorted(self) -> Vec<Change> {
        let mut changes: Vec<Change> = self.0.into_iter().collect();
        changes.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.cmp(b)));
        changes
    }
}
