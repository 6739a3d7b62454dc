//! Where to and as whom: flags on top of what the environment says.

use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use modelarts::{Credentials, ModelArts, ModelArtsBuilder};

use crate::failure::Failure;

// No doc comment: clap would take it for the description of every operation.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Address of the service; what no flag says comes from OS_*, OTC_*, HUAWEICLOUD_SDK_* or clouds.yaml
    #[arg(long, env = "MODELARTS_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Region of a known cloud, such as eu-de
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A token that is valid already
    #[arg(
        long,
        env = "MODELARTS_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
    /// Print status and headers of the answer on standard error
    #[arg(long)]
    pub(crate) include: bool,
}

impl Connection {
    pub(crate) fn augment(command: Command) -> Command {
        command.mut_subcommands(<Self as Args>::augment_args)
    }

    /// The flags of the operation that was matched.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        matches
            .subcommand()
            .and_then(|(_, matches)| Self::from_arg_matches(matches).ok())
            .unwrap_or_default()
    }

    /// The client that the flags and the environment describe, for the project of an operation.
    pub(crate) async fn client(&self, project_id: Option<&str>) -> Result<ModelArts, Failure> {
        let mut builder: ModelArtsBuilder =
            ModelArts::builder().user_agent(concat!("modelarts-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(endpoint) = &self.endpoint {
            builder = builder.endpoint(endpoint.as_str());
        }
        if let Some(region) = &self.region {
            builder = builder.region(region.as_str());
        }
        if let Some(project_id) = project_id {
            builder = builder.project_id(project_id);
        }
        if let Some(token) = &self.token {
            builder = builder.credentials(Credentials::token(token.as_str()));
        }
        let built = builder.build().await;
        built.map_err(|error| match error.is_usage() {
            true => Failure::from(error).advise(
                "The flags --token, --project-id, --region and --endpoint override the environment.",
            ),
            false => error.into(),
        })
    }
}
