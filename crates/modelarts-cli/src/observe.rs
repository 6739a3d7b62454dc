//! Reports the library's retries, attempts and exchanges on standard error and in the trace file.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt as log};

use crate::output::note;
use crate::text;

/// The minimum delay of a retry that is reported.
const REPORTED_DELAY: Duration = Duration::from_secs(2);

/// What to report, according to the flags.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verbosity {
    /// A line for each attempt.
    pub(crate) attempts: bool,
    /// Everything that the library logs.
    pub(crate) debug: bool,
}

/// Installs the subscriber for the library's events.
pub(crate) fn start(verbosity: Verbosity, trace_file: Option<&Path>) -> Result<()> {
    let own = |most: Level| {
        filter_fn(move |metadata| is_own(metadata.target()) && *metadata.level() <= most)
    };
    let reporter = Reporter {
        attempts: verbosity.attempts,
        exchanges: verbosity.debug,
    };
    // Bodies are only prepared for display if they are requested.
    let reported = match verbosity.debug {
        true => Level::TRACE,
        false => Level::DEBUG,
    };
    let debug = verbosity.debug.then(|| {
        log::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            // The reporter prints exchanges in a readable form.
            .with_filter(filter_fn(|metadata| {
                is_own(metadata.target()) && metadata.target() != modelarts::EXCHANGE_EVENTS
            }))
    });
    let trace = match trace_file {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("--trace-file: creating {}", path.display()))?;
            let layer = log::layer().json().with_writer(Mutex::new(file));
            Some(layer.with_filter(own(Level::TRACE)))
        }
        None => None,
    };
    Registry::default()
        .with(reporter.with_filter(own(reported)))
        .with(debug)
        .with(trace)
        .try_init()
        .ok();
    Ok(())
}

/// Whether an event comes from the library, and not from the emulator that serves a command or from the HTTP layer.
fn is_own(target: &str) -> bool {
    target == "modelarts" || target.starts_with("modelarts::")
}

struct Reporter {
    attempts: bool,
    /// Whether to report complete requests and responses, without secrets.
    exchanges: bool,
}

/// The fields of a span or an event, as text.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        let of_name = self.0.iter().rev().find(|(field, _)| *field == name);
        of_name.map(|(_, value)| value.as_str())
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Reporter {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let target = event.metadata().target();
        let is_retry = target == modelarts::RETRY_EVENTS;
        let is_exchange = target == modelarts::EXCHANGE_EVENTS && self.exchanges;
        if !is_retry && !is_exchange {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let lines = match is_exchange {
            true => Some(exchange(&fields)),
            false => retry(&fields, self.attempts),
        };
        if let Some(lines) = lines {
            note(&text::visible(&lines));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        if !self.attempts || span.name() != "attempt" {
            return;
        }
        let operation = span.parent().and_then(|call| {
            let extensions = call.extensions();
            let operation = extensions.get::<Fields>()?.get("operation")?;
            Some(operation.to_owned())
        });
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<Fields>() else {
            return;
        };
        let outcome = match fields.get("status") {
            Some(status) => format!("HTTP {status}"),
            None => "no response".to_owned(),
        };
        let mut line = format!(
            "{} attempt {}: {outcome}",
            operation.unwrap_or_default(),
            fields.get("number").unwrap_or("1"),
        );
        if let Some(millis) = fields.get("millis") {
            let _ = write!(line, " in {millis} ms");
        }
        note(&text::visible(&line));
    }
}

/// Formats a retry: `throttled, next attempt in 20 s (2 of 5)`.
fn retry(fields: &Fields, all: bool) -> Option<String> {
    let delay = Duration::from_millis(fields.get("delay_ms")?.parse().ok()?);
    if delay < REPORTED_DELAY && !all {
        return None;
    }
    let delay = match delay.as_millis() {
        millis if millis < 1000 => format!("{millis} ms"),
        // Rounded up, since the next attempt is never earlier than reported.
        millis => format!("{} s", millis.div_ceil(1000)),
    };
    Some(format!(
        "{}, next attempt in {delay} ({} of {})",
        fields.get("reason")?,
        fields.get("next_attempt")?,
        fields.get("max_attempts")?,
    ))
}

/// Formats a request or a response like `curl --verbose`.
fn exchange(fields: &Fields) -> String {
    let get = |name| fields.get(name).unwrap_or_default();
    let (mark, first) = match fields.get("status") {
        Some(status) => ('<', format!("HTTP {status}")),
        None => ('>', format!("{} {}", get("method"), get("url"))),
    };
    let mut lines = format!("{mark} {first}");
    for header in get("headers").lines() {
        let _ = write!(lines, "\n{mark} {header}");
    }
    let body = get("body");
    if !body.is_empty() {
        let _ = write!(lines, "\n{mark}\n{mark} {body}");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(delay: &str, all: bool) -> Option<String> {
        let fields = [
            ("reason", "throttled"),
            ("delay_ms", delay),
            ("next_attempt", "2"),
            ("max_attempts", "5"),
        ];
        retry(
            &Fields(fields.map(|(name, value)| (name, value.to_owned())).into()),
            all,
        )
    }

    #[test]
    fn a_long_wait_is_announced() {
        assert_eq!(
            line("19400", false).as_deref(),
            Some("throttled, next attempt in 20 s (2 of 5)")
        );
        assert_eq!(line("1900", false), None);
        assert_eq!(
            line("400", true).as_deref(),
            Some("throttled, next attempt in 400 ms (2 of 5)")
        );
    }
}
