//! A scripted server, and clients of it on a clock that skips over delays.

use modelarts::{Credentials, ManualClock, ModelArts, ModelArtsBuilder};

pub use modelarts_test_support::server::{Recorded, Reply, Server};

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

/// What makes clients of a scripted server.
pub trait Clients {
    /// A client of this server, on a clock that skips over delays; it still needs credentials.
    fn builder(&self, clock: &ManualClock) -> ModelArtsBuilder;

    /// The same with a token.
    async fn client(&self, clock: &ManualClock) -> ModelArts {
        self.builder(clock)
            .credentials(Credentials::token("t0p-s3cret"))
            .build()
            .await
            .unwrap()
    }
}

impl Clients for Server {
    fn builder(&self, clock: &ManualClock) -> ModelArtsBuilder {
        ModelArts::builder()
            .endpoint(&self.url)
            .auth_url(format!("{}/v3", self.url))
            .project_id("p1")
            .clock(clock.clone())
            .rng_seed(1)
    }
}
