//! `Lifecycle`: what the waiters need to know about a resource. Each resource with a status implements it.

use std::fmt;

use modelarts_client::{Action, ErrorCode, Open, OpenEnum, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::Result;
use crate::poll_status::Progress;
use crate::units::AutoStop;

/// A resource with a life cycle, and how a client reads it and acts on it.
pub(crate) trait Lifecycle: Sized + Send + 'static {
    /// The key that it is looked up by; displays as an ID.
    type Key: Clone + fmt::Display + Send + Sync + 'static;

    const NOUN: &'static str;
    /// The error codes with which the service reports that it does not exist.
    const ABSENT: &'static [ErrorCode];

    fn show(client: ModelArts, key: Self::Key) -> BoxFuture<'static, Result<Self>>;
    /// Sends an action. `auto_stop` applies to a start; without it, the service uses its default.
    fn execute(
        client: ModelArts,
        key: Self::Key,
        action: Action,
        auto_stop: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>>;

    fn phase(&self) -> Phase;
    /// The status in the service's spelling.
    fn status(&self) -> String;

    fn fail_reason(&self) -> Option<String> {
        None
    }

    fn progress(&self) -> Option<Progress> {
        None
    }

    /// What is still missing although the target status is reached.
    fn missing(&self) -> Option<String> {
        None
    }
}

/// The text of a status, which may be missing.
pub(crate) fn status_text<E: OpenEnum>(status: Option<&Open<E>>) -> String {
    status.map_or_else(|| "without a status".to_owned(), ToString::to_string)
}

/// Makes the result of a waiter from the last poll.
pub(crate) trait FromLastPoll<R>: Sized {
    fn of(last: Option<R>) -> Option<Self>;
}

impl<R: Lifecycle> FromLastPoll<R> for R {
    fn of(last: Option<R>) -> Option<R> {
        last
    }
}

/// A resource that is gone leaves no value.
impl<R: Lifecycle> FromLastPoll<R> for () {
    fn of(_: Option<R>) -> Option<()> {
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::enums::NotebookStatus;

    use super::*;

    #[test]
    fn a_status_is_shown_as_the_service_spells_it() {
        let read = |json: &str| serde_json::from_str::<Open<NotebookStatus>>(json).unwrap();
        for (status, shown) in [
            (Some(read("\"RUNNING\"")), "RUNNING"),
            (Some(read("\"Thawing\"")), "Thawing"),
            (None, "without a status"),
        ] {
            assert_eq!(status_text(status.as_ref()), shown);
        }
    }
}
