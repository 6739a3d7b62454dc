//! The report of a comparison: differences and figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::errata::{self, Errata};

/// Prefix of the SDK's spans.
const SDK: &str = "sdk/";

/// An aspect that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    Operations,
    Parameters,
    Fields,
    Types,
    Mandatory,
    Values,
    Limits,
    Defaults,
    Units,
    References,
    Statuses,
    Samples,
}

impl Aspect {
    const ALL: [Self; 12] = [
        Self::Operations,
        Self::Parameters,
        Self::Fields,
        Self::Types,
        Self::Mandatory,
        Self::Values,
        Self::Limits,
        Self::Defaults,
        Self::Units,
        Self::References,
        Self::Statuses,
        Self::Samples,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Parameters => "parameters",
            Self::Fields => "fields",
            Self::Types => "types",
            Self::Mandatory => "mandatory",
            Self::Values => "values",
            Self::Limits => "limits",
            Self::Defaults => "defaults",
            Self::Units => "units",
            Self::References => "references",
            Self::Statuses => "statuses",
            Self::Samples => "samples",
        }
    }
}

/// How page and document differ; the names are used in the errata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Missing,
    Extra,
    Type,
    Mandatory,
    Values,
    Limit,
    Default,
    Unit,
    Reference,
    Status,
    Sample,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Mandatory => "mandatory",
            Self::Values => "values",
            Self::Limit => "limit",
            Self::Default => "default",
            Self::Unit => "unit",
            Self::Reference => "reference",
            Self::Status => "status",
            Self::Sample => "sample",
        })
    }
}

/// A difference without an erratum.
#[derive(Debug)]
struct Difference {
    span: String,
    message: String,
}

/// Numbers of compared and of differing facts.
#[derive(Debug, Default, Clone, Copy)]
struct Figure {
    facts: usize,
    differ: usize,
}

impl Figure {
    fn add(&mut self, other: Self) {
        self.facts += other.facts;
        self.differ += other.differ;
    }

    /// The score in hundredths of a percent, rounded down, so that 100 % means no difference.
    fn score(self) -> usize {
        match self.facts {
            0 => 10_000,
            facts => (facts - self.differ) * 10_000 / facts,
        }
    }
}

/// Collects facts and differences.
#[derive(Debug)]
pub(crate) struct Report {
    /// The intended differences of the errata: span and id of the row.
    on_purpose: BTreeMap<String, String>,
    met: BTreeSet<String>,
    figures: BTreeMap<String, BTreeMap<Aspect, Figure>>,
    differences: Vec<Difference>,
}

impl Report {
    /// Creates a report on pages.
    pub(crate) fn new(errata: &Errata) -> Self {
        Self::of(errata, |span| !span.starts_with(SDK))
    }

    /// Creates a report on facts of the SDK, whose spans begin with `sdk/`.
    pub(crate) fn of_sdk(errata: &Errata) -> Self {
        Self::of(errata, |span| span.starts_with(SDK))
    }

    fn of(errata: &Errata, concerns: impl Fn(&str) -> bool) -> Self {
        let own = |(span, id): (&str, &str)| (span.to_owned(), id.to_owned());
        let spans = errata.on_purpose().filter(|(span, _)| concerns(span));
        Self {
            on_purpose: spans.map(own).collect(),
            met: BTreeSet::new(),
            figures: BTreeMap::new(),
            differences: Vec::new(),
        }
    }

    /// Counts a fact, and records a difference that has no erratum.
    pub(crate) fn fact(
        &mut self,
        page: &str,
        aspect: Aspect,
        difference: Option<(String, Kind, String)>,
    ) {
        let figure = self
            .figures
            .entry(page.to_owned())
            .or_default()
            .entry(aspect)
            .or_default();
        figure.facts += 1;
        let Some((place, kind, message)) = difference else {
            return;
        };
        let span = format!("{place}:{kind}");
        if self.on_purpose.contains_key(&span) {
            self.met.insert(span);
            return;
        }
        figure.differ += 1;
        // A shared schema differs in the same way in every place.
        if !self.differences.iter().any(|known| known.span == span) {
            self.differences.push(Difference { span, message });
        }
    }

    /// Spans of the errata that match no difference although their page was compared.
    fn stale(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_compared = |span: &str| {
            let page = span.split('/').next().unwrap_or_default();
            span.starts_with(SDK) || self.figures.contains_key(page)
        };
        self.on_purpose
            .iter()
            .filter(|(span, _)| !self.met.contains(*span))
            .filter(move |(span, _)| is_compared(span))
            .map(|(span, id)| (span.as_str(), id.as_str()))
    }

    /// All findings as lines: differences first, then stale errata.
    pub(crate) fn findings(&self) -> Vec<String> {
        let differences = self
            .differences
            .iter()
            .map(|Difference { span, message }| format!("{span}: {message}"));
        let stale = self.stale().map(|(span, id)| {
            format!(
                "{span}: stale: row {id} of {} declares a difference that does not exist; remove the span",
                crate::errata::FILE
            )
        });
        differences.chain(stale).collect()
    }

    /// Prints findings and figures, and what to do on failure. Returns whether the comparison passes.
    pub(crate) fn conclude(&self, percent: f64) -> bool {
        for finding in self.findings() {
            println!("{finding}");
        }
        println!("{self}");
        let enough = self.suffices(percent);
        if !enough {
            eprintln!(
                "\nBelow {percent} percent, or an erratum is stale. Correct the document, or explain the difference in a row of {}.",
                errata::FILE
            );
        }
        enough
    }

    /// Whether the total reaches the percentage and no erratum is stale.
    pub(crate) fn suffices(&self, percent: f64) -> bool {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a score has at most five digits"
        )]
        let score = self.total().score() as f64;
        score >= percent * 100.0 && self.stale().next().is_none()
    }

    fn total(&self) -> Figure {
        let mut total = Figure::default();
        for figure in self.figures.values().flat_map(BTreeMap::values) {
            total.add(*figure);
        }
        total
    }
}

/// Formats the figures as a table with one row per page and a total.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut totals: BTreeMap<Aspect, Figure> = BTreeMap::new();
        for (aspect, figure) in self.figures.values().flatten() {
            totals.entry(*aspect).or_default().add(*figure);
        }
        let aspects: Vec<Aspect> = Aspect::ALL
            .into_iter()
            .filter(|aspect| totals.contains_key(aspect))
            .collect();
        write!(f, "{:<24}", "page")?;
        for aspect in &aspects {
            write!(f, "{:>12}", aspect.title())?;
        }
        writeln!(f, "{:>12}", "all")?;
        for (page, figures) in &self.figures {
            line(f, page, &aspects, figures)?;
        }
        line(f, "total", &aspects, &totals)?;
        write!(
            f,
            "{} differences, {} intended differences",
            self.differences.len(),
            self.met.len()
        )
    }
}

fn line(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    aspects: &[Aspect],
    figures: &BTreeMap<Aspect, Figure>,
) -> fmt::Result {
    write!(f, "{title:<24}")?;
    let mut all = Figure::default();
    for aspect in aspects {
        let figure = figures.get(aspect).copied().unwrap_or_default();
        all.add(figure);
        let cell = match figure.facts {
            0 => "-".to_owned(),
            facts => format!("{}/{facts}", facts - figure.differ),
        };
        write!(f, "{cell:>12}")?;
    }
    let score = all.score();
    writeln!(f, "{:>10}.{:02} %", score / 100, score % 100)
}
