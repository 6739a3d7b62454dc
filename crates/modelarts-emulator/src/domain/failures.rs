//! The transition faults that tests have added.

use super::durations::Step;
use super::phase::Failure;
use super::state::{DirtyKey, State};
use super::transition_fault::TransitionFault;
use crate::error::{ApiError, ApiResult};
use crate::faults::MOST as MOST_FAULTS;

impl State {
    /// Makes an automatic transition fail.
    pub(crate) fn add_transition_fault(&mut self, fault: TransitionFault) -> ApiResult<()> {
        fault
            .check()
            .map_err(|(field, rule)| ApiError::value(field, rule))?;
        if self.core.failures.len() >= MOST_FAULTS {
            let error =
                format!("there are {MOST_FAULTS} transition faults already; remove them first");
            return Err(ApiError::value("faults", error));
        }
        self.core.failures.push(fault);
        self.set_core_dirty();
        Ok(())
    }

    /// The transition faults that have not been used up.
    pub(crate) fn transition_faults(&self) -> Vec<TransitionFault> {
        self.core.failures.clone()
    }

    pub(crate) fn clear_transition_faults(&mut self) {
        self.core.failures.clear();
        self.set_core_dirty();
    }

    /// Why the next `step` has to fail, if it has to. Counts against the fault.
    pub(super) fn planned(&mut self, step: Step) -> Option<Failure> {
        let failures = &mut self.core.failures;
        let index = failures.iter().position(|failure| failure.step == step)?;
        let failure = &mut failures[index];
        failure.times = failure.times.saturating_sub(1);
        let planned = Failure {
            code: failure
                .code
                .clone()
                .unwrap_or_else(|| step.failure_code().to_string()),
            message: failure.reason.clone(),
        };
        if failure.times == 0 {
            failures.remove(index);
        }
        self.set_dirty(DirtyKey::Core);
        Some(planned)
    }
}
