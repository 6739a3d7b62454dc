//! Runs hundreds of emulators in one process, as parallel tests do: they share nothing and leak nothing. This test
//! has its own process, so that no other test's handles and threads are counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::join_all;
use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts_tests::environment::TestEnvironment;

const EMULATORS: usize = 300;
/// Time limit for resources to be released.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_emulators_share_nothing_and_leave_nothing_behind() {
    // Lazily initialized globals are created before anything is counted.
    life_cycle(0).await;
    let before = Held::now();
    let tasks = (0..EMULATORS).map(|number| tokio::spawn(life_cycle(number)));
    let ended: Vec<(SocketAddr, String)> = join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    // Resources such as the client's side of a connection are released asynchronously.
    let released = async {
        while !Held::now().is_no_more_than(&before) {
            tokio::task::yield_now().await;
        }
    };
    let released = tokio::time::timeout(LIMIT, released).await;
    let after = Held::now();
    println!("{EMULATORS} emulators: {before:?} before, {after:?} after");
    assert!(released.is_ok(), "{before:?} before, {after:?} after");

    for (address, _) in &ended {
        assert!(TcpStream::connect(address).is_err(), "{address}");
    }
    let ids: BTreeSet<_> = ended.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 1, "all began with the same rng_seed");
}

/// Runs the life cycle of a notebook on an emulator, which is then shut down or only dropped. Returns the emulator's
/// address and the id of the notebook.
async fn life_cycle(number: usize) -> (SocketAddr, String) {
    let environment = TestEnvironment::new().await;
    let notebooks = environment.client.notebooks();
    let name = format!("notebook-{number}");
    let volume = VolumeReq::builder().category("EVS").ownership("MANAGED");
    let request = CreateNotebookRequest::builder()
        .name(&name)
        .flavor("modelarts.vm.cpu.2u")
        .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
        .volume(volume);
    let created = notebooks.create(&request.build().unwrap()).await;
    let id = created.unwrap().id.unwrap();
    notebooks.wait_until_running(&id).await.unwrap();
    notebooks.ensure_stopped(&id).await.unwrap();
    let listed: Vec<_> = notebooks.list().items().try_collect().await.unwrap();
    let names: Vec<_> = listed.iter().filter_map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [name]);
    notebooks.ensure_deleted(&id).await.unwrap();
    let address = environment.emulator.address();
    drop(environment.client);
    if number.is_multiple_of(2) {
        environment.emulator.shutdown().await;
    }
    (address, id)
}

/// The resources of the process, if the system reports them.
#[derive(Debug)]
struct Held {
    handles: Option<usize>,
    threads: Option<usize>,
}

impl Held {
    fn now() -> Self {
        let count = |folder| fs::read_dir(folder).ok().map(Iterator::count);
        Self {
            handles: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }

    /// The number may be lower, since the first count may include resources of the first emulator.
    fn is_no_more_than(&self, before: &Self) -> bool {
        self.handles <= before.handles && self.threads <= before.threads
    }
}
