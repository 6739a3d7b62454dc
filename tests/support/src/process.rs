//! The emulator as a process: for what must not happen to the process of the tests.

use std::env;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Variables that begin so say which cloud is meant, and how to sign in there.
const CLOUDS: [&str; 4] = ["OS_", "OTC_", "HUAWEICLOUD_", "MODELARTS_"];

/// Takes from a command what the environment of the test says about clouds.
pub fn without_clouds(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if CLOUDS.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// A running emulator; it ends when this is dropped.
#[derive(Debug)]
pub struct EmulatorProcess {
    child: Child,
    /// Stays open: a closed pipe would end the emulator.
    output: Option<BufReader<ChildStdout>>,
    ready: String,
    address: String,
}

impl EmulatorProcess {
    /// Starts a command that becomes an emulator, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it listens.
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
        // From here on an error ends the process.
        while process.address.is_empty() {
            process.ready.clear();
            let output = process.output.as_mut().expect("nobody took it yet");
            if output.read_line(&mut process.ready)? == 0 {
                return Err(io::Error::other("the emulator ended before it listened"));
            }
            if let Some((_, rest)) = process.ready.split_once("http://") {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !".:[]-".contains(c));
                rest[..end.unwrap_or(rest.len())].clone_into(&mut process.address);
            }
        }
        Ok(process)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The line that told the address.
    pub fn ready(&self) -> &str {
        &self.ready
    }

    /// What it prints after that line.
    ///
    /// # Panics
    /// When it was taken.
    pub fn output(&mut self) -> &mut BufReader<ChildStdout> {
        self.output.as_mut().expect("nobody took it")
    }

    /// The same for somebody who reads it on, so that the pipe never fills.
    pub fn take_output(&mut self) -> Option<BufReader<ChildStdout>> {
        self.output.take()
    }

    /// The process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL on Unix: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do either way.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
