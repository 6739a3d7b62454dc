//! The connection: flags, on top of the profile and the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use modelarts::{Credentials, Environment, ModelArts, ModelArtsBuilder, RetryPolicy};

use crate::config::Profile;
use crate::embedded::Embedded;
use crate::failure::{Exit, Failure};
use crate::observe::{self, Verbosity};
use crate::output::{Format, note};
use crate::text;
use crate::tokens::Tokens;

const USER_AGENT: &str = concat!("modelarts-cli/", env!("CARGO_PKG_VERSION"));

/// The global flags.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) printing: Printing,
}

/// The service, the project, the timeout and the number of retries.
#[derive(Args, Clone, Debug, Default)]
#[command(
    next_help_heading = "Connection (default: MODELARTS_* variables, profile, OS_*, clouds.yaml)"
)]
pub(crate) struct Connection {
    /// Profile to use, from the file that `modelarts config path` prints
    #[arg(
        long,
        global = true,
        env = "MODELARTS_PROFILE",
        hide_env = true,
        value_name = "NAME"
    )]
    profile: Option<String>,
    /// Cloud to use, from clouds.yaml
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "MODELARTS_CLOUD",
        hide_env = true,
        value_name = "NAME"
    )]
    cloud: Option<String>,
    /// Region of a known cloud, such as eu-de
    #[arg(
        long,
        global = true,
        env = "MODELARTS_REGION",
        hide_env = true,
        value_name = "REGION"
    )]
    region: Option<String>,
    /// Project name
    #[arg(
        long,
        global = true,
        env = "MODELARTS_PROJECT",
        hide_env = true,
        value_name = "NAME"
    )]
    project: Option<String>,
    /// Project ID
    #[arg(
        long,
        global = true,
        env = "MODELARTS_PROJECT_ID",
        hide_env = true,
        value_name = "ID"
    )]
    pub(crate) project_id: Option<String>,
    /// URL of the ModelArts service
    #[arg(
        long,
        global = true,
        env = "MODELARTS_ENDPOINT",
        hide_env = true,
        value_name = "URL"
    )]
    endpoint: Option<String>,
    /// URL of the identity service (IAM)
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "MODELARTS_AUTH_URL",
        hide_env = true,
        value_name = "URL"
    )]
    auth_url: Option<String>,
    /// Token to use instead of signing in
    #[arg(
        long,
        global = true,
        env = "MODELARTS_TOKEN",
        hide_env = true,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
    /// Use the emulator running on this machine, or else a built-in one that keeps its state
    #[arg(long, global = true, env = "MODELARTS_EMULATOR", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) emulator: bool,
    /// Allow plain HTTP to other machines, which sends the credentials in clear text
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "MODELARTS_ALLOW_HTTP",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    allow_http: bool,
    /// Time limit for a request and its retries [default: 5m], and for each wait [default: 20m]
    #[arg(long, global = true, env = "MODELARTS_TIMEOUT", hide_env = true, value_name = "DURATION", value_parser = text::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Maximum number of retries of a request that is safe to retry [default: 4]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "MODELARTS_RETRIES",
        hide_env = true,
        allow_negative_numbers = true,
        value_name = "NUMBER"
    )]
    retries: Option<u32>,
    /// Sign in for each command, and store no token on disk
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "MODELARTS_NO_TOKEN_CACHE",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    no_token_cache: bool,
    /// The credentials from the profile.
    #[arg(skip)]
    credentials: Option<Credentials>,
    /// The names of the settings that come from the profile.
    #[arg(skip)]
    from_profile: Vec<&'static str>,
}

/// The output format and the verbosity.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Printing {
    /// Output format: table, json, yaml, csv, name, jq=FILTER or jsonpath=PATH [default: table]
    #[arg(
        short,
        long,
        global = true,
        env = "MODELARTS_OUTPUT",
        hide_env = true,
        value_name = "FORMAT"
    )]
    pub(crate) output: Option<Format>,
    /// Print secrets, such as the token of a notebook, instead of hiding them
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
    /// Report each attempt of a request on standard error
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    verbose: bool,
    /// Print complete requests and responses on standard error, without secrets
    #[arg(long, global = true, hide_short_help = true)]
    debug: bool,
    /// Write the debug log to this file as JSON lines, without secrets
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    trace_file: Option<PathBuf>,
}

impl Global {
    /// Adds the settings of the profile where no flag is given.
    pub(crate) fn with_profile(mut self) -> Result<Self, Failure> {
        let name = self.connection.profile.as_deref();
        let Some(profile) = Profile::load(name).map_err(Failure::usage)? else {
            return Ok(self);
        };
        if self.printing.output.is_none()
            && let Some(output) = &profile.output
        {
            self.printing.output = Some(output.parse().map_err(Failure::usage)?);
        }
        self.connection
            .apply_profile(profile)
            .map_err(Failure::usage)?;
        Ok(self)
    }

    /// Returns the same flags with a short timeout and no retries.
    pub(crate) fn with_short_timeout(mut self, timeout: Duration) -> Self {
        self.connection.timeout = Some(timeout);
        self.connection.retries = Some(0);
        self
    }

    /// Returns each setting that is given: its name, its value, and where it comes from.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String, String)> {
        let connection = &self.connection;
        let texts = [
            ("profile", connection.profile.clone()),
            ("cloud", connection.cloud.clone()),
            ("region", connection.region.clone()),
            ("project", connection.project.clone()),
            ("project-id", connection.project_id.clone()),
            ("endpoint", connection.endpoint.clone()),
            ("auth-url", connection.auth_url.clone()),
            ("timeout", connection.timeout.map(text::brief)),
            ("retries", connection.retries.map(|count| count.to_string())),
            (
                "allow-http",
                connection.allow_http.then(|| "true".to_owned()),
            ),
            ("emulator", connection.emulator.then(|| "true".to_owned())),
            (
                "no-token-cache",
                connection.no_token_cache.then(|| "true".to_owned()),
            ),
            (
                "token",
                connection.token.as_ref().map(|_| "(hidden)".to_owned()),
            ),
            (
                "credentials",
                connection
                    .credentials
                    .as_ref()
                    .map(|_| "(hidden)".to_owned()),
            ),
        ];
        let given = texts
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        given
            .map(|(key, value)| {
                let variable = format!("MODELARTS_{}", key.to_uppercase().replace('-', "_"));
                let origin = if connection.from_profile.contains(&key) {
                    "profile".to_owned()
                } else if std::env::var_os(&variable).is_some() {
                    variable
                } else {
                    format!("--{key}")
                };
                (key, value, origin)
            })
            .collect()
    }

    /// Starts to report retries, and attempts and exchanges as requested by the flags.
    pub(crate) fn observe(&self) -> Result<(), Failure> {
        let verbosity = Verbosity {
            attempts: self.printing.verbose,
            debug: self.printing.debug,
        };
        observe::start(verbosity, self.printing.trace_file.as_deref()).map_err(Failure::usage)
    }

    /// Returns the token cache on disk, unless it is disabled.
    pub(crate) fn tokens(&self, ignore_cached: bool) -> Option<Arc<Tokens>> {
        let wanted = !self.connection.no_token_cache;
        wanted
            .then(|| Tokens::of_user(ignore_cached))?
            .map(Arc::new)
    }

    /// Builds the client from the flags and the environment.
    pub(crate) async fn client(
        &self,
        emulator: Option<&Embedded>,
        tokens: Option<Arc<Tokens>>,
    ) -> Result<ModelArts, Failure> {
        let mut builder = match emulator {
            Some(emulator) => emulator.client(),
            None => self.connection.builder(),
        };
        if let Some(tokens) = tokens {
            builder = builder.token_cache(tokens);
        }
        let built = self.connection.with_limits(builder).build().await;
        if let Ok(client) = &built {
            for warning in client.warnings() {
                note(&format!("warning: {warning}"));
            }
        }
        built.map_err(|error| {
            let failure = Failure::from(error);
            match failure.exit() {
                Exit::Usage => failure.with_remedy(
                    "Settings can also be given as flags, such as --region and --token, or in a profile. Without an account, use --emulator.",
                ),
                _ => failure,
            }
        })
    }
}

impl Connection {
    fn apply_profile(&mut self, profile: Profile) -> anyhow::Result<()> {
        let names_project = self.project.is_some() || self.project_id.is_some();
        let mut texts = vec![
            ("cloud", &mut self.cloud, &profile.cloud),
            ("region", &mut self.region, &profile.region),
            ("endpoint", &mut self.endpoint, &profile.endpoint),
            ("auth-url", &mut self.auth_url, &profile.auth_url),
        ];
        // A name and an ID from different sources could mean two different projects.
        if !names_project {
            texts.push(("project", &mut self.project, &profile.project));
            texts.push(("project-id", &mut self.project_id, &profile.project_id));
        }
        for (key, own, given) in texts {
            if own.is_none() && given.is_some() {
                own.clone_from(given);
                self.from_profile.push(key);
            }
        }
        if self.timeout.is_none()
            && let Some(timeout) = &profile.timeout
        {
            self.timeout = Some(text::duration(timeout)?);
            self.from_profile.push("timeout");
        }
        if self.retries.is_none() && profile.retries.is_some() {
            self.retries = profile.retries;
            self.from_profile.push("retries");
        }
        if profile.allow_http == Some(true) && !self.allow_http {
            self.allow_http = true;
            self.from_profile.push("allow-http");
        }
        if self.token.is_none() {
            self.credentials = profile.credentials()?;
            if self.credentials.is_some() {
                self.from_profile.push("credentials");
            }
        }
        self.profile = Some(profile.name);
        Ok(())
    }

    fn builder(&self) -> ModelArtsBuilder {
        let mut builder = ModelArts::builder();
        if let Some(cloud) = &self.cloud {
            builder = builder.environment(Environment::process().with("OS_CLOUD", cloud.as_str()));
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.endpoint(endpoint.as_str());
        }
        if let Some(auth_url) = &self.auth_url {
            builder = builder.auth_url(auth_url.as_str());
        }
        if let Some(region) = &self.region {
            builder = builder.region(region.as_str());
        }
        if let Some(project_id) = &self.project_id {
            builder = builder.project_id(project_id.as_str());
        }
        if let Some(project) = &self.project {
            builder = builder.project_name(project.as_str());
        }
        if let Some(credentials) = &self.credentials {
            builder = builder.credentials(credentials.clone());
        }
        if let Some(token) = &self.token {
            builder = builder.credentials(Credentials::token(token.as_str()));
        }
        builder.allow_http(self.allow_http)
    }

    /// Sets the timeout and the number of retries.
    fn with_limits(&self, builder: ModelArtsBuilder) -> ModelArtsBuilder {
        let mut builder = builder.user_agent(USER_AGENT);
        if let Some(timeout) = self.timeout {
            builder = builder.deadline(timeout);
        }
        if let Some(retries) = self.retries {
            let policy = RetryPolicy::default().max_attempts(retries.saturating_add(1));
            builder = builder.retry_policy(policy);
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use modelarts::PollPolicy;

    use super::*;

    #[test]
    fn the_help_states_the_defaults_of_the_library() {
        let command = crate::command();
        let help = |id: &str| {
            let mut arguments = command.get_arguments();
            let argument = arguments.find(|argument| argument.get_id() == id).unwrap();
            argument.get_help().unwrap().to_string()
        };
        let wait = Duration::from_secs(20 * 60);
        assert_eq!(PollPolicy::default(), PollPolicy::default().deadline(wait));
        assert!(help("timeout").ends_with("each wait [default: 20m]"));
        let retries = 4;
        let policy = RetryPolicy::default().max_attempts(retries + 1);
        assert_eq!(RetryPolicy::default(), policy);
        assert!(help("retries").ends_with("[default: 4]"));
    }
}
