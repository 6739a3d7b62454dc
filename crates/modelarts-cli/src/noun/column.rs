//! The columns of a noun.

use modelarts::Timestamp;
use serde_json::Value;

use crate::output::cell::Cell;

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// The name in output for programs, if their value differs.
    pub(crate) data_title: Option<&'static str>,
    /// Whether it is only shown in wide tables and in details.
    pub(crate) wide: bool,
    /// The priority for hiding it on a narrow terminal: the highest goes first, and 0 is never hidden.
    pub(crate) hide_priority: u8,
    /// Whether its cells can be long, and are truncated on a narrow terminal.
    pub(crate) is_long: bool,
    pub(crate) cell: fn(&Value, Timestamp) -> Cell,
}

/// Returns a column that is always shown.
pub(super) const fn column(title: &'static str, cell: fn(&Value, Timestamp) -> Cell) -> Column {
    Column {
        title,
        data_title: None,
        wide: false,
        hide_priority: 0,
        is_long: false,
        cell,
    }
}

/// Returns a column that is shown in wide tables and in details.
pub(super) const fn wide(title: &'static str, cell: fn(&Value, Timestamp) -> Cell) -> Column {
    Column {
        title,
        data_title: None,
        wide: true,
        hide_priority: 9,
        is_long: false,
        cell,
    }
}

impl Column {
    /// Returns the name in output for programs.
    pub(crate) fn data_title(&self) -> String {
        match self.data_title {
            Some(title) => title.to_owned(),
            None => self.title.to_lowercase().replace(' ', "_"),
        }
    }

    /// Marks the column as one whose cells can be long.
    pub(super) const fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    /// Sets the priority for hiding the column on a narrow terminal.
    pub(super) const fn hide_priority(mut self, order: u8) -> Self {
        self.hide_priority = order;
        self
    }

    /// Marks the column as a time, which tables show relative to now, and output for programs as it is, under this
    /// title.
    pub(super) const fn time(mut self, title: &'static str) -> Self {
        self.data_title = Some(title);
        self
    }
}
