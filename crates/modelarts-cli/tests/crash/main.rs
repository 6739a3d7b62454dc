//! The emulator is killed repeatedly while it is working. Changes that it acknowledged or showed to anybody are never lost,
//! other changes are applied completely or not at all, and transitions in progress continue after the restart.
//!
//! `CRASH_ROUNDS` is the number of kills (default 20), and `CRASH_SEED` selects the operations (default 1).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{env, fs, io, thread};

use modelarts_test_support::process::EmulatorProcess;
use observer::Seen;
use resource::{Kind, Resource, id, status};
use service::Service;
use worker::{Random, Worker};

#[cfg(target_os = "linux")]
mod full_disk;
mod observer;
mod process;
mod resource;
mod service;
mod worker;

const WORKERS: usize = 4;
/// Seconds after which all transitions are complete.
const LONG: u64 = 700;
/// The time that a notebook is CREATING, in milliseconds.
const CREATION: i64 = 90_000;

#[test]
fn nothing_acknowledged_is_lost_when_the_emulator_is_killed() -> io::Result<()> {
    let rounds = number("CRASH_ROUNDS", 20);
    let mut random = Random(number("CRASH_SEED", 1));
    let folder = empty_folder("crash")?;
    let mut log = Log::default();
    for round in 0..rounds {
        let process = process::start(&folder)?;
        let service = process::sign_in(&process)?;
        log.check(&service)?;
        log.let_time_pass(&service, [3, 40, LONG][random.below(3)])?;
        log = work(process, &service, log, round, &mut random);
    }
    let process = process::start(&folder)?;
    let service = process::sign_in(&process)?;
    log.check(&service)?;
    log.let_time_pass(&service, LONG)?;
    let Log {
        made, open, shown, ..
    } = log;
    println!(
        "{rounds} rounds: {made} changes acknowledged, {open} without a response, {shown} of these seen by others"
    );
    assert!(made > rounds, "hardly anything was tried");
    Ok(())
}

/// Creates an empty folder for a test.
fn empty_folder(name: &str) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs the workers, and kills the emulator after some acknowledged changes.
fn work(
    mut process: EmulatorProcess,
    service: &Service,
    log: Log,
    round: u64,
    random: &mut Random,
) -> Log {
    let (sender, receiver) = mpsc::channel();
    let enough = 1 + random.below(60);
    let workers: Vec<Worker<'_>> = shares(log.resources)
        .into_iter()
        .enumerate()
        .map(|(index, resources)| Worker {
            service,
            resources,
            random: Random(random.next()),
            name: format!("crash-{round}-{index}"),
            named: 0,
            done: sender.clone(),
        })
        .collect();
    drop(sender);
    // The kill happens sometimes after a change is durable, and sometimes when it has only been seen.
    let more_polls = random.below(6);
    let (polled, polls) = mpsc::channel();
    let (resources, seen) = thread::scope(|scope| {
        let observer = scope.spawn(|| Seen::until_the_end(service, polled));
        let workers: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| worker.run()))
            .collect();
        let made = receiver.iter().take(enough).count();
        scope.spawn(|| service.keep_the_disk_busy());
        while polls.try_recv().is_ok() {}
        polls.iter().take(more_polls).for_each(drop);
        process.kill();
        assert_eq!(made, enough, "all workers failed");
        let workers = workers.into_iter();
        let shares = workers.map(|worker| worker.join().expect("a worker failed"));
        let resources = shares.flatten().collect();
        (resources, observer.join().expect("the observer failed"))
    });
    Log {
        resources,
        seen,
        made: log.made + (enough + receiver.iter().count()) as u64,
        ..log
    }
}

/// Distributes the resources among the workers; a mount goes to the owner of its notebook.
fn shares(resources: Vec<Resource>) -> Vec<Vec<Resource>> {
    let mut shares = vec![Vec::new(); WORKERS];
    let (mounts, others): (Vec<_>, Vec<_>) = resources
        .into_iter()
        .partition(|resource| resource.kind == Kind::Mount);
    for (index, resource) in others.into_iter().enumerate() {
        shares[index % WORKERS].push(resource);
    }
    for mount in mounts {
        let owner = shares
            .iter_mut()
            .find(|share| share.iter().any(|each| mount.belongs_to(each)));
        owner.expect("a mount has a notebook").push(mount);
    }
    shares
}

/// The resources that the emulator should have, and statistics.
#[derive(Default)]
struct Log {
    resources: Vec<Resource>,
    /// The last state that the observer saw.
    seen: Seen,
    /// The number of acknowledged changes.
    made: u64,
    /// The number of changes without a response.
    open: u64,
    /// The number of those that the observer saw.
    shown: u64,
}

impl Log {
    /// Compares the emulator with the log, and resolves the changes without a response.
    fn check(&mut self, service: &Service) -> io::Result<()> {
        for resource in &mut self.resources {
            let before = resource.clone();
            resource.settle(service)?;
            if before.is_open() {
                self.open += 1;
                self.shown += u64::from(self.seen.is_still_so(&before, &resource.known));
            }
        }
        self.forget_what_is_gone();
        for kind in [Kind::Notebook, Kind::Instance, Kind::Image] {
            let known = self.resources.iter().filter(|each| each.kind == kind);
            let known: BTreeSet<&str> = known.map(|each| id(&each.known)).collect();
            let listed = service.list(kind)?;
            let listed: BTreeSet<&str> = listed.iter().map(id).collect();
            assert_eq!(listed, known, "{kind:?}: listed and known");
        }
        Ok(())
    }

    /// Advances the clock and checks that all transitions continue.
    fn let_time_pass(&mut self, service: &Service, seconds: u64) -> io::Result<()> {
        let now = service.advance(seconds)?;
        for resource in &mut self.resources {
            let found = service.show(&resource.path)?;
            let context = format!("{seconds} s later {found}, but it was {}", resource.known);
            let (before, after) = (status(&resource.known), status(&found));
            let leased = resource.known["lease"]["enable"] == true;
            let follows =
                before == after || follows(before, after) || (leased && ran_out(before, after));
            assert!(follows, "{context}");
            let stopping = leased && after == "STOPPING";
            assert!(
                seconds < LONG || stopping || !is_transient(after),
                "{context}"
            );
            if before == "CREATING" && resource.kind == Kind::Notebook {
                let age = now - resource.known["create_at"].as_i64().expect("create_at");
                assert_eq!(after == "CREATING", age < CREATION, "{context}");
            }
            resource.know(found);
        }
        self.forget_what_is_gone();
        Ok(())
    }

    fn forget_what_is_gone(&mut self) {
        self.resources.retain(|resource| !resource.known.is_null());
    }
}

/// Whether time alone leads from one status to the other; an empty status means that the resource is gone.
fn follows(before: &str, after: &str) -> bool {
    match before {
        "CREATING" => matches!(after, "RUNNING" | "ACTIVE"),
        "STARTING" | "SNAPSHOTTING" => after == "RUNNING",
        "STOPPING" => after == "STOPPED",
        "MOUNTING" => after == "MOUNTED",
        "UNMOUNTING" => matches!(after, "UNMOUNTED" | ""),
        "DELETING" | "DELETED" | "UNMOUNTED" => after.is_empty(),
        _ => false,
    }
}

/// Whether the expiry of the lease leads from one status to the other.
fn ran_out(before: &str, after: &str) -> bool {
    let runs = matches!(before, "CREATING" | "STARTING" | "RUNNING" | "SNAPSHOTTING");
    runs && matches!(after, "STOPPING" | "STOPPED")
}

fn is_transient(status: &str) -> bool {
    (status.ends_with("ING") && status != "RUNNING") || status == "DELETED"
}

fn number(variable: &str, default: u64) -> u64 {
    let text = env::var(variable).ok();
    text.map_or(default, |text| text.parse().expect(variable))
}
