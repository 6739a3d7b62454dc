//! On a full disk, acknowledged changes are kept and changes that cannot be written are rejected. Once there is space
//! again, the emulator continues.

use std::collections::BTreeSet;
use std::io;

use serde_json::{Value, json};

use crate::resource::{Kind, id, label};
use crate::service::Service;
use crate::{empty_folder, process};

/// The size of the disk in bytes: enough for the initial state.
const DISK: u64 = 512 * 1024;
/// More notebooks than fit on the disk.
const MOST: usize = 5000;

fn create(service: &Service, name: &str) -> io::Result<(u16, Value)> {
    let body = json!({
        "name": name,
        "flavor": "modelarts.vm.cpu.2u",
        "image_id": "278e88d1-5b71-4766-8502-b3ba72e824d9",
        "description": "x".repeat(512),
        "volume": { "category": "EVS", "ownership": "MANAGED", "capacity": 5 },
    });
    service.call("POST", "/notebooks", Some(body))
}

/// Creates notebooks until one is rejected; returns the ids of the others.
fn fill(service: &Service) -> io::Result<BTreeSet<String>> {
    let mut created = BTreeSet::new();
    for number in 0..MOST {
        let (status, body) = create(service, &format!("before-{number}"))?;
        if status != 200 {
            assert_eq!(status, 500, "{body}");
            let message = body["error_msg"].as_str().unwrap_or_default();
            assert!(message.contains("cannot write its state file"), "{body}");
            return Ok(created);
        }
        created.insert(id(&body).to_owned());
    }
    panic!("the disk is not full after {MOST} notebooks");
}

fn listed(service: &Service) -> io::Result<BTreeSet<String>> {
    let notebooks = service.list(Kind::Notebook)?;
    Ok(notebooks.iter().map(|each| id(each).to_owned()).collect())
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() -> io::Result<()> {
    let folder = empty_folder("full-disk-killed")?;
    let mut process = process::start_with_small_disk(&folder, DISK)?;
    let service = process::sign_in(&process)?;
    let created = fill(&service)?;
    assert!(created.len() > 5, "{created:?}");
    // Memory is ahead of the file, so reads fail as well.
    let path = format!("/notebooks/{}", created.first().expect("one"));
    assert_eq!(service.call("GET", &path, None)?.0, 500);
    process.kill();

    let process = process::start(&folder)?;
    let service = process::sign_in(&process)?;
    assert_eq!(listed(&service)?, created);
    assert_eq!(create(&service, "after")?.0, 200);
    Ok(())
}

#[test]
fn the_emulator_continues_once_the_disk_has_space() -> io::Result<()> {
    let folder = empty_folder("full-disk-freed")?;
    let process = process::start_with_small_disk(&folder, DISK)?;
    let service = process::sign_in(&process)?;
    let created = fill(&service)?;
    let pid = process.id().try_into().expect("a process id");
    let unlimited = (rlimit::INFINITY, rlimit::INFINITY);
    rlimit::prlimit(pid, rlimit::Resource::FSIZE, Some(unlimited), None)?;
    // The emulator retries the write with the next change at the latest.
    let (status, body) = create(&service, "after")?;
    assert_eq!(status, 200, "{body}");
    // Changes that failed while the disk was full are written as well: a 500 leaves the outcome open.
    let shown = service.list(Kind::Notebook)?;
    let ids: BTreeSet<_> = shown.iter().map(|each| id(each).to_owned()).collect();
    assert!(ids.is_superset(&created), "{ids:?}");
    let names: BTreeSet<_> = shown.iter().map(label).collect();
    assert!(names.contains("after"), "{names:?}");
    drop(process);

    let process = process::start(&folder)?;
    let service = process::sign_in(&process)?;
    assert_eq!(listed(&service)?, ids);
    Ok(())
}
