//! Very many connections at once: those who ask are answered meanwhile, nothing is left behind when they go, and when
//! there are more than the system allows, the emulator waits for some to end.
//!
//! It looks at the process from outside, which only Linux shows in this form.

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

use modelarts_tests::program::{self, Program};

/// So many, or as many as the system allows this process.
const CROWD: u64 = 10_000;
/// Handles that are needed beside.
const OTHERS: u64 = 200;
/// What a connection may take of the emulator's memory, in KiB; a debug build takes about 25.
const MOST: f64 = 40.0;

#[test]
fn ten_thousand_connections_are_held_and_leave_nothing_behind() -> io::Result<()> {
    // The emulator inherits the limit.
    let allowed = rlimit::increase_nofile_limit(CROWD + OTHERS)?;
    let crowd = CROWD.min(allowed - OTHERS);
    let emulator = Program::start(&program::build(), ["--clock", "manual"])?;
    ask(&emulator)?;
    let before = Usage::of(&emulator);
    let mut held = Vec::new();
    for round in 1..=5 {
        let begun = Instant::now();
        let connections: Vec<TcpStream> = (0..crowd)
            .map(|number| join(&emulator, number))
            .collect::<io::Result<_>>()?;
        let opened = begun.elapsed();
        let mut slowest = Duration::ZERO;
        for _ in 0..200 {
            let begun = Instant::now();
            ask(&emulator)?;
            slowest = slowest.max(begun.elapsed());
        }
        let during = Usage::of(&emulator);
        assert!(during.handles >= crowd, "{during:?}");
        drop(connections);
        let after = Usage::of_few_handles(&emulator, before.handles + 2)?;
        let each = during.memory.saturating_sub(before.memory) as f64 / crowd as f64;
        println!(
            "round {round}: {crowd} connections in {opened:.1?}, {each:.1} KiB each, an answer meanwhile in at most \
             {slowest:.1?}; handles {} -> {} -> {}, memory {} -> {} -> {} KiB",
            before.handles,
            during.handles,
            after.handles,
            before.memory,
            during.memory,
            after.memory
        );
        assert!(each < MOST, "{each} KiB each");
        held.push(during.memory);
    }
    // What was freed is used again, sooner or later: a leak would add up.
    let growth = held[4].saturating_sub(held[3]);
    assert!(growth < 2 * crowd, "{held:?} KiB");
    Ok(())
}

/// A connection that idles, that has sent half a request, or that was answered and is kept.
fn join(emulator: &Program, number: u64) -> io::Result<TcpStream> {
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

/// An ordinary call on a connection of its own.
fn ask(emulator: &Program) -> io::Result<()> {
    let mut connection = TcpStream::connect(emulator.address())?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    connection.write_all(
        b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}

/// What a process holds.
#[derive(Debug)]
struct Usage {
    handles: u64,
    /// In KiB.
    memory: u64,
}

impl Usage {
    fn of(emulator: &Program) -> Self {
        let folder = format!("/proc/{}", emulator.id());
        let status = fs::read_to_string(format!("{folder}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|text| text.split_whitespace().next());
        Self {
            handles: fs::read_dir(format!("{folder}/fd")).unwrap().count() as u64,
            memory: memory.unwrap().parse().unwrap(),
        }
    }

    /// Asks until it has noticed that connections are gone.
    fn of_few_handles(emulator: &Program, most: u64) -> io::Result<Self> {
        let begun = Instant::now();
        loop {
            ask(emulator)?;
            let usage = Self::of(emulator);
            if usage.handles <= most {
                return Ok(usage);
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{usage:?}");
        }
    }
}

#[test]
fn running_out_of_handles_ends_nothing_and_burns_no_time() -> io::Result<()> {
    let mut command = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" emulator --port 0 --log off";
    command.args(["-c", script]).arg(program::build());
    let emulator = Program::spawn(command)?;
    ask(&emulator)?;
    let crowd: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(emulator.address()))
        .collect::<io::Result<_>>()?;
    let before = ticks(&emulator);
    let mut last = &crowd[199];
    last.write_all(b"GET /v3 HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    last.set_read_timeout(Some(Duration::from_secs(1)))?;
    let waited = last.read(&mut [0; 1]).unwrap_err();
    assert_eq!(
        waited.kind(),
        ErrorKind::WouldBlock,
        "there was room for it"
    );
    let busy = ticks(&emulator) - before;
    println!("{busy} of about 100 ticks while nothing could be accepted");
    assert!(busy < 30, "{busy} ticks");
    drop(crowd);
    ask(&emulator)
}

/// The processor time that a process has used, in hundredths of a second as a rule.
fn ticks(emulator: &Program) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", emulator.id())).unwrap();
    // The name of the program, in brackets, may have spaces.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
