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

/// Sign in and out, and check credentials
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in with the password that is configured, and keep the token
    ///
    /// Every command does that when it has to; this one does it whatever token is kept, as after a change of password or
    /// roles. The token is kept on disk until it ends, the password never is.
    #[command(after_help = "Example: modelarts auth login --profile work")]
    Login,
    /// Check the credentials with one request
    #[command(after_help = "Example: modelarts auth status --cloud otc")]
    Status,
    /// Print the token that requests carry, for another tool
    #[command(after_help = "Example: modelarts auth token | pbcopy")]
    Token,
    /// Remove all tokens that are kept on this machine
    ///
    /// They stay valid for whoever has a copy, a day at most: the service has no way to take one back.
    #[command(after_help = "Example: modelarts auth logout")]
    Logout,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Status => {
            // Credentials are known to be good when the service takes them.
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
        // They were run without a session.
        Command::Login | Command::Logout => Ok(()),
    }
}

/// Signs in, and keeps the token.
pub(crate) async fn login(global: &Global) -> Result<(), Failure> {
    let Some(tokens) = global.tokens(true) else {
        return Err(Failure::usage(anyhow!(
            "auth login keeps a token, which --no-token-cache or the lack of a home directory forbids"
        )));
    };
    Session::with_tokens(global, Some(tokens.clone())).await?;
    match tokens.stored() {
        Some(expires_at) => {
            output::note(&format!(
                "signed in; the token is kept in {} until {expires_at:.0}",
                tokens.path().display()
            ));
            Ok(())
        }
        None => Err(Failure::new(
            Exit::Usage,
            "no token was kept: only a user with a password signs in, a token or an access key is used as it is",
        )),
    }
}

/// Prints the token where nobody looks over the shoulder.
async fn token(session: &Session) -> Result<(), Failure> {
    if io::stdout().is_terminal() && !session.global.printing.show_secrets {
        return Err(Failure::usage(anyhow!(
            "the token is a secret: give --show-secrets to see it here, or send it into a pipe or a file"
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

/// Forgets what was kept.
pub(crate) fn logout() -> Result<(), Failure> {
    let tokens = Tokens::of_user(true);
    let count = tokens.map_or(Ok(0), |tokens| tokens.clear())?;
    output::note(&match count {
        0 => "no token was kept".to_owned(),
        1 => "removed: 1 token".to_owned(),
        many => format!("removed: {many} tokens"),
    });
    Ok(())
}
