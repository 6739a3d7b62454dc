//! Measurements that are robust against other load: CPU time of one thread, with two candidates in alternation.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// Pins this thread, and those that it starts, to one core.
///
/// Waking an idle core costs the waking thread CPU time, in a virtual machine more than a whole call, and which
/// thread pays would be random. Does nothing if threads cannot be pinned.
pub fn stay_on_one_core() {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.last() {
        core_affinity::set_for_current(*core);
    }
}

/// The cost of two candidates.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Median CPU time of one operation of the first candidate.
    pub ours: Duration,
    /// Median CPU time of one operation of the second.
    pub bare: Duration,
    /// Median of the ratios of all rounds, first to second.
    pub ratio: f64,
}

/// Compares the CPU time of two candidates on this thread, in `rounds` rounds of `operations` operations each.
///
/// The candidates alternate, also in which one is first. Their results are dropped after the measurement.
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

/// CPU time of one operation, in seconds.
fn cpu_time<T>(operations: u32, work: &mut impl FnMut() -> T) -> f64 {
    let mut results = Vec::with_capacity(operations as usize);
    let begun = ThreadTime::now();
    for _ in 0..operations {
        results.push(black_box(work()));
    }
    begun.elapsed().as_secs_f64() / f64::from(operations)
}

/// Returns the median; of an even number of values, the upper one of the middle two.
pub fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Returns the current time, to measure latencies.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
