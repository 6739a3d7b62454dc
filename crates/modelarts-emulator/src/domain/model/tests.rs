//! What becomes of a resource as time passes.

use modelarts_client::Phase as Documented;
use modelarts_client::devenviron::enums::{
    DataVolumeStatus, DevEnvInstanceStatus as D, ImageStatus, NotebookStatus as N, VolumeStatus,
};
use serde_json::{Value, json};

use super::*;
use crate::clock::Millis;
use crate::domain::durations::Durations;
use crate::domain::phase::{Failure, Phase, Status};
use crate::domain::status::InstanceStatus;

fn instance(status: &str, details: Value) -> Instance {
    serde_json::from_value(json!({
        "seq": 1,
        "id": "n1",
        "project": "p1",
        "owner": "u1",
        "name": "n",
        "description": "",
        "workspace": "0",
        "flavor": "f1",
        "free": false,
        "phase": {"status": status, "since": 0},
        "previous": status,
        "created": 0,
        "updated": 0,
        "lease": lease(false, 3_600_000),
        "details": details,
    }))
    .unwrap()
}

fn lease(enabled: bool, duration: Millis) -> Value {
    json!({"enabled": enabled, "idle": false, "duration": duration, "since": 0, "updated": 0})
}

/// With a mount that is in use, as its volume is.
fn notebook(status: &str, category: &str) -> Instance {
    let details = json!({"notebook": {
        "image": "i1",
        "token": "t1",
        "volume": {
            "category": category,
            "ownership": "MANAGED",
            "capacity": 50,
            "phase": {"status": "IN_USE", "since": 0},
        },
        "mounts": [{
            "id": "m1",
            "path": "/data/a/",
            "uri": "obs://bucket/a/",
            "phase": {"status": "MOUNTED", "since": 0},
        }],
        "ready": false,
    }});
    instance(status, details)
}

fn dev_env(status: &str, ml_studio: bool) -> Instance {
    let details = json!({"dev_env": {
        "profile": "p1",
        "storage": {"type": "obs"},
        "ai_project": "a1",
        "prompt": false,
        "ml_studio": ml_studio,
    }});
    instance(status, details)
}

/// Times by which each step can be told from the others.
fn durations() -> Durations {
    Durations::default()
}

fn failure() -> Option<Failure> {
    Some(Failure {
        code: "ModelArts.6361".to_owned(),
        message: "no disk".to_owned(),
    })
}

fn volume(instance: &Instance) -> (&str, Option<Millis>) {
    let phase = &instance.notebook().unwrap().volume.phase;
    (phase.status.as_str(), phase.until)
}

#[test]
fn the_first_run_prepares_the_disk() {
    let mut evs = notebook("STOPPED", "evs");
    evs.enter(N::Starting, 1_000, &durations(), None);
    evs.advance(60_999, &durations());
    assert_eq!((evs.status().as_str(), evs.updated), ("STARTING", 1_000));
    evs.advance(70_000, &durations());
    // It was due before it was looked at.
    assert_eq!((evs.status().as_str(), evs.updated), ("RUNNING", 61_000));
    assert_eq!(evs.previous, N::Starting);
    assert_eq!(volume(&evs), ("INITIALIZING", Some(81_000)));
    assert_eq!(evs.due(), Some(81_000));
    evs.advance(81_000, &durations());
    assert_eq!(volume(&evs), ("IN_USE", None));

    // The second one finds it ready.
    evs.enter(N::Starting, 100_000, &durations(), None);
    evs.advance(160_000, &durations());
    assert_eq!(
        (evs.status().as_str(), volume(&evs)),
        ("RUNNING", ("IN_USE", None))
    );

    let mut efs = notebook("STOPPED", "EFS");
    efs.enter(N::Starting, 0, &durations(), None);
    efs.advance(60_000, &durations());
    assert_eq!(
        (efs.status().as_str(), volume(&efs)),
        ("RUNNING", ("IN_USE", None))
    );
}

#[test]
fn a_start_that_fails_says_why_and_prepares_nothing() {
    let mut evs = notebook("STOPPED", "EVS");
    evs.enter(N::Starting, 0, &durations(), failure());
    evs.advance(60_000, &durations());
    assert_eq!(*evs.status(), N::StartFailed);
    assert_eq!(evs.failure, failure());
    assert!(!evs.notebook().unwrap().ready);
    assert_eq!(volume(&evs), ("IN_USE", None));
    // What happens next makes it an old story.
    evs.enter(N::Starting, 100_000, &durations(), None);
    assert_eq!(evs.failure, None);
}

#[test]
fn a_notebook_has_its_new_image_once_it_was_saved() {
    for (failing, image) in [(None, "i2"), (failure(), "i1")] {
        let mut notebook = notebook("RUNNING", "EFS");
        notebook.notebook_mut().unwrap().saving = Some("i2".to_owned());
        notebook.enter(N::Snapshotting, 0, &durations(), failing.clone());
        notebook.advance(120_000, &durations());
        assert_eq!(*notebook.status(), N::Running);
        assert_eq!(notebook.failure, failing);
        let details = notebook.notebook().unwrap();
        assert_eq!((details.image.as_str(), &details.saving), (image, &None));
        assert!(!details.ready, "it has run all the time");
    }
}

#[test]
fn what_is_set_for_the_next_run_holds_from_then_on() {
    let mut studio = dev_env("STOPPED", true);
    let next: Lease = serde_json::from_value(lease(true, 7_200_000)).unwrap();
    match &mut studio.details {
        Details::DevEnv(dev_env) => dev_env.next_lease = Some(next.clone()),
        Details::Notebook(_) => unreachable!(),
    }
    assert!(
        studio.configured_lease().has_settings_of(&next) && !studio.lease.has_settings_of(&next)
    );
    studio.enter(N::Starting, 0, &durations(), None);
    studio.advance(60_000, &durations());
    // ML Studio has words of its own.
    assert_eq!(*studio.status(), D::Active);
    assert!(studio.lease.has_settings_of(&next));
    assert_eq!(studio.lease.ends(), Some(7_260_000));
    assert!(studio.configured_lease().has_settings_of(&next));
    assert_eq!(
        studio
            .dev_env()
            .unwrap()
            .next_lease
            .as_ref()
            .map(Lease::ends),
        None
    );
    studio.enter(D::Restarting, 100_000, &durations(), None);
    assert_eq!(*studio.status(), D::Rebooting);

    let mut other = dev_env("RUNNING", false);
    other.enter(D::Restarting, 0, &durations(), None);
    assert_eq!(*other.status(), D::Restarting);
    other.advance(60_000, &durations());
    assert_eq!(*other.status(), N::Running);
    assert!(other.notebook().is_none() && other.notebook_mut().is_none());
    assert_eq!(other.generation(), Generation::DevEnv);
    assert_eq!(
        notebook("RUNNING", "EFS").generation(),
        Generation::Notebook
    );
}

#[test]
fn the_lease_of_the_old_generation_counts_from_the_begin_of_each_run() {
    let mut instance = dev_env("RUNNING", false);
    for (now, status, since) in [
        (10, N::Stopping, 0),
        (20, N::Stopped, 0),
        (30, N::Starting, 0),
        (40, N::Running, 40),
        (50, N::Running, 40),
        (60, N::Snapshotting, 40),
        (70, N::Running, 40),
    ] {
        instance.enter(status, now, &durations(), None);
        let lease = &instance.lease;
        assert_eq!((lease.since, lease.updated), (since, since), "at {now}");
    }
}

#[test]
fn an_instance_stops_when_its_lease_ends() {
    let with_lease = |status: &str| {
        let mut notebook = notebook(status, "EFS");
        notebook.lease = serde_json::from_value(lease(true, 5_000)).unwrap();
        notebook
    };
    let mut running = with_lease("RUNNING");
    assert_eq!(running.due(), Some(5_000));
    running.advance(4_999, &durations());
    assert_eq!(*running.status(), N::Running);
    running.advance(5_000, &durations());
    assert_eq!(
        (running.status().as_str(), running.due()),
        ("STOPPING", Some(35_000))
    );

    let mut stopped = with_lease("STOPPED");
    assert_eq!(stopped.due(), None);
    stopped.advance(9_000, &durations());
    assert_eq!(*stopped.status(), N::Stopped);

    let mut endless = notebook("RUNNING", "EFS");
    endless.advance(Millis::MAX, &durations());
    assert_eq!(
        (endless.status().as_str(), endless.lease.ends()),
        ("RUNNING", None)
    );
}

#[test]
fn a_lease_is_another_one_if_it_stops_at_another_time() {
    let of = |enabled, idle, duration| Lease {
        enabled,
        idle,
        duration,
        since: 0,
        updated: 0,
    };
    let lease = of(true, true, 1);
    assert!(lease.has_settings_of(&Lease {
        since: 7,
        ..of(true, true, 1)
    }));
    for other in [of(false, true, 1), of(true, false, 1), of(true, true, 2)] {
        assert!(!lease.has_settings_of(&other), "{other:?}");
    }
}

#[test]
fn whatever_is_due_first_is_due() {
    type Change = fn(&mut Instance);
    let changes: [(Change, Millis); 5] = [
        (|it| it.phase.until = Some(50), 50),
        (
            |it| it.lease = serde_json::from_value(lease(true, 40)).unwrap(),
            40,
        ),
        (
            |it| {
                it.queue = Some(Queue {
                    since: 0,
                    until: 30,
                })
            },
            30,
        ),
        (
            |it| it.notebook_mut().unwrap().mounts[0].phase.until = Some(20),
            20,
        ),
        (
            |it| it.notebook_mut().unwrap().volume.phase.until = Some(10),
            10,
        ),
    ];
    let mut all = notebook("RUNNING", "EFS");
    assert_eq!((all.due(), all.is_at_rest()), (None, true));
    for (change, due) in changes {
        let mut one = notebook("RUNNING", "EFS");
        change(&mut one);
        // The end of a lease disturbs nobody's rest.
        assert_eq!((one.due(), one.is_at_rest()), (Some(due), due == 40));
        change(&mut all);
        assert_eq!((all.due(), all.is_at_rest()), (Some(due), false));
    }
    assert!(dev_env("STOPPED", false).is_at_rest());
}

#[test]
fn a_mount_is_listed_for_a_while_after_it_has_ended() {
    let mut notebook = notebook("RUNNING", "EFS");
    let mut enter = |status, now, failing, then: [Millis; 2]| {
        let mounts = &mut notebook.notebook_mut().unwrap().mounts;
        mounts[0].phase = Phase::enter(status, now, &durations(), failing);
        then.map(|now| {
            notebook.advance(now, &durations());
            let mounts = &notebook.notebook().unwrap().mounts;
            mounts
                .first()
                .map(|it| (it.phase.status.clone(), it.failure.clone()))
        })
    };
    use DataVolumeStatus as M;
    assert_eq!(
        enter(M::Mounting, 0, None, [9_999, 10_000]),
        [Some((M::Mounting, None)), Some((M::Mounted, None))]
    );
    assert_eq!(
        enter(M::Mounting, 0, failure(), [9_999, 10_000]),
        [Some((M::Mounting, None)), Some((M::MountFailed, failure()))]
    );
    assert_eq!(
        enter(M::Unmounting, 0, None, [5_000, 34_999]),
        [Some((M::Unmounted, None)), Some((M::Unmounted, None))]
    );
    notebook.advance(35_000, &durations());
    assert!(notebook.notebook().unwrap().mounts.is_empty());
}

#[test]
fn an_image_is_built_or_says_why_not() {
    let image = |failing| ImageEntry {
        seq: 1,
        project: None,
        image: serde_json::from_value(json!({"id": "i1", "name": "base"})).unwrap(),
        read_me: None,
        phase: Phase::enter(ImageStatus::Creating, 0, &durations(), failing),
    };
    let mut built = image(None);
    assert_eq!((built.id(), built.name()), ("i1", "base"));
    built.advance(119_999, &durations());
    assert_eq!(built.phase.status, ImageStatus::Creating);
    built.advance(130_000, &durations());
    assert_eq!(built.phase.status, ImageStatus::Active);
    assert!(built.image.size.is_some_and(|size| size > 0));
    assert_eq!(
        (built.image.update_at, &built.image.status_message),
        (Some(120_000), &None)
    );

    let mut failed = image(failure());
    failed.advance(120_000, &durations());
    assert_eq!(failed.phase.status, ImageStatus::CreateFailed);
    assert_eq!(failed.image.size, None);
    assert_eq!(failed.image.status_message.as_deref(), Some("no disk"));
}

/// What a transition leads to is where the document says that the action ends which is under way.
#[test]
fn every_transition_ends_where_the_document_says() {
    fn check<T: Status + std::fmt::Debug>(phases: fn(&T) -> Vec<Documented>) {
        for row in T::transitions() {
            let under_way: Vec<_> = phases(&row.during)
                .into_iter()
                .flat_map(|phase| match phase {
                    Documented::Transient(actions) | Documented::Ending(actions) => actions,
                    _ => &[],
                })
                .collect();
            let ends = |phase: &Documented| {
                let is_end = |action: &&modelarts_client::Action| phase.is_end_of(**action);
                *phase == Documented::Gone || under_way.iter().any(is_end)
            };
            // What has ended is forgotten.
            let stays = row.during == row.then;
            assert!(stays || phases(&row.then).iter().any(ends), "{row:?}");
            assert!(row.failed.is_listed(), "{row:?}");
        }
    }
    check::<InstanceStatus>(|status| {
        vec![
            N::from(status.as_str()).phase(),
            D::from(status.as_str()).phase(),
        ]
    });
    check::<VolumeStatus>(|status| vec![status.phase()]);
    check::<DataVolumeStatus>(|status| vec![status.phase()]);
    check::<ImageStatus>(|status| vec![status.phase()]);
}

#[test]
fn a_status_that_no_document_lists_is_not_read() {
    let is_listed = |status: &str| {
        [
            VolumeStatus::from(status).is_listed(),
            DataVolumeStatus::from(status).is_listed(),
            ImageStatus::from(status).is_listed(),
            InstanceStatus::from(status).is_listed(),
        ]
    };
    assert_eq!(is_listed("TELEPORTING"), [false; 4]);
    assert_eq!(is_listed("DELETED"), [true, false, true, true]);
    assert_eq!(is_listed("MOUNTED"), [true, true, false, false]);
}
