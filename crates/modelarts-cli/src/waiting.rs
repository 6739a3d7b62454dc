//! Waiting, with a progress line on a terminal and plain lines elsewhere.

use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use modelarts::Waiter;

use crate::failure::Failure;
use crate::{output, text};

/// Whether and how a command waits.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Wait {
    /// Wait until it is done; --timeout limits it, 20 minutes unless given
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) interval: Interval,
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Interval {
    /// Time between two polls; 10s unless given
    #[arg(long, value_name = "DURATION", value_parser = text::duration, help_heading = "Waiting")]
    pub(crate) interval: Option<Duration>,
}

/// What the command was waiting for when it was interrupted, and in what state that is.
static STATE: Mutex<Option<String>> = Mutex::new(None);

pub(crate) fn state() -> Option<String> {
    STATE.lock().ok().and_then(|state| state.clone())
}

/// A progress line that any terminal can show. It leaves room for what the terminal writes behind it, such as `^C`: on
/// the line below that would stay, and the progress line with it.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(match text::is_unicode() {
            true => style,
            // The last one is for the end.
            false => style.tick_chars("-\\|/ "),
        });
    }
    bar
}

/// How long the message of a progress line may be, beside the spinner and the time.
pub(crate) fn room() -> usize {
    const REST: usize = 16;
    let width = comfy_table::Table::new().width().map_or(80, usize::from);
    width.saturating_sub(REST)
}

/// Shows how one wait goes.
struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    last: String,
}

impl Progress {
    fn new(what: &str) -> Self {
        let what = text::one_line(what);
        let bar = io::stderr().is_terminal().then(|| {
            let bar = spinner();
            bar.set_message(text::cut(&what, room()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        output::set_progress(bar.clone());
        Self {
            what,
            bar,
            last: String::new(),
        }
    }

    fn show(&mut self, state: String) {
        if let Ok(mut known) = STATE.lock() {
            *known = Some(format!("{} is {state}", self.what));
        }
        if state == self.last {
            return;
        }
        let line = format!("{}: {state}", self.what);
        match &self.bar {
            Some(bar) => bar.set_message(text::cut(&line, room())),
            None => output::note(&line),
        }
        self.last = state;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        output::set_progress(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Ok(mut known) = STATE.lock() {
            *known = None;
        }
    }
}

/// Waits to the end; returns the resource, unless the end is that there is none.
pub(crate) async fn follow<T, O>(waiter: Waiter<T, O>, what: &str) -> Result<Option<T>, Failure>
where
    T: Send + 'static,
    O: 'static,
{
    let mut progress = Progress::new(what);
    let mut events = pin!(waiter.events());
    let mut resource = None;
    while let Some(event) = events.try_next().await? {
        let polled = event.status;
        let steps = match polled.progress.filter(|_| !event.done) {
            Some(steps) => format!(" ({steps})"),
            None => String::new(),
        };
        progress.show(text::one_line(&format!("{}{steps}", polled.status)));
        resource = event.resource;
    }
    Ok(resource)
}
