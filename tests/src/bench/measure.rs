//! Measurements that other load on the machine disturbs little: CPU time of one thread, two candidates taking turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// Keeps this thread, and those that it starts, to one core.
///
/// Waking an idle core is charged to whoever wakes it, in a virtual machine more than a whole call; which thread that
/// hits would be a matter of chance. Where threads cannot be pinned, nothing happens.
pub fn stay_on_one_core() {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.last() {
        core_affinity::set_for_current(*core);
    }
}

/// What two candidates cost.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Median CPU time of one operation of the first candidate.
    pub ours: Duration,
    /// Median CPU time of one operation of the second.
    pub bare: Duration,
    /// Median of the ratios of all rounds, first to second.
    pub ratio: f64,
}

/// Compares the CPU time that two candidates take on this thread, in `rounds` rounds of `operations` operations each.
///
/// They take turns, also at going first. What they return is dropped after its measurement.
pub fn compare<A, B>(
    rounds: usize,
    operations: u32,
    mut ours: impl FnMut() -> A,
    mut bare: impl FnMut() -> B,
) -> Comparison {
    let round = |number: usize| {
        if number.is_multiple_of(2) {
            let first = cpu_time(operations, &mut ours);
            (first, cpu_time(operations, &mut bare))
        } else {
            let first = cpu_time(operations, &mut bare);
            (cpu_time(operations, &mut ours), first)
        }
    };
    // The first round fills caches and pools.
    let samples: Vec<(f64, f64)> = (0..=rounds).map(round).skip(1).collect();
    let of_all = |figure: fn(&(f64, f64)) -> f64| median(samples.iter().map(figure).collect());
    Comparison {
        ours: Duration::from_secs_f64(of_all(|sample| sample.0)),
        bare: Duration::from_secs_f64(of_all(|sample| sample.1)),
        ratio: of_all(|(ours, bare)| ours / bare),
    }
}

/// Seconds of CPU time for one operation.
fn cpu_time<T>(operations: u32, work: &mut impl FnMut() -> T) -> f64 {
    let mut results = Vec::with_capacity(operations as usize);
    let begun = ThreadTime::now();
    for _ in 0..operations {
        results.push(black_box(work()));
    }
    begun.elapsed().as_secs_f64() / f64::from(operations)
}

/// The middle value; of an even number of values the upper one of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The present, for latencies.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
