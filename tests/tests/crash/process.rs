//! The emulator as a process that can be killed.

use std::io::{self, BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, fs};

use serde_json::json;

use crate::service::{OTHERS, PROJECT, Service, exchange};

const USER: &str = "crash";
const PASSWORD: &str = "crash-password";

/// The command line program, freshly built; it lies above the folder of this test.
pub(crate) fn build() -> PathBuf {
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
pub(crate) struct Process {
    child: Child,
    /// Stays open: a closed pipe would end the emulator.
    output: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Process {
    /// Starts it with the state in `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> io::Result<Self> {
        let seed = folder.join("seed.json");
        let accounts = json!({
            "projects": [{ "id": PROJECT, "name": "eu-de" }, { "id": OTHERS, "name": "eu-de_others" }],
            "users": [{ "name": USER, "password": PASSWORD }],
        });
        fs::write(&seed, accounts.to_string())?;
        let mut child = Command::new(program)
            .args([
                "emulator",
                "--port",
                "0",
                "--clock",
                "manual",
                "--log",
                "off",
                "--seed-file",
            ])
            .arg(&seed)
            .arg("--data")
            .arg(folder.join("emulator.db"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().expect("the output was asked for");
        let mut process = Self {
            child,
            output: BufReader::new(output).lines(),
            address: String::new(),
        };
        let mut lines = process.output.by_ref().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        process.address = address.expect("the emulator tells its address");
        Ok(process)
    }

    pub(crate) fn sign_in(&self) -> io::Result<Service> {
        let domain = json!({ "name": "emulator" });
        let user = json!({ "name": USER, "password": PASSWORD, "domain": domain });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "id": PROJECT } },
        } });
        let answer = exchange(&self.address, "", "POST", "/v3/auth/tokens", Some(body))?;
        assert_eq!(answer.status, 201, "{}", answer.body);
        Ok(Service {
            address: self.address.clone(),
            token: answer
                .header("x-subject-token")
                .expect("a token")
                .to_owned(),
        })
    }

    /// SIGKILL on Unix: no handler runs, nothing is flushed.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do either way.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
