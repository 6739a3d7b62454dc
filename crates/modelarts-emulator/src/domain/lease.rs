//! Leases: the countdown to the automatic stop, new generation.

use modelarts_client::devenviron::enums::{LeaseType, NotebookStatus};
use modelarts_client::devenviron::types::{self, LeaseReq};

use super::caller::At;
use super::model::{Generation, Instance, Lease};
use super::state::State;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The default duration of a lease.
const DEFAULT: Millis = 3_600_000;

/// The parameters of a request that set the lease.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requested<'a> {
    /// The separate duration, which takes precedence and makes the type `timing`.
    pub(crate) duration: Option<i64>,
    pub(crate) lease: Option<&'a LeaseReq>,
    /// The prefix of the lease's fields in the request, for errors.
    pub(crate) prefix: &'static str,
}

/// Returns the lease that a request sets, or `None` if it sets none.
pub(crate) fn requested(request: Requested<'_>, now: Millis) -> ApiResult<Option<Lease>> {
    let Requested {
        duration,
        lease,
        prefix,
    } = request;
    let kind = lease.and_then(|lease| lease.type_.as_ref());
    if let Some(kind) = kind.filter(|kind| kind.is_unknown()) {
        return Err(ApiError::value(
            &format!("{prefix}type"),
            format_args!("'{kind}' is neither timing nor idle"),
        ));
    }
    let requested = duration.or(lease.and_then(|lease| lease.duration));
    if requested.is_none() && kind.is_none() {
        return Ok(None);
    }
    let idle = duration.is_none() && kind.is_some_and(|kind| *kind == LeaseType::Idle);
    let (enabled, length) = match requested {
        Some(-1) => (false, DEFAULT),
        Some(length) => (true, length),
        None => (true, DEFAULT),
    };
    Ok(Some(Lease {
        enabled,
        idle,
        duration: length,
        since: now,
        updated: now,
    }))
}

/// Returns the lease of a notebook whose request sets none.
pub(crate) fn default(now: Millis) -> Lease {
    Lease {
        enabled: true,
        idle: false,
        duration: DEFAULT,
        since: now,
        updated: now,
    }
}

impl State {
    pub(crate) fn show_lease(&self, at: &At<'_>, id: &str) -> ApiResult<types::Lease> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        Ok(wire(instance))
    }

    pub(crate) fn renew_lease(
        &mut self,
        at: &At<'_>,
        id: &str,
        duration: Option<i64>,
        lease: Option<&LeaseReq>,
    ) -> ApiResult<types::Lease> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let request = Requested {
            duration,
            lease,
            prefix: "",
        };
        let renewed = match requested(request, now)? {
            Some(lease) => lease,
            None => default(now),
        };
        if *instance.status() == NotebookStatus::Frozen {
            return Err(ApiError::frozen());
        }
        if !instance.status().is_up() {
            return Err(ApiError::new(
                code::NOT_RUNNING,
                format!(
                    "The lease can be renewed while the instance is {}; it is {}.",
                    NotebookStatus::Running,
                    instance.status()
                ),
            ));
        }
        let seq = instance.seq;
        self.change(seq, now, |instance, _| {
            instance.lease = renewed;
            instance.updated = now;
            wire(instance)
        })
        .ok_or_else(ApiError::no_instance)
    }
}

/// Returns the lease as in a response, where its duration counts from the creation of the instance.
pub(crate) fn wire(instance: &Instance) -> types::Lease {
    let lease = &instance.lease;
    with_fields!(types::Lease {
        create_at: Some(instance.created),
        duration: Some(lease.ends().map_or(-1, |ends| ends - instance.created)),
        enable: Some(lease.enabled),
        type_: Some(if lease.idle { "IDLE" } else { "TIMING" }.into()),
        update_at: Some(lease.updated),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(duration: Option<i64>, lease: Option<&LeaseReq>) -> Requested<'_> {
        Requested {
            duration,
            lease,
            prefix: "lease.",
        }
    }

    #[test]
    fn the_separate_duration_takes_precedence_and_is_timing() {
        let lease = with_fields!(LeaseReq {
            duration: Some(7_200_000),
            type_: Some("IDLE".into()),
        });
        let both = requested(of(Some(3_600_000), Some(&lease)), 5)
            .unwrap()
            .unwrap();
        assert!(!both.idle && both.ends() == Some(3_600_005));
        let one = requested(of(None, Some(&lease)), 5).unwrap().unwrap();
        assert!(one.idle && one.ends() == Some(7_200_005));
    }

    #[test]
    fn minus_one_disables_the_lease() {
        let off = requested(of(Some(-1), None), 0).unwrap().unwrap();
        assert_eq!(off.ends(), None);
        assert!(requested(of(None, None), 0).unwrap().is_none());
    }
}
