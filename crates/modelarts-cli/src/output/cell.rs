//! A cell of a table.

use modelarts::Timestamp;

use crate::text;

/// A cell, with how it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// What programs get instead of it.
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

    /// A time that people read as a distance from now.
    pub(crate) fn time(self, time: Timestamp) -> Self {
        Self {
            data: Some(format!("{time:.0}")),
            ..self
        }
    }

    /// As programs want it; nothing where nothing is known.
    pub(crate) fn data(&self) -> &str {
        match &self.data {
            Some(data) => data,
            None if *self == Self::none() => "",
            None => &self.text,
        }
    }

    /// Nothing is known.
    pub(crate) fn none() -> Self {
        Self::plain("-")
    }
}
