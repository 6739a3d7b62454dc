//! Stale reads: for a while, reads show the state from before a change.

use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};

use super::model::Instance;
use super::state::State;
use super::status::InstanceStatus as S;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult};

/// The kind of response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// A read, which may be stale.
    Read,
    /// The response to the operation that made the change, which is up to date.
    Fresh,
}

impl State {
    /// Returns the status, or the previous one while reads are stale.
    pub(super) fn status_for<'a>(&self, instance: &'a Instance, now: Millis, view: View) -> &'a S {
        let status = instance.status();
        // Without a previous status, the instance is not shown at all, or it existed at the start.
        let stale = view == View::Read
            && instance.previous != N::Init
            && self.is_stale(instance.phase.since, now);
        if stale { &instance.previous } else { status }
    }

    /// Whether reads do not show a change at `since` yet.
    pub(super) fn is_stale(&self, since: Millis, now: Millis) -> bool {
        now < since.saturating_add(self.settings.stale_reads)
    }

    /// Refuses an instance that is so new that reads do not show it yet.
    pub(super) fn check_known(&self, instance: &Instance, now: Millis) -> ApiResult<()> {
        // An instance of the fixtures in a settled status existed at the start.
        let is_new = [instance.status(), &instance.previous]
            .iter()
            .any(|status| {
                matches!(
                    status,
                    S::DevEnv(D::CreateQueuing) | S::Notebook(N::Creating)
                )
            });
        if is_new && self.is_stale(instance.created, now) {
            return Err(ApiError::no_instance());
        }
        Ok(())
    }
}
