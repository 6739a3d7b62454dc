//! Waiting for resources and acting on them: one state machine for everything that has a life cycle.
//!
//! The state machine is [`Reconciler`]. It takes the result of a read and decides whether the target is reached,
//! whether to poll again, or which action to send. It knows phases and times, but no requests. A waiter polls through a
//! [`Poller`], which reads the resource once per poll and passes the result to the machine.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use modelarts_client::{Action, ErrorCode, Open, OpenEnum, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::{Error, Result};
use crate::poll_status::Progress;
use crate::units::AutoStop;
use crate::wait::{PollContext, PollFn, Polled, Verdict, Waiter};

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

/// The target of a waiter: the phase in which an action ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    Active,
    Running,
    Stopped,
    Mounted,
    Unmounted,
    Deleted,
}

impl TargetState {
    fn action(self) -> Action {
        match self {
            Self::Active => Action::Create,
            Self::Running => Action::Start,
            Self::Stopped => Action::Stop,
            Self::Mounted => Action::Mount,
            Self::Unmounted => Action::Unmount,
            Self::Deleted => Action::Delete,
        }
    }

    fn is_gone(self) -> bool {
        matches!(self, Self::Unmounted | Self::Deleted)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Active => "to be ACTIVE",
            Self::Running => "to run",
            Self::Stopped => "to stop",
            Self::Mounted => "to be mounted",
            Self::Unmounted => "to be unmounted",
            Self::Deleted => "to be deleted",
        }
    }

    /// What a phase means for a waiter with this target.
    fn meaning(self, phase: Phase) -> Meaning {
        match phase {
            Phase::Gone if self.is_gone() => Meaning::Reached,
            Phase::Gone => Meaning::Lost("does not lead there"),
            Phase::Settled(ends) if ends.contains(&self.action()) => Meaning::Reached,
            Phase::Failed(repeatable) if repeatable.contains(&self.action()) => Meaning::Failed,
            // A resource in any other phase can be deleted.
            _ if self.is_gone() => Meaning::OnTheWay,
            Phase::Ending(_) => Meaning::Lost("does not lead there"),
            Phase::Failed(_) => Meaning::Lost("ends it"),
            Phase::Settled([]) => Meaning::Lost("does not change by itself"),
            // The end of its lease stops a running resource, too.
            Phase::Settled(ends) if ends.contains(&Action::Start) => Meaning::OnTheWay,
            Phase::Settled(_) => Meaning::AtRest,
            _ => Meaning::OnTheWay,
        }
    }
}

/// What a phase means for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Reached,
    OnTheWay,
    /// The action that leads to the target was not started, or the read is older than the action.
    AtRest,
    /// The action that leads to the target failed, or the read shows a failure from before it.
    Failed,
    /// The target cannot be reached from here.
    Lost(&'static str),
}

/// What to do to reach a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    target: TargetState,
    /// Whether to send the necessary actions instead of only waiting.
    acts: bool,
    auto_stop: Option<AutoStop>,
    /// Whether a resource must be stopped before it is deleted.
    stop_first: bool,
}

impl Plan {
    /// Waits for an action that is already under way.
    pub(crate) fn wait(target: TargetState) -> Self {
        Self {
            target,
            acts: false,
            auto_stop: None,
            stop_first: false,
        }
    }

    /// Sends the necessary actions, and waits for them.
    pub(crate) fn ensure(target: TargetState) -> Self {
        Self {
            acts: true,
            ..Self::wait(target)
        }
    }

    /// Sets when a started resource is stopped again.
    pub(crate) fn auto_stop(mut self, auto_stop: AutoStop) -> Self {
        self.auto_stop = Some(auto_stop);
        self
    }

    /// Stops a running resource before deleting it.
    pub(crate) fn stop_first(mut self) -> Self {
        self.stop_first = true;
        self
    }
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

/// The waiter that carries out a plan.
pub(crate) fn waiter<R: Lifecycle, O: FromLastPoll<R>>(
    client: &ModelArts,
    key: R::Key,
    plan: Plan,
) -> Waiter<R, O> {
    let mut settings = client.poll_settings();
    if plan.acts {
        settings.policy = settings.policy.initial_delay(Duration::ZERO);
    }
    let target = format!("{} {key} {}", R::NOUN, plan.target.name());
    let poller = Poller::<R> {
        client: client.clone(),
        key,
        reconciler: Reconciler::new(plan),
        resource: PhantomData,
    };
    Waiter::new(target, settings, poller, O::of)
}

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Execute(Action),
    Verdict(Verdict),
}

/// The service's response to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Response {
    Accepted,
    /// The resource does not exist.
    Absent,
    /// It must be stopped first.
    MustStop,
    /// It is busy, or already in that state.
    Conflict,
    Error,
}

/// The circumstances of a read that the reconciler takes into account.
#[derive(Clone, Debug)]
struct Moment {
    context: PollContext,
    /// The last action of this client on the resource, other than its creation, and when it was accepted.
    last_action: Option<(Action, Duration)>,
    /// When this client created it.
    created: Option<Duration>,
}

/// The state machine: keeps what was seen and done so far to reach a target.
#[derive(Debug)]
struct Reconciler {
    plan: Plan,
    /// The number of accepted actions.
    executed: u32,
    /// The phase in which the last action was accepted, and when.
    last: Option<(Phase, Duration)>,
    /// Whether the resource was found at least once.
    was_found: bool,
    /// Whether a read has shown something that must be newer than the awaited action.
    is_newer: bool,
    /// The time of the action of this client whose effect a read has shown.
    shown: Option<Duration>,
}

/// The limit on actions, so that an action without effect is not repeated forever.
const MAX_ACTIONS: u32 = 4;

impl Reconciler {
    fn new(plan: Plan) -> Self {
        Self {
            plan,
            executed: 0,
            last: None,
            was_found: false,
            is_newer: false,
            shown: None,
        }
    }

    /// Handles a read that found the resource in this phase.
    fn found(&mut self, phase: Phase, moment: &Moment) -> Step {
        self.was_found = true;
        let is_old = self.shows_what_was_before(phase, moment);
        if self.plan.acts {
            if let Some((before, at)) = self.last
                && before == phase
                && moment.context.may_lag_behind(at)
            {
                return Step::Verdict(Verdict::Wait);
            }
            match self.needed(phase) {
                Some(action) if self.executed < MAX_ACTIONS => return Step::Execute(action),
                // An action may still take effect, or someone else may undo a start: poll until the deadline.
                Some(_) => return Step::Verdict(Verdict::Wait),
                None => {}
            }
        }
        // If the plan sends actions, only reads from before such an action can lag; that was checked above.
        let may_lag = !self.plan.acts && moment.context.may_lag();
        let verdict = match self.plan.target.meaning(phase) {
            Meaning::AtRest if may_lag => return Step::Verdict(Verdict::Wait),
            Meaning::Failed if may_lag && !self.is_newer => return Step::Verdict(Verdict::Wait),
            Meaning::Reached if !is_old => Verdict::Done,
            Meaning::Reached | Meaning::OnTheWay => Verdict::Wait,
            Meaning::AtRest => Verdict::Fail("does not change by itself"),
            Meaning::Failed => Verdict::Fail("ends it"),
            Meaning::Lost(why) => Verdict::Fail(why),
        };
        self.is_newer = true;
        Step::Verdict(verdict)
    }

    /// Handles a read that found no resource. `is_certain`: the service reports that this very resource does not exist.
    /// Returns `None` to keep the error.
    fn not_found(&self, is_certain: bool, moment: &Moment) -> Option<Verdict> {
        let is_gone = self.plan.target.is_gone();
        let is_new = || {
            let created = moment.created;
            created.is_some_and(|at| moment.context.may_lag_behind(at))
        };
        match self.plan.acts {
            true if is_certain && !self.was_found && is_new() => Some(Verdict::Wait),
            false if !is_gone && moment.context.may_lag() => Some(Verdict::Wait),
            _ if is_gone && is_certain => Some(Verdict::Done),
            _ => None,
        }
    }

    /// Handles the response to an action that was sent in this phase. Returns `None` to keep its error.
    fn executed(&mut self, response: Response, phase: Phase, now: Duration) -> Option<Verdict> {
        match response {
            Response::Accepted => {
                self.executed += 1;
                self.last = Some((phase, now));
            }
            Response::Absent if self.plan.target.is_gone() => return Some(Verdict::Done),
            Response::MustStop => self.plan.stop_first = true,
            // The resource has changed since the read: poll again, then compare.
            Response::Conflict => {}
            Response::Absent | Response::Error => return None,
        }
        Some(Verdict::Wait)
    }

    /// The next action to send in a phase; `None` if there is none, or none is needed.
    fn needed(&self, phase: Phase) -> Option<Action> {
        let Plan {
            target, stop_first, ..
        } = self.plan;
        let action = target.action();
        let is_gone = target.is_gone();
        match phase {
            Phase::Gone | Phase::Ending(_) => None,
            // Try it once more.
            Phase::Failed(repeatable) if repeatable.contains(&action) => {
                (self.executed == 0).then_some(action)
            }
            Phase::Settled(ends) if ends.contains(&action) => None,
            Phase::Settled(ends) if is_gone && stop_first && ends.contains(&Action::Start) => {
                Some(Action::Stop)
            }
            Phase::Transient(_) if stop_first => None,
            _ if is_gone => Some(action),
            Phase::Settled([_, ..]) => Some(action),
            _ => None,
        }
    }

    /// Whether a phase may be the one from before a recent action of this client.
    fn shows_what_was_before(&mut self, phase: Phase, moment: &Moment) -> bool {
        let Some((action, at)) = moment.last_action else {
            return false;
        };
        if self.shown == Some(at) || !moment.context.may_lag_behind(at) {
            return false;
        }
        let is_old = match phase {
            // A restart ends where it began.
            Phase::Settled(ends) => ends.contains(&action) == (action == Action::Restart),
            _ => false,
        };
        if !is_old {
            self.shown = Some(at);
        }
        is_old
    }
}

/// Reads a resource and sends the actions that the reconciler decides on.
struct Poller<R: Lifecycle> {
    client: ModelArts,
    key: R::Key,
    reconciler: Reconciler,
    resource: PhantomData<fn() -> R>,
}

impl<R: Lifecycle> PollFn<R> for Poller<R> {
    fn poll(&mut self, context: PollContext) -> BoxFuture<'_, Result<Polled<R>>> {
        Box::pin(self.poll_once(context))
    }
}

impl<R: Lifecycle> Poller<R> {
    async fn poll_once(&mut self, context: PollContext) -> Result<Polled<R>> {
        let client = self.client.for_poll(context.left);
        let read = R::show(client.clone(), self.key.clone()).await;
        let moment = self.moment(context);
        let resource = match read {
            Ok(resource) => resource,
            Err(error) if error.is_not_found() => {
                let is_certain = error.is_absence(R::ABSENT);
                let verdict = self.reconciler.not_found(is_certain, &moment);
                return verdict.map(Polled::absent).ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let phase = resource.phase();
        let (verdict, refusal) = match self.reconciler.found(phase, &moment) {
            Step::Verdict(verdict) => (verdict, None),
            Step::Execute(action) => self.execute(client, action, phase).await?,
        };
        let status = resource.status();
        Ok(Polled {
            fail_reason: resource.fail_reason(),
            progress: resource.progress(),
            missing: resource.missing(),
            refusal,
            ..Polled::new(resource, status, verdict)
        })
    }

    async fn execute(
        &mut self,
        client: ModelArts,
        action: Action,
        phase: Phase,
    ) -> Result<(Verdict, Option<Error>)> {
        let auto_stop = self.reconciler.plan.auto_stop;
        let result = R::execute(client, self.key.clone(), action, auto_stop).await;
        let response = match &result {
            Ok(()) => Response::Accepted,
            Err(error) if error.is_absence(R::ABSENT) => Response::Absent,
            Err(error) if error.code() == Some(&ErrorCode::MODELARTS_6304) => Response::MustStop,
            Err(error) if error.is_conflict() || error.is_already_in_state() => Response::Conflict,
            Err(_) => Response::Error,
        };
        let now = self.client.clock().elapsed();
        match self.reconciler.executed(response, phase, now) {
            // If nothing is left to delete, the error of the deletion is not a refusal.
            Some(Verdict::Done) => Ok((Verdict::Done, None)),
            Some(verdict) => Ok((verdict, result.err())),
            None => result.map(|()| (Verdict::Wait, None)),
        }
    }

    fn moment(&self, context: PollContext) -> Moment {
        let id = self.key.to_string();
        let last = |fits: fn(Action) -> bool| self.client.last_action(&id, fits);
        Moment {
            context,
            last_action: last(|action| action != Action::Create),
            created: last(|action| action == Action::Create).map(|(_, at)| at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use futures::{StreamExt, TryStreamExt};
    use modelarts_client::devenviron::enums::{
        DataVolumeStatus, DevEnvInstanceStatus, ImageStatus, NotebookStatus,
    };

    use super::*;
    use crate::wait::PollPolicy;
    use crate::{Credentials, ManualClock};

    /// A moment this long after the waiting began, within the read lag unless changed.
    fn at(seconds: u64) -> Moment {
        let context = PollContext {
            now: Duration::from_secs(1000 + seconds),
            began: Duration::from_secs(1000),
            left: Duration::from_secs(600),
            policy: PollPolicy::default(),
        };
        Moment {
            context,
            last_action: None,
            created: None,
        }
    }

    const LATE: u64 = 31;

    /// `w`ait, `d`one or `f`ail; `s`tart, `S`top, `D`elete or `U`nmount.
    fn letter(step: Step) -> char {
        match step {
            Step::Verdict(Verdict::Wait) => 'w',
            Step::Verdict(Verdict::Done) => 'd',
            Step::Verdict(Verdict::Fail(_)) => 'f',
            Step::Execute(Action::Start) => 's',
            Step::Execute(Action::Stop) => 'S',
            Step::Execute(Action::Delete) => 'D',
            Step::Execute(Action::Unmount) => 'U',
            Step::Execute(_) => '?',
        }
    }

    /// The step of a plan for each status of a kind, one letter each, in the document's order.
    fn letters(
        phases: &[Phase],
        plan: Plan,
        moment: &Moment,
        prepare: fn(&mut Reconciler),
    ) -> String {
        let of = |phase: &Phase| {
            let mut reconciler = Reconciler::new(plan);
            prepare(&mut reconciler);
            letter(reconciler.found(*phase, moment))
        };
        phases.iter().map(of).collect()
    }

    /// The statuses that the tables have a letter for. A status that is added to the document follows its entry there.
    const NOTEBOOK: [&str; 14] = [
        "INIT",
        "CREATING",
        "STARTING",
        "STOPPING",
        "DELETING",
        "RUNNING",
        "STOPPED",
        "SNAPSHOTTING",
        "CREATE_FAILED",
        "START_FAILED",
        "DELETE_FAILED",
        "ERROR",
        "DELETED",
        "FROZEN",
    ];

    fn notebook() -> Vec<Phase> {
        NOTEBOOK.map(|it| NotebookStatus::from(it).phase()).to_vec()
    }

    fn plain(_: &mut Reconciler) {}

    fn newer(reconciler: &mut Reconciler) {
        reconciler.is_newer = true;
    }

    #[test]
    fn the_statuses_of_the_tables_are_listed() {
        for status in NOTEBOOK {
            assert!(NotebookStatus::values().contains(&status), "{status}");
        }
    }

    #[test]
    fn what_each_status_means_to_who_waits() {
        let running = Plan::wait(TargetState::Running);
        let stopped = Plan::wait(TargetState::Stopped);
        let deleted = Plan::wait(TargetState::Deleted);
        let of = |plan, seconds, prepare| letters(&notebook(), plan, &at(seconds), prepare);
        // Right after the waiting began, a state that may be from before the action is polled through.
        assert_eq!(of(running, 0, plain), "wwwwfdwwfwffff");
        assert_eq!(of(running, LATE, plain), "wwwwfdfwffffff");
        assert_eq!(of(running, 0, newer), "wwwwfdwwffffff");
        assert_eq!(of(stopped, 0, plain), "wwwwfwdwffffff");
        assert_eq!(of(stopped, LATE, plain), "wwwwfwdwffffff");
        assert_eq!(of(deleted, 0, plain), "wwwwwwwwwwwwdw");
        assert_eq!(of(deleted, LATE, plain), "wwwwwwwwwwfwdw");
        assert_eq!(of(deleted, 0, newer), "wwwwwwwwwwfwdw");
    }

    #[test]
    fn what_is_done_about_each_status() {
        let of = |plan, prepare| letters(&notebook(), plan, &at(0), prepare);
        let once: fn(&mut Reconciler) = |reconciler| reconciler.executed = 1;
        let often: fn(&mut Reconciler) = |reconciler| reconciler.executed = MAX_ACTIONS;
        let running = Plan::ensure(TargetState::Running);
        assert_eq!(of(running, plain), "wwwwfdswfsffff");
        assert_eq!(of(running, once), "wwwwfdswffffff");
        assert_eq!(of(running, often), "wwwwfdwwffffff");
        let stopped = Plan::ensure(TargetState::Stopped);
        assert_eq!(of(stopped, plain), "wwwwfSdwffffff");
        let deleted = Plan::ensure(TargetState::Deleted);
        assert_eq!(of(deleted, plain), "DDDDwDDDDDDDdD");
        assert_eq!(of(deleted, once), "DDDDwDDDDDfDdD");
        assert_eq!(of(deleted, often), "wwwwwwwwwwfwdw");
        assert_eq!(of(deleted.stop_first(), plain), "wwwwwSDwDDDDdD");
    }

    #[test]
    fn other_kinds_of_resources_use_the_same_machine() {
        let of = |phases: &[Phase], plan| letters(phases, plan, &at(0), plain);
        let instance = [
            "CREATING",
            "CREATE_FAILED",
            "STARTING",
            "RESTARTING",
            "START_FAILED",
            "RUNNING",
            "STOPPING",
            "STOPPED",
            "UNAVAILABLE",
            "DELETED",
            "RESIZING",
            "RESIZE_FAILED",
            "CREATE_QUEUING",
            "START_QUEUING",
            "REBOOTING",
            "ACTIVE",
        ]
        .map(|it| DevEnvInstanceStatus::from(it).phase());
        assert_eq!(
            of(&instance, Plan::wait(TargetState::Running)),
            "wfwwwdwwffwfwwwd"
        );
        let image = [
            "INIT",
            "CREATING",
            "CREATE_FAILED",
            "ERROR",
            "DELETED",
            "ACTIVE",
        ]
        .map(|it| ImageStatus::from(it).phase());
        assert_eq!(of(&image, Plan::wait(TargetState::Active)), "wwfffd");
        assert_eq!(of(&image, Plan::ensure(TargetState::Deleted)), "DDDDdD");
        let mount = [
            "MOUNTING",
            "MOUNT_FAILED",
            "MOUNTED",
            "UNMOUNTING",
            "UNMOUNT_FAILED",
            "UNMOUNTED",
        ]
        .map(|it| DataVolumeStatus::from(it).phase());
        assert_eq!(of(&mount, Plan::wait(TargetState::Mounted)), "wfdfff");
        assert_eq!(of(&mount, Plan::wait(TargetState::Unmounted)), "wwwwwd");
        assert_eq!(of(&mount, Plan::ensure(TargetState::Unmounted)), "UUUwUd");
    }

    #[test]
    fn an_unknown_status_is_waited_out_and_can_be_deleted() {
        for (plan, expected) in [
            (Plan::wait(TargetState::Running), "w"),
            (Plan::ensure(TargetState::Running), "w"),
            (Plan::ensure(TargetState::Stopped), "w"),
            (Plan::ensure(TargetState::Deleted), "D"),
        ] {
            let found = letters(&[Phase::Unknown], plan, &at(LATE), plain);
            assert_eq!(found, expected, "{plan:?}");
        }
    }

    #[test]
    fn a_failure_after_something_newer_was_seen_is_one() {
        let mut reconciler = Reconciler::new(Plan::wait(TargetState::Running));
        let mut found = |status: &str, seconds| {
            letter(reconciler.found(NotebookStatus::from(status).phase(), &at(seconds)))
        };
        assert_eq!(found("START_FAILED", 10), 'w');
        assert_eq!(found("STOPPED", 20), 'w');
        assert_eq!(found("STARTING", 20), 'w');
        // A resource at rest may still be older than the start; a failed one is not.
        assert_eq!(found("STOPPED", 30), 'w');
        assert_eq!(found("START_FAILED", 30), 'f');
    }

    #[test]
    fn a_read_from_before_an_accepted_action_is_no_reason_for_another() {
        let mut reconciler = Reconciler::new(Plan::ensure(TargetState::Running));
        let stopped = NotebookStatus::Stopped.phase();
        assert_eq!(letter(reconciler.found(stopped, &at(0))), 's');
        let accepted_at = Duration::from_secs(1001);
        let verdict = reconciler.executed(Response::Accepted, stopped, accepted_at);
        assert_eq!(verdict, Some(Verdict::Wait));
        assert_eq!(letter(reconciler.found(stopped, &at(31))), 'w');
        assert_eq!(letter(reconciler.found(stopped, &at(32))), 's');
    }

    #[test]
    fn a_read_from_before_an_action_of_this_client_does_not_reach_the_target() {
        for (action, status, target) in [
            (Action::Start, "STOPPED", TargetState::Stopped),
            (Action::Stop, "RUNNING", TargetState::Running),
            (Action::Restart, "RUNNING", TargetState::Running),
            (Action::Delete, "RUNNING", TargetState::Running),
            (Action::Delete, "STOPPED", TargetState::Stopped),
        ] {
            let phase = DevEnvInstanceStatus::from(status).phase();
            let mut moment = at(10);
            moment.last_action = Some((action, Duration::from_secs(1005)));
            for plan in [Plan::wait(target), Plan::ensure(target)] {
                let mut reconciler = Reconciler::new(plan);
                let mut found = |phase, moment| letter(reconciler.found(phase, moment));
                assert_eq!(found(phase, &moment), 'w', "{action:?}");
                let mut late = at(60);
                late.last_action = moment.last_action;
                assert_eq!(found(phase, &late), 'd', "{action:?}: too long ago");
                // Once another state was seen, a read no longer lags behind.
                let mut reconciler = Reconciler::new(plan);
                reconciler.found(Phase::Unknown, &moment);
                assert_eq!(letter(reconciler.found(phase, &moment)), 'd', "{action:?}");
            }
        }
    }

    #[test]
    fn what_was_not_found() {
        use Verdict::{Done, Wait};

        let new = |seconds| Moment {
            created: Some(Duration::from_secs(1000)),
            ..at(seconds)
        };
        let running = TargetState::Running;
        let deleted = TargetState::Deleted;
        for (plan, is_certain, moment, expected) in [
            // A plan that only waits may be too early for a resource that is being created.
            (Plan::wait(running), false, at(30), Some(Wait)),
            (Plan::wait(running), true, at(LATE), None),
            (Plan::wait(deleted), true, at(0), Some(Done)),
            (Plan::wait(deleted), false, at(0), None),
            // A plan that acts trusts the read, unless this client has just created the resource.
            (Plan::ensure(running), true, at(0), None),
            (Plan::ensure(running), true, new(30), Some(Wait)),
            (Plan::ensure(running), true, new(LATE), None),
            (Plan::ensure(running), false, new(0), None),
            (Plan::ensure(deleted), true, at(0), Some(Done)),
            (Plan::ensure(deleted), false, at(0), None),
            (Plan::ensure(deleted), true, new(0), Some(Wait)),
        ] {
            let reconciler = Reconciler::new(plan);
            let verdict = reconciler.not_found(is_certain, &moment);
            assert_eq!(verdict, expected, "{plan:?} {is_certain}");
        }
        let mut reconciler = Reconciler::new(Plan::ensure(deleted));
        reconciler.found(Phase::Unknown, &new(0));
        assert_eq!(reconciler.not_found(true, &new(0)), Some(Done));
    }

    #[test]
    fn what_the_service_says_about_an_action() {
        use Verdict::{Done, Wait};

        let plans = [TargetState::Stopped, TargetState::Deleted].map(Plan::ensure);
        for (response, expected) in [
            (Response::Accepted, [Some(Wait), Some(Wait)]),
            (Response::Absent, [None, Some(Done)]),
            (Response::MustStop, [Some(Wait), Some(Wait)]),
            (Response::Conflict, [Some(Wait), Some(Wait)]),
            (Response::Error, [None, None]),
        ] {
            let verdicts = plans.map(|plan| {
                let mut reconciler = Reconciler::new(plan);
                let verdict = reconciler.executed(response, Phase::Unknown, Duration::ZERO);
                let accepted = u32::from(response == Response::Accepted);
                assert_eq!(reconciler.executed, accepted, "{response:?}");
                let must_stop = response == Response::MustStop;
                assert_eq!(reconciler.plan.stop_first, must_stop, "{response:?}");
                verdict
            });
            assert_eq!(verdicts, expected, "{response:?}");
        }
    }

    #[test]
    fn without_time_to_lag_every_read_counts() {
        let mut moment = at(0);
        moment.context.policy = PollPolicy::default().read_lag(Duration::ZERO);
        moment.last_action = Some((Action::Stop, Duration::from_secs(1000)));
        moment.created = moment.last_action.map(|(_, at)| at);
        let running = Plan::wait(TargetState::Running);
        assert_eq!(
            letters(&notebook(), running, &moment, plain),
            "wwwwfdfwffffff"
        );
        for plan in [running, Plan::ensure(TargetState::Running)] {
            assert_eq!(Reconciler::new(plan).not_found(true, &moment), None);
        }
    }

    /// A service with one robot, which responds as scripted and records the actions it receives.
    #[derive(Clone)]
    struct Service(Arc<Mutex<Script>>);

    struct Script {
        /// A status, or `code: message` of an error; the last one is repeated.
        reads: VecDeque<&'static str>,
        /// How often it was read.
        polls: u32,
        /// The responses to actions; an action without a script is accepted.
        responses: VecDeque<&'static str>,
        actions: Vec<Action>,
    }

    #[derive(Debug)]
    struct Robot(&'static str);

    impl fmt::Display for Service {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("r1")
        }
    }

    impl Service {
        fn new(reads: &[&'static str], responses: &[&'static str]) -> Self {
            Self(Arc::new(Mutex::new(Script {
                reads: reads.iter().copied().collect(),
                polls: 0,
                responses: responses.iter().copied().collect(),
                actions: Vec::new(),
            })))
        }

        fn actions(&self) -> Vec<Action> {
            self.0.lock().unwrap().actions.clone()
        }
    }

    fn refusal(status: u16, code: &str) -> Error {
        let body = serde_json::json!({"error_code": code, "error_msg": "no"});
        let status = http::StatusCode::from_u16(status).unwrap();
        let body = body.to_string().into();
        Error::from_status(status, http::HeaderMap::new(), body, None, &[])
    }

    impl Lifecycle for Robot {
        type Key = Service;

        const NOUN: &'static str = "robot";
        const ABSENT: &'static [ErrorCode] = &[ErrorCode::MODELARTS_6309];

        fn show(_: ModelArts, key: Service) -> BoxFuture<'static, Result<Self>> {
            let mut script = key.0.lock().unwrap();
            script.polls += 1;
            assert!(script.polls < 1000, "polled without end");
            let read = match script.reads.len() {
                1 => script.reads[0],
                _ => script.reads.pop_front().unwrap(),
            };
            Box::pin(ready(match read {
                code if code.starts_with("ModelArts.") => Err(refusal(400, code)),
                "gateway" => Err(refusal(503, "")),
                status => Ok(Self(status)),
            }))
        }

        fn execute(
            _: ModelArts,
            key: Service,
            action: Action,
            _: Option<AutoStop>,
        ) -> BoxFuture<'static, Result<()>> {
            let mut script = key.0.lock().unwrap();
            script.actions.push(action);
            let response = script.responses.pop_front();
            Box::pin(ready(
                response.map_or(Ok(()), |code| Err(refusal(400, code))),
            ))
        }

        fn phase(&self) -> Phase {
            NotebookStatus::from(self.0).phase()
        }

        fn status(&self) -> String {
            self.0.to_owned()
        }

        fn fail_reason(&self) -> Option<String> {
            self.0.ends_with("FAILED").then(|| "no disk".to_owned())
        }

        fn progress(&self) -> Option<Progress> {
            (self.0 == "STARTING").then_some(Progress {
                done: 1,
                total: 3,
                step: None,
            })
        }

        fn missing(&self) -> Option<String> {
            (self.0 == "STARTING").then(|| "its arm is not ready".to_owned())
        }
    }

    async fn client(clock: &ManualClock) -> ModelArts {
        ModelArts::builder()
            .endpoint("http://127.0.0.1:1")
            .project_id("p1")
            .credentials(Credentials::token("t1"))
            .clock(clock.clone())
            .build()
            .await
            .unwrap()
    }

    async fn robot(plan: Plan, service: &Service) -> Result<Robot> {
        let client = client(&ManualClock::default()).await;
        waiter(&client, service.clone(), plan).await
    }

    async fn gone(plan: Plan, service: &Service) -> Result<()> {
        let client = client(&ManualClock::default()).await;
        waiter::<Robot, ()>(&client, service.clone(), plan).await
    }

    #[tokio::test]
    async fn what_is_ensured_is_read_at_once_and_returned_at_last() {
        let clock = ManualClock::default();
        let client = client(&clock).await;
        let service = Service::new(&["STOPPED", "STARTING", "RUNNING"], &[]);
        let plan = Plan::ensure(TargetState::Running);
        let robot: Robot = waiter(&client, service.clone(), plan).await.unwrap();
        assert_eq!(robot.0, "RUNNING");
        assert_eq!(service.actions(), [Action::Start]);
        assert_eq!(clock.sleeps(), [10, 10].map(Duration::from_secs));
    }

    #[tokio::test]
    async fn an_error_names_resource_target_and_reason() {
        let waits = [
            (TargetState::Active, "robot r1 to be ACTIVE"),
            (TargetState::Running, "robot r1 to run"),
            (TargetState::Stopped, "robot r1 to stop"),
            (TargetState::Mounted, "robot r1 to be mounted"),
        ];
        for (target, shown) in waits {
            let service = Service::new(&["CREATE_FAILED"], &[]);
            let error = robot(Plan::ensure(target), &service).await.unwrap_err();
            let expected = format!("waiting for {shown}: CREATE_FAILED ends it: no disk");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }

    #[tokio::test]
    async fn events_tell_what_each_read_showed() {
        let client = client(&ManualClock::default()).await;
        let service = Service::new(&["ModelArts.6309", "gateway", "STARTING", "RUNNING"], &[]);
        let plan = Plan::wait(TargetState::Running);
        let waiter: Waiter<Robot> = waiter(&client, service, plan);
        let events: Vec<_> = waiter.events().try_collect().await.unwrap();
        let statuses: Vec<_> = events.iter().map(|event| &*event.status.status).collect();
        // A failure of a gateway is not a successful poll.
        assert_eq!(statuses, ["not found", "STARTING", "RUNNING"]);
        let starting = &events[1].status;
        assert_eq!(starting.progress.as_ref().unwrap().total, 3);
        assert_eq!(starting.missing.as_deref(), Some("its arm is not ready"));
        assert!(events[0].resource.is_none() && events[2].resource.is_some());
    }

    #[tokio::test]
    async fn what_is_gone_is_reported_as_gone() {
        let client = client(&ManualClock::default()).await;
        let service = Service::new(&["STOPPED", "DELETING", "ModelArts.6309"], &[]);
        let plan = Plan::ensure(TargetState::Deleted);
        let waiter: Waiter<Robot, ()> = waiter(&client, service.clone(), plan);
        let last = waiter
            .events()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .await;
        let last = &last.last().unwrap().status.status;
        assert_eq!(
            (last.as_str(), service.actions()),
            ("gone", vec![Action::Delete])
        );
        let service = Service::new(&["STOPPED", "ModelArts.6309"], &[]);
        gone(plan, &service).await.unwrap();
        // A waiter for a running resource has no result to return.
        let service = Service::new(&["STOPPED", "ModelArts.6309"], &[]);
        let error = robot(Plan::ensure(TargetState::Running), &service).await;
        assert!(error.unwrap_err().is_not_found());
    }

    #[tokio::test]
    async fn a_deletion_that_finds_nothing_is_done_and_any_other_refusal_is_an_error() {
        let plan = Plan::ensure(TargetState::Deleted);
        let service = Service::new(&["STOPPED"], &["ModelArts.6309"]);
        gone(plan, &service).await.unwrap();
        // No permission; a lack of money; another resource than this one.
        for code in ["ModelArts.7003", "ModelArts.6326", "ModelArts.6404"] {
            let service = Service::new(&["STOPPED"], &[code]);
            let error = gone(plan, &service).await.unwrap_err();
            assert_eq!(error.code().unwrap().as_str(), code);
            assert_eq!(service.actions(), [Action::Delete]);
        }
    }

    #[tokio::test]
    async fn what_must_stop_before_its_deletion_is_stopped() {
        let service = Service::new(
            &[
                "RUNNING",
                "RUNNING",
                "STOPPING",
                "STOPPED",
                "ModelArts.6309",
            ],
            &["ModelArts.6304"],
        );
        gone(Plan::ensure(TargetState::Deleted), &service)
            .await
            .unwrap();
        let actions = [Action::Delete, Action::Stop, Action::Delete];
        assert_eq!(service.actions(), actions);
    }

    #[tokio::test]
    async fn a_conflict_is_polled_through_and_kept_as_the_cause_of_a_timeout() {
        // A conflict of names; another operation that is under way.
        for code in ["ModelArts.6343", "ModelArts.6357"] {
            let service = Service::new(&["STOPPED", "STARTING", "RUNNING"], &[code]);
            robot(Plan::ensure(TargetState::Running), &service)
                .await
                .unwrap();
            let client = client(&ManualClock::default()).await;
            let service = Service::new(&["STOPPED"], &[code; 100]);
            let plan = Plan::ensure(TargetState::Running);
            let waiter: Waiter<Robot> = waiter(&client, service, plan);
            let error = waiter.deadline(Duration::from_secs(60)).await.unwrap_err();
            assert_eq!(error.cause().unwrap().code().unwrap().as_str(), code);
            assert!(
                error.to_string().contains("; the last refusal: HTTP 400"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn what_this_client_did_before_explains_an_old_read() {
        let client = client(&ManualClock::default()).await;
        let polls = |service, plan| {
            let waiter: Waiter<Robot> = waiter(&client, service, plan);
            waiter.events().try_fold(0, |polls, _| ready(Ok(polls + 1)))
        };
        // Created a moment ago: the read does not know it yet.
        client.note("r1", Action::Create);
        let service = Service::new(&["ModelArts.6309", "STOPPED", "RUNNING"], &[]);
        let started = polls(service.clone(), Plan::ensure(TargetState::Running)).await;
        assert_eq!(
            (started.unwrap(), service.actions()),
            (3, vec![Action::Start])
        );
        // Stopped a moment ago: RUNNING is from before the stop, not from a start by someone else.
        client.note("r1", Action::Stop);
        let service = Service::new(&["RUNNING", "STARTING", "RUNNING"], &[]);
        let running = polls(service, Plan::wait(TargetState::Running)).await;
        assert_eq!(running.unwrap(), 3);
    }

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
