//! The emulator as a process of its own, the way that a user starts it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::python;

/// A running `modelarts emulator` on a free port of the loopback interface; it ends when this is dropped.
pub(crate) struct Emulator {
    child: Child,
    /// Its address, `http://127.0.0.1:<port>`.
    pub(crate) url: String,
}

impl Emulator {
    /// Builds the command line program and starts its emulator with these accounts and further arguments.
    pub(crate) fn start(root: &Path, fixtures: &Path, arguments: &[&str]) -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        python::succeed(
            Command::new(cargo)
                .args(["build", "--quiet", "--package", "modelarts-cli"])
                .current_dir(root),
        )?;
        let program = env::current_exe()
            .context("looking for this program")?
            .with_file_name(format!("modelarts{}", env::consts::EXE_SUFFIX));
        let mut child = Command::new(&program)
            .args(["emulator", "--port", "0", "--log", "off", "--fixtures"])
            .arg(fixtures)
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let output = child.stdout.take();
        let mut emulator = Self {
            child,
            url: String::new(),
        };
        emulator.url = address(output.context("the emulator has no output")?)?;
        Ok(emulator)
    }
}

/// The address that the emulator tells when it listens.
fn address(output: impl std::io::Read + Send + 'static) -> Result<String> {
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref() {
        let line = line.context("reading what the emulator says")?;
        let Some(start) = line.find("http://127.0.0.1:") else {
            continue;
        };
        // Whatever it says later must not fill the pipe and stop it.
        thread::spawn(move || lines.for_each(drop));
        let url = line[start..].split_whitespace().next().unwrap_or_default();
        return Ok(url.trim_end_matches(['/', '.', ',']).to_owned());
    }
    bail!("the emulator ended before it listened");
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do either way.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
