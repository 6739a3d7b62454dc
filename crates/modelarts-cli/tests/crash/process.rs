//! The emulator as a process that can be killed.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use modelarts_test_support::connection::exchange;
use modelarts_test_support::process::{EmulatorProcess, without_clouds};
use serde_json::json;

use crate::service::{OTHERS, PROJECT, Service};

const USER: &str = "crash";
const PASSWORD: &str = "crash-password";

const PROGRAM: &str = env!("CARGO_BIN_EXE_modelarts");

/// Starts the emulator with its state in `folder`.
pub(crate) fn start(folder: &Path) -> io::Result<EmulatorProcess> {
    start_as(Command::new(PROGRAM), folder)
}

/// Starts the emulator with a limit on the size of its files, which can be raised while it runs.
#[cfg(target_os = "linux")]
pub(crate) fn start_with_small_disk(folder: &Path, bytes: u64) -> io::Result<EmulatorProcess> {
    // Exceeding the limit is an error only if the signal is ignored. Shells take the limit in blocks.
    let script = format!(
        "trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"",
        bytes / 512
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script, PROGRAM]);
    start_as(command, folder)
}

fn start_as(mut command: Command, folder: &Path) -> io::Result<EmulatorProcess> {
    let fixtures = folder.join("fixtures.json");
    let accounts = json!({
        "projects": [{ "id": PROJECT, "name": "eu-de" }, { "id": OTHERS, "name": "eu-de_others" }],
        "users": [{ "name": USER, "password": PASSWORD }],
    });
    fs::write(&fixtures, accounts.to_string())?;
    command.args(["emulator", "--port=0", "--log=off", "--clock=manual"]);
    command.arg("--fixtures").arg(fixtures);
    command.arg("--data").arg(folder.join("emulator.db"));
    without_clouds(&mut command);
    EmulatorProcess::start(command)
}

pub(crate) fn sign_in(process: &EmulatorProcess) -> io::Result<Service> {
    let domain = json!({ "name": "emulator" });
    let user = json!({ "name": USER, "password": PASSWORD, "domain": domain });
    let body = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "id": PROJECT } },
    } });
    let address = process.address();
    let response = exchange(address, "POST", "/v3/auth/tokens", &[], Some(&body))?;
    assert_eq!(response.status, 201, "{}", response.body);
    Ok(Service {
        address: address.to_owned(),
        token: response
            .header("x-subject-token")
            .expect("a token")
            .to_owned(),
    })
}
