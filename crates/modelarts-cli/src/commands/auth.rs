//! `modelarts auth`

use clap::Subcommand;
use serde_json::json;

use crate::failure::Failure;
use crate::noun::NOTEBOOK;
use crate::output::{self, Format};
use crate::session::Session;

/// Who signs in, and where
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in, make one request, and say as whom and where that went
    #[command(after_help = "Example: modelarts auth status --cloud otc")]
    Status,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Status => {
            // Credentials are known to be good when the service takes them.
            let request = NOTEBOOK.listing()?.query("limit", "1");
            request.send(&session.client).await?;
            let client = &session.client;
            match session.format() {
                Format::Table | Format::Csv | Format::Name => {
                    output::line(&format!("endpoint    {}", client.endpoint()))?;
                    output::line(&format!("project ID  {}", client.project_id()))?;
                    output::line("credentials accepted")?;
                }
                other => output::data(
                    &other,
                    &json!({"endpoint": client.endpoint(), "project_id": client.project_id()}),
                )?,
            }
            Ok(())
        }
    }
}
