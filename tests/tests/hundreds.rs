//! Hundreds of emulators in one process, as in a suite of parallel tests: each lives on its own, and nothing is left of
//! any. A process of its own, so that nobody else's handles and threads are counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpStream};

use futures::TryStreamExt as _;
use futures::future::join_all;
use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts_tests::world::World;

const HUNDREDS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_live_beside_each_other_and_leave_nothing_behind() {
    // What is made once for all is there before anything is counted.
    live(0).await;
    let before = Held::now();
    let lives = (0..HUNDREDS).map(|number| tokio::spawn(live(number)));
    let lives: Vec<(SocketAddr, String)> = join_all(lives)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    // What was dropped and not waited for, like the client's side of a connection, ends a little later.
    let mut after = Held::now();
    for _ in 0..100_000 {
        if after.is_no_more_than(&before) {
            break;
        }
        tokio::task::yield_now().await;
        after = Held::now();
    }
    println!("{HUNDREDS} emulators: {before:?} before, {after:?} after");
    assert!(after.is_no_more_than(&before));

    for (address, _) in &lives {
        assert!(TcpStream::connect(address).is_err(), "{address}");
    }
    let ids: BTreeSet<_> = lives.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 1, "all began with the same rng_seed");
}

/// The whole life of a notebook on an emulator of its own, which is then stopped or merely dropped; its address, and the
/// id of the notebook.
async fn live(number: usize) -> (SocketAddr, String) {
    let world = World::new().await;
    let notebooks = world.client.notebooks();
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
    let address = world.emulator.address();
    drop(world.client);
    if number.is_multiple_of(2) {
        world.emulator.shutdown().await;
    }
    (address, id)
}

/// What the process holds, where the system tells.
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

    /// Less is possible: what was counted before may still have held something of the first life.
    fn is_no_more_than(&self, before: &Self) -> bool {
        self.handles <= before.handles && self.threads <= before.threads
    }
}
