//! What notebooks and old instances have in common: they run, stop and go, and one waits for it.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::{Error, Result};
use crate::history::Event;
use crate::poll_status::Progress;
use crate::units::AutoStop;
use crate::wait::{Lag, Polled, Verdict, Waiter};

/// A resource with a life cycle.
pub(crate) trait Lifecycle: Send + Sync + 'static {
    type Resource: Send + 'static;

    fn show(client: ModelArts, id: String) -> BoxFuture<'static, Result<Self::Resource>>;
    /// `auto_stop` is for a start; without it the service's default holds.
    fn execute(
        client: ModelArts,
        id: String,
        action: Action,
        auto_stop: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>>;
    fn phase(resource: &Self::Resource) -> Phase;
    fn status(resource: &Self::Resource) -> String;
    fn fail_reason(resource: &Self::Resource) -> Option<String>;
    fn progress(resource: &Self::Resource) -> Option<Progress>;
    /// What keeps it from running although its status is the one of what runs.
    fn missing(resource: &Self::Resource) -> Option<String>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Start,
    Stop,
    Delete,
}

/// Where a resource is, whatever its generation calls it.
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
pub(crate) enum TargetState {
    Running,
    Stopped,
    Gone,
}

/// What to do about a phase, when the target is to be reached and not only waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Execute(Action),
    Verdict(&'static Verdict),
}

const NOT_BY_ITSELF: Verdict = Verdict::Fail("does not change by itself");
const ENDS: Verdict = Verdict::Fail("leads elsewhere");
const FAILED: Verdict = Verdict::Fail("ends it");
/// It failed, or it shows what was before the action that is waited for.
const MAY_HAVE_FAILED: Verdict = Verdict::Suspect("ends it", Lag::UntilNewer);

impl TargetState {
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
            (Self::Running, Stopped) => &Verdict::Suspect("does not change by itself", Lag::Settle),
            (Self::Running, Frozen) => &NOT_BY_ITSELF,
            (Self::Running, StartFailed) => &MAY_HAVE_FAILED,
            (Self::Stopped, Running | Starting | Stopping | Unknown) => &Verdict::Wait,
            (Self::Stopped, Frozen) => &NOT_BY_ITSELF,
            (Self::Gone, DeleteFailed) => &MAY_HAVE_FAILED,
            (Self::Gone, _) => &Verdict::Wait,
            (_, Deleting | Gone) => &ENDS,
            (_, StartFailed | DeleteFailed | Failed) => &FAILED,
        }
    }

    /// Whether to go on waiting at a phase from before an action: the target is not reached by it.
    fn before(self, phase: Phase) -> &'static Verdict {
        match self.verdict(phase) {
            Verdict::Done => &Verdict::Wait,
            verdict => verdict,
        }
    }

    /// What to do next. `executed` is the number of accepted actions; one that has no effect is not repeated for ever.
    fn step(self, phase: Phase, executed: u32, stop_first: bool) -> Step {
        use Phase::*;
        let action = match (self, phase) {
            (Self::Running, Stopped) => Some(Action::Start),
            (Self::Running, StartFailed) if executed == 0 => Some(Action::Start),
            (Self::Stopped, Running) => Some(Action::Stop),
            (Self::Gone, Running) if stop_first => Some(Action::Stop),
            (Self::Gone, Starting | Stopping) if stop_first => None,
            (Self::Gone, DeleteFailed) if executed > 0 => None,
            (Self::Gone, Gone | Deleting) => None,
            (Self::Gone, _) => Some(Action::Delete),
            _ => None,
        };
        match action {
            Some(action) if executed < MAX_ACTIONS => Step::Execute(action),
            // An action may still take effect, or a start be undone by somebody else: see until the deadline.
            Some(_) => Step::Verdict(&Verdict::Wait),
            None => Step::Verdict(self.verdict(phase)),
        }
    }
}

const MAX_ACTIONS: u32 = 4;

/// "The instance does not exist."
const NO_INSTANCE: &[&str] = &["ModelArts.6309"];

/// Waits for what is under way already.
pub(crate) fn wait<L: Lifecycle>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    target: TargetState,
) -> Waiter<L::Resource> {
    let (name, settings) = (name(noun, id, target), client.poll_settings());
    let (client, id) = (client.clone(), id.to_owned());
    let surpassed = Arc::new(Surpassed::default());
    Waiter::new(
        name,
        settings,
        Arc::new(move |left| {
            let (id, surpassed) = (id.clone(), surpassed.clone());
            Box::pin(observe::<L>(client.for_poll(left), id, target, surpassed))
        }),
    )
}

/// Waits for the end of a deletion that is under way already.
pub(crate) fn wait_gone<L: Lifecycle>(
    client: &ModelArts,
    noun: &str,
    id: &str,
) -> Waiter<L::Resource, ()> {
    let target = TargetState::Gone;
    let (name, settings) = (name(noun, id, target), client.poll_settings());
    let (client, id) = (client.clone(), id.to_owned());
    Waiter::until_gone(
        name,
        settings,
        Arc::new(move |left| {
            let (id, surpassed) = (id.clone(), Arc::default());
            Box::pin(observe::<L>(client.for_poll(left), id, target, surpassed))
        }),
    )
}

/// Does what is needed to reach the target, and waits for it.
pub(crate) fn ensure<L: Lifecycle>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    target: TargetState,
    auto_stop: Option<AutoStop>,
) -> Waiter<L::Resource> {
    let mut settings = client.poll_settings();
    settings.policy = settings.policy.initial_delay(Duration::ZERO);
    let reconciler = Reconciler::<L>::new(client, id, target, auto_stop, false);
    Waiter::new(
        name(noun, id, target),
        settings,
        Arc::new(move |left| Box::pin(reconciler.clone().poll(left))),
    )
    .demanding()
}

/// Does what is needed for a deletion, and waits for it.
pub(crate) fn ensure_gone<L: Lifecycle>(
    client: &ModelArts,
    noun: &str,
    id: &str,
    stop_first: bool,
) -> Waiter<L::Resource, ()> {
    let mut settings = client.poll_settings();
    settings.policy = settings.policy.initial_delay(Duration::ZERO);
    let target = TargetState::Gone;
    let reconciler = Reconciler::<L>::new(client, id, target, None, stop_first);
    Waiter::until_gone(
        name(noun, id, target),
        settings,
        Arc::new(move |left| Box::pin(reconciler.clone().poll(left))),
    )
}

fn name(noun: &str, id: &str, target: TargetState) -> String {
    format!("{noun} {id} {}", target.name())
}

async fn observe<L: Lifecycle>(
    client: ModelArts,
    id: String,
    target: TargetState,
    surpassed: Arc<Surpassed>,
) -> Result<Polled<L::Resource>> {
    match L::show(client.clone(), id.clone()).await {
        Ok(resource) => {
            let phase = L::phase(&resource);
            let verdict = match surpassed.predates(&client, &id, phase) {
                true => target.before(phase),
                false => target.verdict(phase),
            };
            Ok(seen::<L>(resource, verdict.clone()))
        }
        // What does not exist is what a deletion wants, and an error for everybody else.
        Err(error) if target == TargetState::Gone && error.is_absence(NO_INSTANCE) => {
            Ok(Polled::absent(Verdict::Done))
        }
        Err(error) => Err(error),
    }
}

fn seen<L: Lifecycle>(resource: L::Resource, verdict: Verdict) -> Polled<L::Resource> {
    Polled {
        status: L::status(&resource),
        fail_reason: L::fail_reason(&resource),
        progress: L::progress(&resource),
        missing: L::missing(&resource),
        resource: Some(resource),
        verdict,
        refusal: None,
    }
}

/// The last event of this client that a read has shown the effect of, by its time.
#[derive(Debug, Default)]
struct Surpassed(Mutex<Option<Duration>>);

impl Surpassed {
    /// Whether a phase is one from before what this client had done lately.
    fn predates(&self, client: &ModelArts, id: &str, phase: Phase) -> bool {
        let Some((event, at)) = client.last_event(id, |event| event != Event::Created) else {
            return false;
        };
        let mut surpassed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *surpassed == Some(at) {
            return false;
        }
        let is_old = matches!(
            (event, phase),
            (Event::Started, Phase::Stopped)
                | (Event::Restarted | Event::Stopped, Phase::Running)
                | (Event::Deleted, Phase::Running | Phase::Stopped)
        );
        if !is_old {
            *surpassed = Some(at);
        }
        is_old
    }
}

/// Looks, and acts on what it sees.
struct Reconciler<L> {
    client: ModelArts,
    id: String,
    target: TargetState,
    auto_stop: Option<AutoStop>,
    history: Mutex<History>,
    surpassed: Surpassed,
    lifecycle: PhantomData<fn() -> L>,
}

/// What happened so far.
#[derive(Debug, Default)]
struct History {
    /// Whether a deletion takes a stop before it.
    stop_first: bool,
    /// The number of accepted actions.
    executed: u32,
    /// The phase in which the last action was accepted, and when.
    last: Option<(Phase, Duration)>,
    /// Whether the resource was found at least once.
    was_found: bool,
}

impl<L: Lifecycle> Reconciler<L> {
    fn new(
        client: &ModelArts,
        id: &str,
        target: TargetState,
        auto_stop: Option<AutoStop>,
        stop_first: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            client: client.clone(),
            id: id.to_owned(),
            target,
            auto_stop,
            history: Mutex::new(History {
                stop_first,
                ..History::default()
            }),
            surpassed: Surpassed::default(),
            lifecycle: PhantomData,
        })
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn poll(self: Arc<Self>, left: Duration) -> Result<Polled<L::Resource>> {
        let client = self.client.for_poll(left);
        let resource = match L::show(client.clone(), self.id.clone()).await {
            Ok(resource) => resource,
            Err(error) => return self.not_shown(error),
        };
        let phase = L::phase(&resource);
        let action = match self.next_step(phase) {
            Step::Verdict(verdict) => return Ok(seen::<L>(resource, verdict.clone())),
            Step::Execute(action) => action,
        };
        let outcome = L::execute(client, self.id.clone(), action, self.auto_stop).await;
        let (verdict, refusal) = self.take(outcome, phase)?;
        Ok(Polled {
            refusal,
            ..seen::<L>(resource, verdict)
        })
    }

    /// What a phase asks for, unless it is still the one from before the last action.
    fn next_step(&self, phase: Phase) -> Step {
        let now = self.client.clock().elapsed();
        let settle = self.client.poll_settings().policy;
        let predates = self.surpassed.predates(&self.client, &self.id, phase);
        let mut history = self.history();
        history.was_found = true;
        if let Some((before, at)) = history.last
            && before == phase
            && settle.covers(now.saturating_sub(at))
        {
            return Step::Verdict(&Verdict::Wait);
        }
        match self
            .target
            .step(phase, history.executed, history.stop_first)
        {
            // The last action was too long ago for the read to lag behind it.
            Step::Verdict(Verdict::Suspect(..)) => Step::Verdict(&FAILED),
            Step::Verdict(Verdict::Done) if predates => Step::Verdict(&Verdict::Wait),
            step => step,
        }
    }

    /// The service did not show it. What this client has just created may not be found yet.
    fn not_shown(&self, error: Error) -> Result<Polled<L::Resource>> {
        let is_gone = self.target == TargetState::Gone;
        let history = self.history();
        match error.is_absence(NO_INSTANCE) {
            true if !history.was_found && self.client.may_lag(&self.id) => {
                Ok(Polled::absent(Verdict::Wait))
            }
            true if is_gone => Ok(Polled::absent(Verdict::Done)),
            _ => Err(error),
        }
    }

    /// A conflict means that the resource has moved on since the read: read again, then compare.
    fn take(&self, outcome: Result<()>, phase: Phase) -> Result<(Verdict, Option<Error>)> {
        let mut history = self.history();
        let Err(error) = outcome else {
            history.executed += 1;
            history.last = Some((phase, self.client.clock().elapsed()));
            return Ok((Verdict::Wait, None));
        };
        if self.target == TargetState::Gone && error.is_absence(NO_INSTANCE) {
            return Ok((Verdict::Done, None));
        }
        let stop_first = error.code() == Some(&modelarts_client::ErrorCode::MODELARTS_6304);
        history.stop_first |= stop_first;
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

    fn letters(target: TargetState, letter: impl Fn(Phase) -> char) -> (TargetState, String) {
        (target, PHASES.into_iter().map(letter).collect())
    }

    /// One letter for each phase above: `w`ait, `d`one, `f`ail, or `s`uspect.
    #[test]
    fn what_each_phase_means_for_each_target() {
        let verdicts = [
            TargetState::Running,
            TargetState::Stopped,
            TargetState::Gone,
        ]
        .map(|target| {
            letters(target, |phase| match target.verdict(phase) {
                Verdict::Wait => 'w',
                Verdict::Done => 'd',
                Verdict::Fail(_) => 'f',
                Verdict::Suspect(..) => 's',
            })
        });
        assert_eq!(
            verdicts.map(|(_, letters)| letters),
            ["wdwsffsfffw", "wwwdffffffw", "wwwwwdwswww"].map(|s| s.to_owned())
        );
    }

    /// As above, with `s`tart, `S`top and `D`elete.
    #[test]
    fn what_is_done_about_each_phase() {
        let step = |target: TargetState, executed, stop_first| {
            letters(target, |phase| {
                match target.step(phase, executed, stop_first) {
                    Step::Execute(Action::Start) => 's',
                    Step::Execute(Action::Stop) => 'S',
                    Step::Execute(Action::Delete) => 'D',
                    Step::Verdict(Verdict::Wait) => 'w',
                    Step::Verdict(Verdict::Done) => 'd',
                    Step::Verdict(Verdict::Fail(_) | Verdict::Suspect(..)) => 'f',
                }
            })
            .1
        };
        assert_eq!(step(TargetState::Running, 0, false), "wdwsffsfffw");
        assert_eq!(step(TargetState::Running, 1, false), "wdwsffffffw");
        assert_eq!(step(TargetState::Stopped, 0, false), "wSwdffffffw");
        assert_eq!(step(TargetState::Gone, 0, false), "DDDDwdDDDDD");
        assert_eq!(step(TargetState::Gone, 0, true), "wSwDwdDDDDD");
        assert_eq!(step(TargetState::Gone, 1, false), "DDDDwdDfDDD");
        assert_eq!(step(TargetState::Gone, MAX_ACTIONS, false), "wwwwwdwfwww");
    }
}
