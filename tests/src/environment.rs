//! An emulator and a client with a manual clock.

use std::time::Duration;

use modelarts::{Credentials, ModelArts, ModelArtsBuilder};
use modelarts_emulator::{Emulator, EmulatorBuilder, LogFilter};

/// An emulator with a manual clock, and a client that shares it: a delay of the client advances the clock.
#[derive(Debug)]
pub struct TestEnvironment {
    /// The emulator.
    pub emulator: Emulator,
    /// A client of the first user, with a token.
    pub client: ModelArts,
}

impl TestEnvironment {
    /// Starts an empty emulator that behaves the same in every run.
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// Starts an emulator with further configuration.
    pub async fn with(configure: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let builder = configure(Emulator::builder().manual().rng_seed(7));
        let emulator = builder.start().await.expect("the emulator starts");
        let client = emulator
            .client_builder()
            .credentials(Credentials::token(emulator.token()))
            .rng_seed(1)
            .build()
            .await
            .expect("the client is built");
        Self { emulator, client }
    }

    /// Returns a builder for another client, which only has the addresses of the emulator.
    pub fn builder(&self) -> ModelArtsBuilder {
        let url = self.emulator.base_url();
        ModelArts::builder()
            .endpoint(url)
            .auth_url(format!("{url}/v3"))
            .clock(self.emulator.clock().clone())
            .rng_seed(1)
    }

    /// Advances the clock.
    pub fn pass(&self, time: Duration) {
        self.emulator.clock().advance(time);
    }

    /// Returns the operations that have succeeded so far, oldest first.
    pub fn operations(&self) -> Vec<String> {
        let requests = self.emulator.requests(&LogFilter::default()).unwrap();
        let succeeded = requests.into_iter().filter(|it| it.status / 100 == 2);
        succeeded.filter_map(|request| request.operation).collect()
    }
}
