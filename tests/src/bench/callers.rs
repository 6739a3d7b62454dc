//! The same call through the facade and through plain reqwest, each on a persistent connection.

use std::time::Duration;

use modelarts::devenviron::types::Notebook;
use modelarts::{Credentials, ModelArts};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use modelarts_test_support::BenchServer;

/// The project in the calls.
pub const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
/// The notebook in the calls.
pub const ID: &str = "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55";
const TOKEN: &str = "00000000-0000-0000-0000-000000000000";

/// Returns a facade client with default settings.
pub async fn facade(server: &BenchServer) -> ModelArts {
    let builder = ModelArts::builder()
        .endpoint(server.url())
        .project_id(PROJECT)
        .credentials(Credentials::token(TOKEN));
    builder.build().await.unwrap()
}

/// The call written with plain reqwest, with the same settings and headers.
#[derive(Debug)]
pub struct Bare {
    http: reqwest::Client,
    endpoint: String,
    token: HeaderValue,
    limit: Option<Duration>,
}

impl Bare {
    /// Creates the client; it connects with the first call.
    pub fn new(server: &BenchServer) -> Self {
        let builder = modelarts::http_client_builder().unwrap().no_proxy();
        let mut token = HeaderValue::from_static(TOKEN);
        token.set_sensitive(true);
        Self {
            http: builder.user_agent("modelarts-rs/0.1.0").build().unwrap(),
            endpoint: server.url(),
            token,
            limit: None,
        }
    }

    /// Creates a client with a time limit per call, like the facade.
    pub fn limited(server: &BenchServer) -> Self {
        Self {
            limit: Some(Duration::from_secs(60)),
            ..Self::new(server)
        }
    }

    /// Reads the notebook.
    pub async fn show(&self) -> Notebook {
        let json = HeaderValue::from_static("application/json");
        let mut request = self
            .http
            .get(format!("{}/v1/{PROJECT}/notebooks/{ID}", self.endpoint))
            .header(ACCEPT, json.clone())
            .header(CONTENT_TYPE, json)
            .header("x-auth-token", self.token.clone());
        if let Some(limit) = self.limit {
            request = request.timeout(limit);
        }
        let response = request.send().await.unwrap().error_for_status().unwrap();
        response.json().await.unwrap()
    }
}
