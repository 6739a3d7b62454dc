//! The state machine of all waiters: from what was read, it decides whether the target is reached, whether to poll
//! again, or which action to send. It knows phases and times, but no requests.

use std::time::Duration;

use modelarts_client::{Action, Phase};

use super::plan::Plan;
use super::target::Meaning;
use crate::wait::{PollContext, Verdict};

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Execute(Action),
    Verdict(Verdict),
}

/// The service's response to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
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
pub(super) struct Moment {
    pub(super) context: PollContext,
    /// The last action of this client on the resource, other than its creation, and when it was accepted.
    pub(super) last_action: Option<(Action, Duration)>,
    /// When this client created it.
    pub(super) created: Option<Duration>,
}

/// The state machine: keeps what was seen and done so far to reach a target.
#[derive(Debug)]
pub(super) struct Reconciler {
    pub(super) plan: Plan,
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
    pub(super) fn new(plan: Plan) -> Self {
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
    pub(super) fn found(&mut self, phase: Phase, moment: &Moment) -> Step {
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
            Meaning::Failed => Verdict::Fail("is a failed state"),
            Meaning::Lost(why) => Verdict::Fail(why),
        };
        self.is_newer = true;
        Step::Verdict(verdict)
    }

    /// Handles a read that found no resource. `is_certain`: the service reports that this very resource does not
    /// exist. Returns `None` to keep the error.
    pub(super) fn not_found(&self, is_certain: bool, moment: &Moment) -> Option<Verdict> {
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
    pub(super) fn executed(
        &mut self,
        response: Response,
        phase: Phase,
        now: Duration,
    ) -> Option<Verdict> {
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

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::enums::{
        DataVolumeStatus, DevEnvInstanceStatus, ImageStatus, NotebookStatus,
    };

    use super::super::target::TargetState;
    use super::*;
    use crate::wait::PollPolicy;

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

    /// The statuses that the tables have a letter for. A status that is added to the document follows its entry
    /// there.
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
}
