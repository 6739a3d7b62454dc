//! The machines of each flavor, and the queues for them.

use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};

use super::durations::{Step, millis};
use super::model::Queue;
use super::phase::Failure;
use super::state::{DirtyKey, State};
use super::status::InstanceStatus;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fixtures::Capacity;

/// How the creation or the start of an instance begins.
pub(super) struct Admission {
    pub(super) status: InstanceStatus,
    /// Its place in the queue, if no machine is available.
    pub(super) queue: Option<Queue>,
    /// Why it is going to fail, if a test has asked for that.
    pub(super) failing: Option<Failure>,
}

impl State {
    pub(super) fn is_sold_out(&self, flavor: &str) -> bool {
        let Some(machines) = self.core.capacity.flavors.get(flavor) else {
            return false;
        };
        self.occupied.get(flavor).copied().unwrap_or_default() >= *machines
    }

    /// Gives machines that have become available to the instances in the queue.
    pub(super) fn promote(&mut self, flavor: &str, now: Millis) {
        while !self.is_sold_out(flavor)
            && let Some(seq) = self
                .queues
                .get(flavor)
                .and_then(|places| places.first())
                .map(|(_, seq)| *seq)
        {
            self.grant(seq, now);
        }
    }

    /// Takes a machine of a flavor for an instance that is created or started.
    ///
    /// If none is available, an instance of a free flavor gets a place in the queue, and any other one is refused.
    pub(super) fn admit(
        &mut self,
        step: Step,
        flavor: &str,
        free: bool,
        now: Millis,
    ) -> ApiResult<Admission> {
        if !self.is_sold_out(flavor) {
            return Ok(Admission {
                status: begun(step).into(),
                queue: None,
                failing: self.planned(step),
            });
        }
        match step {
            _ if free => Ok(Admission {
                status: queued(step).into(),
                queue: Some(self.queue_place(now)),
                failing: None,
            }),
            Step::Start => Err(ApiError::new(
                code::START_CAPACITY,
                format!(
                    "No machine of the flavor '{flavor}' is available; start the instance again later."
                ),
            )),
            _ => Err(ApiError::new(
                code::SOLD_OUT,
                format!(
                    "The flavor '{flavor}' is sold out; choose another one or try again later."
                ),
            )),
        }
    }

    /// A new place at the end of a queue.
    pub(super) fn queue_place(&self, now: Millis) -> Queue {
        let place = millis(self.settings.durations.queue_place);
        Queue {
            since: now,
            until: now.saturating_add(place),
        }
    }

    /// Gives a queued instance its machine: it is now created or started.
    pub(super) fn grant(&mut self, seq: u64, now: Millis) {
        let creating = self
            .instances
            .get(&seq)
            .is_some_and(|instance| *instance.status() == queued(Step::Create));
        let step = if creating { Step::Create } else { Step::Start };
        let failing = self.planned(step);
        self.change(seq, now, |instance, durations| {
            instance.enter(begun(step), now, durations, failing);
        });
    }

    /// Sets the capacity, and gives new machines to the instances in the queues.
    pub(crate) fn set_capacity(&mut self, capacity: Capacity, now: Millis) {
        self.core.capacity = capacity;
        self.set_dirty(DirtyKey::Core);
        let waiting: Vec<String> = self.queues.keys().cloned().collect();
        for flavor in waiting {
            self.promote(&flavor, now);
        }
    }
}

/// The status in which an instance is created or started.
fn begun(step: Step) -> N {
    match step {
        Step::Create => N::Creating,
        _ => N::Starting,
    }
}

/// The status in which an instance waits for its machine.
fn queued(step: Step) -> D {
    match step {
        Step::Create => D::CreateQueuing,
        _ => D::StartQueuing,
    }
}
