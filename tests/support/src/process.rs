//! Runs the emulator as a separate process, which tests can kill.

use std::env;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Prefixes of the environment variables that select a cloud and its credentials.
const CLOUDS: [&str; 4] = ["OS_", "OTC_", "HUAWEICLOUD_", "MODELARTS_"];

/// Removes the environment variables about clouds and credentials from a command.
pub fn without_clouds(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if CLOUDS.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// A running emulator, which is killed on drop.
#[derive(Debug)]
pub struct EmulatorProcess {
    child: Child,
    /// Kept open, since a closed pipe would stop the emulator.
    output: Option<BufReader<ChildStdout>>,
    ready: String,
    address: String,
}

impl EmulatorProcess {
    /// Starts an emulator, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or exits before it listens.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("the output is piped");
        let mut process = Self {
            child,
            output: Some(BufReader::new(output)),
            ready: String::new(),
            address: String::new(),
        };
        // From here on, an error kills the process.
        while process.address.is_empty() {
            process.ready.clear();
            let output = process.output.as_mut().expect("nobody took it yet");
            if output.read_line(&mut process.ready)? == 0 {
                return Err(io::Error::other("the emulator exited before it listened"));
            }
            if let Some((_, rest)) = process.ready.split_once("http://") {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !".:[]-".contains(c));
                rest[..end.unwrap_or(rest.len())].clone_into(&mut process.address);
            }
        }
        Ok(process)
    }

    /// Returns host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the line with the address.
    pub fn ready(&self) -> &str {
        &self.ready
    }

    /// Returns the output after that line.
    ///
    /// # Panics
    /// When the output was taken.
    pub fn output(&mut self) -> &mut BufReader<ChildStdout> {
        self.output.as_mut().expect("nobody took it")
    }

    /// Takes the output, to drain it so that the pipe never fills.
    pub fn take_output(&mut self) -> Option<BufReader<ChildStdout>> {
        self.output.take()
    }

    /// Returns the process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process (SIGKILL on Unix): no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        // The process may already have exited.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
