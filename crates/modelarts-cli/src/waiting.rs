//! Waiting, with a progress line on a terminal and plain lines elsewhere.

use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use console::Term;
use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use modelarts::Waiter;

use crate::failure::Failure;
use crate::{output, text};

/// Whether and how a command waits.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Wait {
    /// Wait until the operation is complete, for at most --timeout
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) interval: Interval,
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Interval {
    /// Time between polls [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = text::duration, help_heading = "Waiting")]
    pub(crate) interval: Option<Duration>,
}

/// The resource that the command is waiting for, and its state; reported when the command is interrupted.
static STATE: Mutex<Option<String>> = Mutex::new(None);

pub(crate) fn state() -> Option<String> {
    STATE.lock().ok().and_then(|state| state.clone())
}

/// Standard error, reported as slightly narrower than it is.
///
/// A progress line is padded to the whole width. Text that the terminal itself writes after it, such as `^C`, would
/// start a new line, and the progress line above would never be erased.
#[derive(Debug)]
struct NarrowTerminal(Term);

/// The room for text that the terminal itself writes.
const MARGIN: u16 = 4;

impl TermLike for NarrowTerminal {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(MARGIN)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How many times per second the line is drawn.
const REFRESH_RATE: u8 = 20;

/// Returns a progress line that any terminal can show.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let terminal = Box::new(NarrowTerminal(Term::buffered_stderr()));
    bar.set_draw_target(ProgressDrawTarget::term_like_with_hz(
        terminal,
        REFRESH_RATE,
    ));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(match text::is_unicode() {
            true => style,
            // The last character is shown at the end.
            false => style.tick_chars("-\\|/ "),
        });
    }
    bar
}

/// Shows the progress of one wait.
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
            bar.set_message(what.clone());
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
            Some(bar) => bar.set_message(line),
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

/// Waits until the target is reached; returns the resource, unless it no longer exists.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_line_leaves_room_for_what_the_terminal_writes() {
        let terminal = NarrowTerminal(Term::buffered_stderr());
        assert_eq!(terminal.width() + MARGIN, terminal.0.size().1);
    }
}
