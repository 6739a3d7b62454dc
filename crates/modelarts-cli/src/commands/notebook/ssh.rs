//! `modelarts notebook ssh` and `ssh-config`

use clap::Args;
use serde_json::Value;

use crate::commands::names::NotebookName;
use crate::failure::{Exit, Failure};
use crate::noun::NOTEBOOK;
use crate::output;
use crate::session::Session;
use crate::text;

#[derive(Args)]
pub(crate) struct Ssh {
    #[command(flatten)]
    notebook: NotebookName,
    /// Private key file
    #[arg(long, value_name = "FILE")]
    identity: Option<String>,
}

/// The user, host and port of an SSH connection.
struct SshTarget {
    user: String,
    host: String,
    port: u16,
}

impl Ssh {
    async fn target(&self, session: &Session) -> Result<SshTarget, Failure> {
        let id = self.notebook.resolve(session).await?;
        let notebook = session.show(&NOTEBOOK, &id).await?;
        let endpoints = notebook.get("endpoints").and_then(Value::as_array);
        let uri = endpoints
            .into_iter()
            .flatten()
            .filter_map(|endpoint| endpoint.get("uri").and_then(Value::as_str))
            .find_map(ssh_target);
        uri.ok_or_else(|| {
            Failure::new(
                Exit::Conflict,
                format!("notebook {} is not reachable by SSH", self.notebook),
            )
            .with_remedy("It must be running and must have been created with --key-pair.")
        })
    }

    pub(super) async fn config(&self, session: &Session) -> Result<(), Failure> {
        let target = self.target(session).await?;
        let alias: String = self
            .notebook
            .as_entered()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let mut section = format!(
            "Host {alias}\n    HostName {}\n    Port {}\n    User {}",
            target.host, target.port, target.user
        );
        if let Some(identity) = &self.identity {
            section += &format!("\n    IdentityFile \"{identity}\"");
        }
        Ok(output::line(&text::visible(&section))?)
    }

    pub(super) async fn connect(&self, session: &Session) -> Result<(), Failure> {
        let target = self.target(session).await?;
        let mut ssh = std::process::Command::new("ssh");
        if let Some(identity) = &self.identity {
            ssh.args(["-i", identity]);
        }
        ssh.args([
            "-p",
            &target.port.to_string(),
            "-l",
            &target.user,
            "--",
            &target.host,
        ]);
        match ssh.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(Exit::Failed, format!("ssh failed: {status}"))),
            Err(error) => Err(Failure::new(
                Exit::Failed,
                format!("could not run ssh: {error}"),
            )),
        }
    }
}

/// Parses `ssh://user@host:port`, or a host alone; rejects anything that `ssh` could interpret as an option.
fn ssh_target(uri: &str) -> Option<SshTarget> {
    let rest = uri.strip_prefix("ssh://").unwrap_or(uri);
    let (user, rest) = rest.split_once('@').unwrap_or(("ma-user", rest));
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, port.trim_end_matches('/').parse().ok()?),
        None => (rest.trim_end_matches('/'), 22),
    };
    let is_name = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    (is_name(user) && is_name(host)).then(|| SshTarget {
        user: user.to_owned(),
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_cannot_inject_options() {
        let target = ssh_target("ssh://ma-user@dev.example.com:30303").unwrap();
        assert_eq!(
            (target.user.as_str(), target.host.as_str(), target.port),
            ("ma-user", "dev.example.com", 30303)
        );
        assert_eq!(ssh_target("192.0.2.7").unwrap().port, 22);
        for hostile in [
            "-oProxyCommand=id",
            "ssh://-l@h:22",
            "ssh://u@-h:22",
            "a b",
            "",
            "ssh://u@h:99999",
            "h\nUser root",
        ] {
            assert!(ssh_target(hostile).is_none(), "{hostile}");
        }
    }
}
