//! The emulator as a process that can be killed.

use std::path::Path;
use std::{fs, io};

use modelarts_tests::program::Program;
use serde_json::json;

use crate::service::{OTHERS, PROJECT, Service, exchange};

const USER: &str = "crash";
const PASSWORD: &str = "crash-password";

/// Starts it with the state in `folder`.
pub(crate) fn start(program: &Path, folder: &Path) -> io::Result<Program> {
    let fixtures = folder.join("fixtures.json");
    let accounts = json!({
        "projects": [{ "id": PROJECT, "name": "eu-de" }, { "id": OTHERS, "name": "eu-de_others" }],
        "users": [{ "name": USER, "password": PASSWORD }],
    });
    fs::write(&fixtures, accounts.to_string())?;
    let data = folder.join("emulator.db");
    let arguments = [
        "--clock".as_ref(),
        "manual".as_ref(),
        "--fixtures".as_ref(),
        fixtures.as_path(),
        "--data".as_ref(),
        data.as_path(),
    ];
    Program::start(program, arguments)
}

pub(crate) fn sign_in(program: &Program) -> io::Result<Service> {
    let domain = json!({ "name": "emulator" });
    let user = json!({ "name": USER, "password": PASSWORD, "domain": domain });
    let body = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "id": PROJECT } },
    } });
    let address = program.address();
    let answer = exchange(address, "", "POST", "/v3/auth/tokens", Some(body))?;
    assert_eq!(answer.status, 201, "{}", answer.body);
    Ok(Service {
        address: address.to_owned(),
        token: answer
            .header("x-subject-token")
            .expect("a token")
            .to_owned(),
    })
}
