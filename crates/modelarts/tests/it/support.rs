//! A scripted server, and clients of it on a clock that skips over delays.

use std::ops::Deref;

use modelarts::{Credentials, ManualClock, ModelArts, ModelArtsBuilder};
use modelarts_test_support::server;

pub use modelarts_test_support::server::{Recorded, Reply};

pub fn json(status: u16, body: &str) -> Reply {
    Reply::json(status, body)
}

pub fn with(reply: Reply, name: &str, value: &str) -> Reply {
    reply.header(name, value)
}

/// A refusal of the service.
pub fn code(status: u16, code: &str) -> Reply {
    json(
        status,
        &format!(r#"{{"error_code": "{code}", "error_msg": "as scripted"}}"#),
    )
}

pub struct Server(server::Server);

impl Deref for Server {
    type Target = server::Server;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Server {
    /// Replies to every request with what `script` makes of it and of the number of requests before it.
    pub async fn start(script: impl Fn(&Recorded, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self(server::Server::start(script))
    }

    /// A client of this server with a token, on a clock that skips over delays.
    pub async fn client(&self, clock: &ManualClock) -> ModelArts {
        self.builder(clock)
            .credentials(Credentials::token("t0p-s3cret"))
            .build()
            .await
            .unwrap()
    }

    pub fn builder(&self, clock: &ManualClock) -> ModelArtsBuilder {
        ModelArts::builder()
            .endpoint(&self.url)
            .auth_url(format!("{}/v3", self.url))
            .project_id("p1")
            .clock(clock.clone())
            .rng_seed(1)
    }
}
