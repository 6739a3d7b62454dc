//! What notebooks and old instances have in common: they run, stop and go, and one waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::{Error, Result};
use crate::units::AutoStop;
use crate::wait::{Look, Progress, Verdict, Waiter};

/// A resource with a life cycle.
pub(crate) trait Machine: Send + Sync + 'static {
    type Resource: Send + 'static;

    fn show(client: ModelArts, id: String) -> BoxFuture<'static, Result<Self::Resource>>;
    /// `auto_stop` is for a start; without it the service's default holds.
    fn act(
        client: ModelArts,
        id: String,
        action: Action,
        auto_stop: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>>;
    fn phase(resource: &Self::Resource) -> Phase;
    fn status(resource: &Self::Resource) -> String;
    fn fail_reason(resource: &Self::Resource) -> Option<String>;
    fn progress(resource: &Self::Resource) -> Option<Progress>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Start,
    Stop,
    Delete,
}

/// Where a machine is, whatever its generation calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Under way, and it will run or fail.
    Starting,
    Running,
    Stopping,
    Stopped,
    Deleting,
    Gone,
    StartFailed,
    DeleteFailed,
    /// Failed in a way that no action of ours mends.
    Failed,
    Frozen,
    /// Newer than this crate.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Running,
    Stopped,
    Gone,
}

/// What to do about a phase, when the goal is to be reached and not only waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Act(Action),
    Verdict(&'static Verdict),
}

const NOT_BY_ITSELF: Verdict = Verdict::Fail("does not change by itself");
const ENDS: Verdict = Verdict::Fail("leads elsewhere");

impl Goal {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "to run",
            Self::Stopped => "to stop",
            Self::Gone => "to be deleted",
        }
    }

    /// Whether to go on waiting. Right after an operation was accepted, a read may show the phase from before it.
    fn verdict(self, phase: Phase) -> &'static Verdict {
        use Phase::*;
        match (self, phase) {
            (Self::Running, Running) | (Self::Stopped, Stopped) | (Self::Gone, Gone) => {
                &Verdict::Done
            }
            (Self::Running, Starting | Stopping | Unknown) => &Verdict::Wait,
            (Self::Running, Stopped | Frozen) => &NOT_BY_ITSELF,
            (Self::Stopped, Running | Starting | Stopping | Unknown) => &Verdict::Wait,
            (Self::Stopped, Frozen) => &NOT_BY_ITSELF,
            (Self::Gone, DeleteFailed) => &Verdict::Fail("ends it"),
            (Self::Gone, _) => &Verdict::Wait,
            (_, Deleting | Gone) => &ENDS,
            (_, StartFailed | DeleteFailed | Failed) => &Verdict::Fail("ends it"),
        }
    }

    /// What to do next. `acts` is the number of accepted actions; one that has no effect is not repeated for ever.
    fn step(self, phase: Phase, acts: u32, stop_first: bool) -> Step {
        use Phase::*;
        let action = match (self, phase) {
            (Self::Running, Stopped) => Some(Action::Start),
            (Self::Running, StartFailed) if acts == 0 => Some(Action::Start),
            (Self::Stopped, Running) => Some(Action::Stop),
            (Self::Gone, Running) if stop_first => Some(Action::Stop),
            (Self::Gone, Starting | Stopping) if stop_first => None,
            (Self::Gone, DeleteFailed) if acts > 0 => None,
            (Self::Gone, Gone | Deleting) => None,
            (Self::Gone, _) => Some(Action::Delete),
            _ => None,
        };
        match action {
            Some(action) if acts < MAX_ACTS => Step::Act(action),
            // An action may still take effect, or a start be undone by somebody else: see until the deadline.
            Some(_) => Step::Verdict(&Verdict::Wait),
            None => Step::Verdict(self.verdict(phase)),
        }
    }
}

const MAX_ACTS: u32 = 4;

/// "Stop the instance before deleting it."
const STOP_FIRST: &str = "ModelArts.6304";

/// Waits for what is under way already.
pub(crate) fn wait<M: Machine>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    goal: Goal,
) -> Waiter<M::Resource> {
    let client = client.clone();
    let (name, clock, pace) = (name(noun, id, goal), client.clock(), client.pace());
    let id = id.to_owned();
    Waiter::new(
        name,
        clock,
        pace,
        Arc::new(move |left| Box::pin(observe::<M>(client.within(left), id.clone(), goal))),
    )
}

/// Waits for the end of a deletion that is under way already.
pub(crate) fn wait_gone<M: Machine>(
    client: &ModelArts,
    noun: &str,
    id: &str,
) -> Waiter<M::Resource, ()> {
    let client = client.clone();
    let goal = Goal::Gone;
    let (name, clock, pace) = (name(noun, id, goal), client.clock(), client.pace());
    let id = id.to_owned();
    Waiter::until_gone(
        name,
        clock,
        pace,
        Arc::new(move |left| Box::pin(observe::<M>(client.within(left), id.clone(), goal))),
    )
}

/// Does what is needed to reach the goal, and waits for it.
pub(crate) fn ensure<M: Machine>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    goal: Goal,
    auto_stop: Option<AutoStop>,
) -> Waiter<M::Resource> {
    let (name, clock) = (name(noun, id, goal), client.clock());
    let pace = client.pace().first(Duration::ZERO);
    let actor = Actor::<M>::new(client, id, goal);
    let actor = Arc::new(Actor { auto_stop, ..actor });
    Waiter::new(
        name,
        clock,
        pace,
        Arc::new(move |left| Box::pin(actor.clone().look(left))),
    )
}

/// Does what is needed for a deletion, and waits for it.
pub(crate) fn ensure_gone<M: Machine>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    stop_first: bool,
) -> Waiter<M::Resource, ()> {
    let (name, clock) = (name(noun, id, Goal::Gone), client.clock());
    let pace = client.pace().first(Duration::ZERO);
    let actor = Actor::<M>::new(client, id, Goal::Gone);
    let stop_first = stop_first.into();
    let actor = Arc::new(Actor {
        stop_first,
        ..actor
    });
    Waiter::until_gone(
        name,
        clock,
        pace,
        Arc::new(move |left| Box::pin(actor.clone().look(left))),
    )
}

fn name(noun: &str, id: &str, goal: Goal) -> String {
    format!("{noun} {id} {}", goal.name())
}

async fn observe<M: Machine>(
    client: ModelArts,
    id: String,
    goal: Goal,
) -> Result<Look<M::Resource>> {
    match M::show(client, id).await {
        Ok(resource) => {
            let verdict = goal.verdict(M::phase(&resource)).clone();
            Ok(seen::<M>(resource, verdict))
        }
        Err(error) => gone(error, goal),
    }
}

fn seen<M: Machine>(resource: M::Resource, verdict: Verdict) -> Look<M::Resource> {
    Look {
        status: M::status(&resource),
        fail_reason: M::fail_reason(&resource),
        progress: M::progress(&resource),
        resource: Some(resource),
        verdict,
        refusal: None,
    }
}

/// What does not exist is what a deletion wants, and an error for everybody else.
fn gone<T>(error: Error, goal: Goal) -> Result<Look<T>> {
    if goal == Goal::Gone && error.is_not_found() {
        return Ok(Look::gone(Verdict::Done));
    }
    Err(error)
}

/// Looks, and acts on what it sees.
struct Actor<M> {
    client: ModelArts,
    id: String,
    goal: Goal,
    auto_stop: Option<AutoStop>,
    stop_first: AtomicBool,
    acts: AtomicU32,
    machine: std::marker::PhantomData<fn() -> M>,
}

impl<M: Machine> Actor<M> {
    fn new(client: &ModelArts, id: &str, goal: Goal) -> Self {
        Self {
            client: client.clone(),
            id: id.to_owned(),
            goal,
            auto_stop: None,
            stop_first: AtomicBool::new(false),
            acts: AtomicU32::new(0),
            machine: std::marker::PhantomData,
        }
    }

    async fn look(self: Arc<Self>, left: Duration) -> Result<Look<M::Resource>> {
        let client = self.client.within(left);
        let resource = match M::show(client.clone(), self.id.clone()).await {
            Ok(resource) => resource,
            Err(error) => return gone(error, self.goal),
        };
        let stop_first = self.stop_first.load(Ordering::Relaxed);
        let acts = self.acts.load(Ordering::Relaxed);
        let action = match self.goal.step(M::phase(&resource), acts, stop_first) {
            Step::Verdict(verdict) => return Ok(seen::<M>(resource, verdict.clone())),
            Step::Act(action) => action,
        };
        let outcome = M::act(client, self.id.clone(), action, self.auto_stop).await;
        let (verdict, refusal) = self.take(outcome)?;
        Ok(Look {
            refusal,
            ..seen::<M>(resource, verdict)
        })
    }

    /// A conflict means that the machine has moved on since the look: look again, then compare.
    fn take(&self, outcome: Result<()>) -> Result<(Verdict, Option<Error>)> {
        let Err(error) = outcome else {
            self.acts.fetch_add(1, Ordering::Relaxed);
            return Ok((Verdict::Wait, None));
        };
        if self.goal == Goal::Gone && error.is_not_found() {
            return Ok((Verdict::Done, None));
        }
        let stop_first = error.code().is_some_and(|code| code.as_str() == STOP_FIRST);
        if stop_first {
            self.stop_first.store(true, Ordering::Relaxed);
        }
        match stop_first || error.is_conflict() || error.is_already_in_state() {
            true => Ok((Verdict::Wait, Some(error))),
            false => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 11] = [
        Phase::Starting,
        Phase::Running,
        Phase::Stopping,
        Phase::Stopped,
        Phase::Deleting,
        Phase::Gone,
        Phase::StartFailed,
        Phase::DeleteFailed,
        Phase::Failed,
        Phase::Frozen,
        Phase::Unknown,
    ];

    fn letters(goal: Goal, letter: impl Fn(Phase) -> char) -> (Goal, String) {
        (goal, PHASES.into_iter().map(letter).collect())
    }

    /// One letter for each phase above: `w`ait, `d`one, `f`ail.
    #[test]
    fn what_each_phase_means_for_each_goal() {
        let verdicts = [Goal::Running, Goal::Stopped, Goal::Gone].map(|goal| {
            letters(goal, |phase| match goal.verdict(phase) {
                Verdict::Wait => 'w',
                Verdict::Done => 'd',
                Verdict::Fail(_) => 'f',
            })
        });
        assert_eq!(
            verdicts.map(|(_, letters)| letters),
            ["wdwfffffffw", "wwwdffffffw", "wwwwwdwfwww"].map(|s| s.to_owned())
        );
    }

    /// As above, with `s`tart, `S`top and `D`elete.
    #[test]
    fn what_is_done_about_each_phase() {
        let step = |goal: Goal, acts, stop_first| {
            letters(goal, |phase| match goal.step(phase, acts, stop_first) {
                Step::Act(Action::Start) => 's',
                Step::Act(Action::Stop) => 'S',
                Step::Act(Action::Delete) => 'D',
                Step::Verdict(Verdict::Wait) => 'w',
                Step::Verdict(Verdict::Done) => 'd',
                Step::Verdict(Verdict::Fail(_)) => 'f',
            })
            .1
        };
        assert_eq!(step(Goal::Running, 0, false), "wdwsffsfffw");
        assert_eq!(step(Goal::Running, 1, false), "wdwsffffffw");
        assert_eq!(step(Goal::Stopped, 0, false), "wSwdffffffw");
        assert_eq!(step(Goal::Gone, 0, false), "DDDDwdDDDDD");
        assert_eq!(step(Goal::Gone, 0, true), "wSwDwdDDDDD");
        assert_eq!(step(Goal::Gone, 1, false), "DDDDwdDfDDD");
        assert_eq!(step(Goal::Gone, MAX_ACTS, false), "wwwwwdwfwww");
    }
}
