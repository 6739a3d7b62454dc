//! The emulator as a process: for what must not happen to the process of the tests.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, io};

/// The command line program, freshly built; it lies above the folder of the test that asks.
pub fn build() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let this = env::current_exe().expect("this test lies somewhere");
    let folder = this.ancestors().nth(2).expect("it lies in a target folder");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "modelarts-cli"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo starts");
    assert!(status.success(), "the command line program does not build");
    folder.join(format!("modelarts{}", env::consts::EXE_SUFFIX))
}

/// A running emulator; it ends when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Stays open: a closed pipe would end the emulator.
    _output: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Program {
    /// Starts `modelarts emulator` on a free port, with these arguments beside.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(["emulator", "--port", "0", "--log", "off"]);
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts a command that becomes an emulator.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().expect("the output was asked for");
        let mut output = BufReader::new(output).lines();
        let mut lines = output.by_ref().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        Ok(Self {
            child,
            _output: output,
            address: address.expect("the emulator tells its address"),
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
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

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do either way.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
