//! `modelarts auth`

use std::io::{self, IsTerminal as _};

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::json;

use crate::connection::Global;
use crate::failure::{Exit, Failure};
use crate::noun::NOTEBOOK;
use crate::output::{self, Format};
use crate::session::Session;
use crate::tokens::Tokens;

/// Sign in, sign out and check credentials
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in with the configured password and cache the token
    ///
    /// Other commands sign in on their own when there is no cached token. Use this command to replace a cached token,
    /// for example after the password or the roles have changed. The token is stored on disk until it expires; the
    /// password is never stored.
    #[command(after_help = "Example: modelarts auth login --profile work")]
    Login,
    /// Check the credentials with one request
    #[command(after_help = "Example: modelarts auth status --cloud otc")]
    Status,
    /// Print the token, for use in other tools
    #[command(after_help = "Example: modelarts auth token | pbcopy")]
    Token,
    /// Remove all tokens that are cached on this machine
    ///
    /// Removed tokens are not revoked, because the service cannot revoke a token: a copy of one stays valid until it
    /// expires, after a day at most.
    #[command(after_help = "Example: modelarts auth logout")]
    Logout,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Status => {
            // Only a request shows whether the service accepts the credentials.
            let request = NOTEBOOK.listing()?.query("limit", "1");
            request.send(&session.client).await?;
            let client = &session.client;
            match session.format() {
                Format::Table => {
                    output::line(&format!("endpoint     {}", client.endpoint()))?;
                    output::line(&format!("project ID   {}", client.project_id()))?;
                    output::line("credentials  accepted")?;
                }
                other => {
                    let status =
                        json!({"endpoint": client.endpoint(), "project_id": client.project_id()});
                    match other {
                        Format::Csv | Format::Name => {
                            output::rows(&other, &["project_id", "endpoint"], &[status])?;
                        }
                        other => output::data(&other, &status)?,
                    }
                }
            }
            Ok(())
        }
        Command::Token => token(session).await,
        // These commands have already been run without a session.
        Command::Login | Command::Logout => Ok(()),
    }
}

/// Signs in, even if a token is cached, and caches the new token.
pub(crate) async fn login(global: &Global) -> Result<(), Failure> {
    let Some(tokens) = global.tokens(true) else {
        return Err(Failure::usage(anyhow!(
            "auth login caches a token, but --no-token-cache is set or there is no home directory"
        )));
    };
    Session::with_tokens(global, Some(tokens.clone())).await?;
    match tokens.stored() {
        Some(expires_at) => {
            output::note(&format!(
                "signed in; the token is cached in {} until {expires_at:.0}",
                tokens.path().display()
            ));
            Ok(())
        }
        None => Err(Failure::new(
            Exit::Usage,
            "no token was cached: only a user name and password are exchanged for a token",
        )),
    }
}

/// Prints the token; on a terminal only with `--show-secrets`.
async fn token(session: &Session) -> Result<(), Failure> {
    if io::stdout().is_terminal() && !session.global.printing.show_secrets {
        return Err(Failure::usage(anyhow!(
            "the token is a secret: add --show-secrets to print it on a terminal, or redirect it to a file or a pipe"
        )));
    }
    match session.client.token().await? {
        Some(token) => Ok(output::line(token.expose())?),
        None => Err(Failure::new(
            Exit::Usage,
            "there is no token: requests are signed with an access key",
        )),
    }
}

/// Removes all cached tokens.
pub(crate) fn logout() -> Result<(), Failure> {
    let tokens = Tokens::of_user(true);
    let count = tokens.map_or(Ok(0), |tokens| tokens.clear())?;
    output::note(&match count {
        0 => "there are no cached tokens".to_owned(),
        1 => "removed 1 token".to_owned(),
        many => format!("removed {many} tokens"),
    });
    Ok(())
}
