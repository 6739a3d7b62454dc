//! `modelarts notebook open`

use clap::Args;
use serde_json::Value;

use crate::commands::names::NotebookName;
use crate::failure::{Exit, Failure};
use crate::noun::NOTEBOOK;
use crate::output;
use crate::session::Session;
use crate::text;

#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    notebook: NotebookName,
    /// Print the URL instead of opening it; anyone who has the URL has access
    #[arg(long)]
    print: bool,
}

impl Open {
    pub(super) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let id = self.notebook.resolve(session).await?;
        let notebook = session.show(&NOTEBOOK, &id).await?;
        let Some(url) = authenticated_url(&notebook) else {
            let name = &self.notebook;
            let message = format!("notebook {name} has no URL at the moment");
            return Err(Failure::new(Exit::Conflict, message).with_remedy(format!(
                "A notebook has a URL only while it is running. To start it: modelarts notebook start {name}"
            )));
        };
        match self.print {
            true => Ok(output::line(&text::one_line(&url))?),
            false => open(&url),
        }
    }
}

/// Returns the URL with the token that gives access; `None` if the notebook has no URL.
fn authenticated_url(notebook: &Value) -> Option<String> {
    let text = |key: &str| notebook.get(key).and_then(Value::as_str);
    let url = text("url")?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return None;
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    Some(match text("token").unwrap_or_default() {
        "" => url.to_owned(),
        token => format!("{url}{separator}token={token}"),
    })
}

fn open(url: &str) -> Result<(), Failure> {
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    match std::process::Command::new(opener).arg(url).status() {
        Ok(status) if status.success() => Ok(()),
        _ => {
            let message = format!("{opener} could not open the browser");
            let failure = Failure::new(Exit::Failed, message);
            Err(failure.with_remedy("Use --print to print the URL instead."))
        }
    }
}
