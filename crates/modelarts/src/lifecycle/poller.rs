//! One poll of a resource: reads it, asks the reconciler, and sends the action that it decides on.

use std::marker::PhantomData;
use std::time::Duration;

use modelarts_client::{Action, ErrorCode, Phase};

use super::plan::Plan;
use super::reconciler::{Moment, Reconciler, Response, Step};
use super::resource::{FromLastPoll, Lifecycle};
use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::{Error, Result};
use crate::wait::{PollContext, PollFn, Polled, Verdict, Waiter};

/// Returns the waiter that carries out a plan.
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
        unknown: None,
        resource: PhantomData,
    };
    Waiter::new(target, settings, poller, O::of)
}

/// Reads a resource and sends the actions that the reconciler decides on.
struct Poller<R: Lifecycle> {
    client: ModelArts,
    key: R::Key,
    reconciler: Reconciler,
    /// The operation of the last action, if it may have been carried out but no response says so.
    unknown: Option<&'static str>,
    resource: PhantomData<fn() -> R>,
}

impl<R: Lifecycle> PollFn<R> for Poller<R> {
    fn poll(&mut self, context: PollContext) -> BoxFuture<'_, Result<Polled<R>>> {
        Box::pin(async move {
            let polled = self.poll_once(context).await;
            polled.map_err(|error| match self.unknown {
                Some(operation) => error.after_unknown_outcome(operation),
                None => error,
            })
        })
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
        match &result {
            Ok(()) => self.unknown = None,
            Err(error) if error.is_outcome_unknown() => self.unknown = error.operation(),
            Err(_) => {}
        }
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
            Some(verdict) => {
                let refusal = result.err().map(|error| match self.unknown {
                    Some(operation) => error.after_unknown_outcome(operation),
                    None => error,
                });
                Ok((verdict, refusal))
            }
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
    use std::fmt;
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use futures::{StreamExt, TryStreamExt};
    use modelarts_client::devenviron::enums::NotebookStatus;

    use super::super::target::TargetState;
    use super::*;
    use crate::poll_status::Progress;
    use crate::units::AutoStop;
    use crate::{Credentials, ManualClock};

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
            let error = match response {
                None => return Box::pin(ready(Ok(()))),
                Some("gateway") => refusal(503, ""),
                Some(code) => refusal(400, code),
            };
            Box::pin(ready(Err(error.in_operation("startNotebook"))))
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
            let expected = format!("waiting for {shown}: CREATE_FAILED is a failed state: no disk");
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
                error
                    .to_string()
                    .contains("; the last refusal: startNotebook: HTTP 400"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn an_action_may_have_been_carried_out_until_one_is_accepted() {
        let plan = Plan::ensure(TargetState::Running);
        for (reads, responses, is_unknown) in [
            (&["STOPPED", "ModelArts.7003"][..], &["gateway"][..], true),
            (
                &["STOPPED", "STOPPED", "ModelArts.7003"],
                &["gateway"],
                false,
            ),
            (&["STOPPED", "ModelArts.7003"], &["ModelArts.6357"], false),
        ] {
            let error = robot(plan, &Service::new(reads, responses)).await;
            let error = error.unwrap_err();
            assert!(error.is_auth(), "{error}");
            assert_eq!(error.is_outcome_unknown(), is_unknown, "{error}");
            let shown = "; an earlier attempt of startNotebook may have been carried out";
            assert_eq!(error.to_string().contains(shown), is_unknown, "{error}");
        }
    }

    /// A resource with a status and nothing else.
    struct Rock;

    impl Lifecycle for Rock {
        type Key = String;

        const NOUN: &'static str = "rock";
        const ABSENT: &'static [ErrorCode] = &[];

        fn show(_: ModelArts, _: String) -> BoxFuture<'static, Result<Self>> {
            Box::pin(ready(Ok(Self)))
        }

        fn execute(
            _: ModelArts,
            _: String,
            _: Action,
            _: Option<AutoStop>,
        ) -> BoxFuture<'static, Result<()>> {
            Box::pin(ready(Ok(())))
        }

        fn phase(&self) -> Phase {
            Phase::Settled(&[])
        }

        fn status(&self) -> String {
            "LYING".to_owned()
        }
    }

    #[tokio::test]
    async fn a_status_is_enough_for_a_resource() {
        let client = client(&ManualClock::default()).await;
        let plan = Plan::wait(TargetState::Running);
        let waiter: Waiter<Rock> = waiter(&client, "r2".to_owned(), plan);
        let error = waiter.await.err().unwrap();
        let last = error.last_poll().unwrap();
        assert_eq!(last.status, "LYING");
        assert_eq!((&last.fail_reason, &last.missing), (&None, &None));
        assert!(last.progress.is_none());
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
}
