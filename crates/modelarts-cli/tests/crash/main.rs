//! The emulator is killed while it works, again and again: what it acknowledged or showed to anybody is never lost, what
//! it did not is either there as a whole or not at all, and what was under way goes on after the restart.
//!
//! `CRASH_ROUNDS` says how often (20), `CRASH_SEED` which operations (1).

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
/// Seconds that are enough for everything under way to end.
const LONG: u64 = 700;
/// How long a notebook is CREATING, in milliseconds.
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
        "{rounds} rounds: {made} changes acknowledged, {open} never answered, {shown} of these seen by others"
    );
    assert!(made > rounds, "hardly anything was tried");
    Ok(())
}

/// A folder of its own for a test.
fn empty_folder(name: &str) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Lets the workers change what they own, and kills the emulator under them after some acknowledged changes.
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
    // So that the end comes sometimes when a change is safe and sometimes when it was merely seen.
    let more_looks = random.below(6);
    let (looked, looks) = mpsc::channel();
    let (resources, seen) = thread::scope(|scope| {
        let observer = scope.spawn(|| Seen::until_the_end(service, looked));
        let workers: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| worker.run()))
            .collect();
        let made = receiver.iter().take(enough).count();
        scope.spawn(|| service.keep_the_disk_busy());
        while looks.try_recv().is_ok() {}
        looks.iter().take(more_looks).for_each(drop);
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

/// Deals everything out, mounts to the owner of their notebook.
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

/// Everything that the emulator should know of.
#[derive(Default)]
struct Log {
    resources: Vec<Resource>,
    /// What an observer saw last.
    seen: Seen,
    /// How many changes were acknowledged.
    made: u64,
    /// How many were never answered.
    open: u64,
    /// How many of these an observer saw all the same.
    shown: u64,
}

impl Log {
    /// Compares the emulator with the log and settles what was left open.
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
            assert_eq!(listed, known, "{kind:?}: what is listed, and what is known");
        }
        Ok(())
    }

    /// Moves the clock and sees that everything goes on as it should.
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

/// Whether time alone leads from one status to the other; nothing at all stands for "gone".
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

/// Whether the end of the lease leads from one status to the other.
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
