//! Tokens cached between commands.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Emulator, Home, text};

const LIST: [&str; 3] = ["notebook", "list", "-v"];

/// The commands of a user with a token cache.
struct User<'a> {
    emulator: &'a Emulator,
    home: Home,
}

impl<'a> User<'a> {
    fn new(emulator: &'a Emulator, name: &str) -> Self {
        let home = Home::new(name);
        Self { emulator, home }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.emulator.command(arguments);
        // Only a password is exchanged for a token.
        for name in [
            "MODELARTS_NO_TOKEN_CACHE",
            "HUAWEICLOUD_SDK_AK",
            "HUAWEICLOUD_SDK_SK",
            "HUAWEICLOUD_SDK_PROJECT_ID",
        ] {
            command.env_remove(name);
        }
        self.home.of(&mut command);
        command
    }

    fn run(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments).output().unwrap();
        let error = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        (text(&output.stdout), error)
    }

    /// Returns the number of sign-ins of a command.
    fn sign_ins(&self, arguments: &[&str]) -> usize {
        let (_, error) = self.run(arguments);
        error.matches("createToken attempt").count()
    }

    fn file(&self) -> PathBuf {
        self.home.0.join("cache/modelarts/tokens.json")
    }
}

#[test]
fn one_sign_in_is_enough() {
    let emulator = Emulator::start();
    let user = User::new(&emulator, "tokens");
    assert_eq!(user.sign_ins(&LIST), 1);
    assert_eq!(user.sign_ins(&LIST), 0);
    let kept = std::fs::read_to_string(user.file()).unwrap();
    assert!(!kept.contains(&emulator.variable("OS_PASSWORD")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(user.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Another user signs in, and so does a command without the cache.
    assert_eq!(
        user.sign_ins(&["notebook", "list", "-v", "--no-token-cache"]),
        1
    );
    let mut other = user.command(&LIST);
    other.env("OS_USERNAME", "somebody-else");
    assert_eq!(other.output().unwrap().status.code(), Some(5));
    let (_, printed) = user.run(&["auth", "login", "-v"]);
    assert!(
        printed.contains("createToken attempt")
            && printed.contains("signed in; the token is cached in"),
        "{printed}"
    );
    assert_eq!(user.run(&["auth", "logout"]).1, "removed 1 token\n");
    assert!(!user.file().exists());
    assert_eq!(
        user.run(&["auth", "logout"]).1,
        "there are no cached tokens\n"
    );
    assert_eq!(user.sign_ins(&LIST), 1);
}

#[test]
fn a_rejected_token_is_replaced() {
    let emulator = Emulator::start();
    let user = User::new(&emulator, "refused");
    user.run(&LIST);
    let (token, _) = user.run(&["auth", "token"]);
    let kept = std::fs::read_to_string(user.file()).unwrap();
    let forged = kept.replace(token.trim(), "no-token-of-this-service");
    assert_ne!(forged, kept);
    for unusable in [
        forged.as_str(),
        "",
        "{",
        "[]",
        "{\"a\": {\"entry\": \"\", \"expires_at\": 9e18}}",
    ] {
        std::fs::write(user.file(), unusable).unwrap();
        assert_eq!(user.sign_ins(&LIST), 1, "{unusable}");
        assert_eq!(user.sign_ins(&LIST), 0, "{unusable}");
    }
}

#[test]
fn concurrent_commands_share_the_cache() {
    let emulator = Emulator::start();
    let user = User::new(&emulator, "at-once");
    let running: Vec<_> = (0..6)
        .map(|_| user.command(&["auth", "login"]).spawn().unwrap())
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(user.sign_ins(&LIST), 0);
    let folder = std::fs::read_dir(user.file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["tokens.json", "tokens.lock"]);
}

#[test]
fn the_token_is_printed_for_other_tools() {
    let emulator = Emulator::start();
    let user = User::new(&emulator, "others");
    let (token, _) = user.run(&["auth", "token"]);
    let output = emulator
        .command(&["flavor", "list", "-o", "name", "--token", token.trim()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut login = emulator.command(&["auth", "login", "--token", token.trim()]);
    let output = login.env_remove("MODELARTS_NO_TOKEN_CACHE");
    let output = user.home.of(output).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("only a user name and password are exchanged"));
}
