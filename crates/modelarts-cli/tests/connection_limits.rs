//! Thousands of concurrent connections: the emulator still serves requests, releases all resources when the connections
//! close, and waits for connections to close when the limit of the system is reached.
//!
//! The tests inspect the process through `/proc`, so they only run on Linux.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails, and it measures real time"
)]

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use modelarts_test_support::connection::exchange;
use modelarts_test_support::process::{EmulatorProcess, without_clouds};

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");
/// The number of connections, unless the system allows fewer.
const CONNECTIONS: u64 = 10_000;
/// File descriptors needed for other purposes.
const OTHERS: u64 = 200;
/// The maximum time until the connections are released.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn ten_thousand_connections_are_served_and_released() -> io::Result<()> {
    // The emulator inherits the limit.
    let allowed = rlimit::increase_nofile_limit(CONNECTIONS + OTHERS)?;
    let count = CONNECTIONS.min(allowed - OTHERS);
    let mut command = Command::new(PROGRAM);
    command.args(["emulator", "--port=0", "--log=off", "--clock=manual"]);
    without_clouds(&mut command);
    let emulator = EmulatorProcess::start(command)?;
    check_health(&emulator)?;
    let before = Usage::of(&emulator);
    let mut during = Vec::new();
    for round in 1..=5 {
        let connections: Vec<TcpStream> = (0..count)
            .map(|number| connect(&emulator, number))
            .collect::<io::Result<_>>()?;
        for _ in 0..200 {
            check_health(&emulator)?;
        }
        let held = Usage::of(&emulator);
        assert!(held.descriptors >= count, "{held:?}");
        drop(connections);
        let after = Usage::once_released(&emulator, before.descriptors + 2)?;
        println!("round {round}: {count} connections; {before:?}, then {held:?}, then {after:?}");
        during.push(held.memory);
    }
    // Freed memory is reused, in the second round or later. A leak would grow by the same amount in each round.
    let first = during[0].saturating_sub(before.memory);
    let later = during[4].saturating_sub(during[1]);
    assert!(later < first / 2, "KiB after each round: {during:?}");
    Ok(())
}

/// Opens a connection that is idle, has sent half a request, or has received a response.
fn connect(emulator: &EmulatorProcess, number: u64) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(emulator.address())?;
    match number % 3 {
        0 => {}
        1 => connection.write_all(b"GET /v3 HTTP/1.1\r\nHost: half-a-requ")?,
        _ => {
            connection.write_all(b"GET /v3 HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            let mut beginning = [0; 15];
            connection.read_exact(&mut beginning)?;
            assert_eq!(&beginning, b"HTTP/1.1 200 OK");
        }
    }
    Ok(connection)
}

/// Sends a request on a separate connection.
fn check_health(emulator: &EmulatorProcess) -> io::Result<()> {
    let path = "/_emulator/health";
    let response = exchange(emulator.address(), "GET", path, &[], None)?;
    assert_eq!(response.status, 200, "{response:?}");
    Ok(())
}

/// The resource usage of a process.
#[derive(Debug)]
struct Usage {
    descriptors: u64,
    /// In KiB.
    memory: u64,
}

impl Usage {
    fn of(emulator: &EmulatorProcess) -> Self {
        let folder = format!("/proc/{}", emulator.id());
        let status = fs::read_to_string(format!("{folder}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|text| text.split_whitespace().next());
        Self {
            descriptors: fs::read_dir(format!("{folder}/fd")).unwrap().count() as u64,
            memory: memory.unwrap().parse().unwrap(),
        }
    }

    /// Sends requests until the emulator has closed its side of the connections.
    fn once_released(emulator: &EmulatorProcess, most: u64) -> io::Result<Self> {
        let begun = Instant::now();
        loop {
            check_health(emulator)?;
            let usage = Self::of(emulator);
            if usage.descriptors <= most {
                return Ok(usage);
            }
            assert!(begun.elapsed() < LIMIT, "{usage:?}");
        }
    }
}

#[test]
fn running_out_of_file_descriptors_neither_stops_nor_spins() -> io::Result<()> {
    let mut command = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" emulator --port=0 --log=off";
    command.args(["-c", script, PROGRAM]);
    without_clouds(&mut command);
    let emulator = EmulatorProcess::start(command)?;
    check_health(&emulator)?;
    let connections: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(emulator.address()))
        .collect::<io::Result<_>>()?;
    let (begun, before) = (Instant::now(), busy(&emulator));
    let mut last = &connections[199];
    last.write_all(b"GET /v3 HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    last.set_read_timeout(Some(Duration::from_secs(1)))?;
    let waited = last.read(&mut [0; 1]).unwrap_err();
    assert_eq!(
        waited.kind(),
        ErrorKind::WouldBlock,
        "there was room for it"
    );
    let (busy, elapsed) = (busy(&emulator) - before, begun.elapsed());
    println!("busy for {busy:?} of {elapsed:?} while nothing could be accepted");
    assert!(busy < elapsed / 3, "{busy:?} of {elapsed:?}");
    drop(connections);
    check_health(&emulator)
}

/// Returns the CPU time of all threads of a process.
fn busy(emulator: &EmulatorProcess) -> Duration {
    let threads = fs::read_dir(format!("/proc/{}/task", emulator.id())).unwrap();
    let run = threads.map(|thread| {
        let path = thread.unwrap().path().join("schedstat");
        // The thread may have exited in the meantime.
        let text = fs::read_to_string(path).unwrap_or_default();
        let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
        Duration::from_nanos(nanoseconds.unwrap_or_default())
    });
    run.sum()
}
