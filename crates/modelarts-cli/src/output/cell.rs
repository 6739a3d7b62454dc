//! A cell of a table.

use modelarts::Timestamp;

use crate::text;

/// A cell of a table, with its tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The value in output for programs, if it differs from the text.
    data: Option<String>,
    pub(crate) tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Busy,
    Bad,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text::one_line(&text.into()),
            data: None,
            tone,
        }
    }

    /// Sets a time as the value for programs; people see it relative to now.
    pub(crate) fn time(self, time: Timestamp) -> Self {
        Self {
            data: Some(format!("{time:.0}")),
            ..self
        }
    }

    /// Returns the value for programs; empty if there is no value.
    pub(crate) fn data(&self) -> &str {
        match &self.data {
            Some(data) => data,
            None if *self == Self::none() => "",
            None => &self.text,
        }
    }

    /// Returns the cell for a missing value.
    pub(crate) fn none() -> Self {
        Self::plain("-")
    }
}
