//! The table of results that a benchmark prints.

use std::fmt;
use std::time::Duration;

/// The target of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// At most this value.
    AtMost(f64),
    /// At least this value.
    AtLeast(f64),
    /// No target: the figure explains others.
    None,
}

impl Aim {
    fn verdict(self, value: f64) -> &'static str {
        match self {
            Self::AtMost(limit) if value <= limit => "ok",
            Self::AtLeast(limit) if value >= limit => "ok",
            Self::AtMost(_) | Self::AtLeast(_) => "missed",
            Self::None => "",
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => f.pad(&format!("<= {limit}")),
            Self::AtLeast(limit) => f.pad(&format!(">= {limit}")),
            Self::None => f.pad(""),
        }
    }
}

/// A table with a row per figure. Each row is printed at once, since the next figure may take a while.
#[derive(Debug)]
pub struct Table(());

impl Table {
    /// Prints the header.
    pub fn new(title: &str) -> Self {
        println!("\n{title}");
        println!(
            "{:<72} {:>9} {:>10} {:<7} details",
            "figure", "aim", "measured", "verdict"
        );
        Self(())
    }

    /// Prints a row.
    pub fn row(&self, figure: &str, aim: Aim, measured: f64, details: impl fmt::Display) {
        let verdict = aim.verdict(measured);
        println!("{figure:<72} {aim:>9} {measured:>10.3} {verdict:<7} {details}");
    }
}

/// Formats a short time.
pub fn short(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.2} µs")
    } else {
        format!("{:.2} ms", micros / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_at_its_limit() {
        assert_eq!(Aim::AtMost(1.05).verdict(1.05), "ok");
        assert_eq!(Aim::AtMost(1.05).verdict(1.051), "missed");
        assert_eq!(Aim::AtLeast(0.7).verdict(0.7), "ok");
        assert_eq!(Aim::AtLeast(0.7).verdict(f64::NAN), "missed");
    }
}
