//! An emulator and a client on a clock of their own.

use std::time::Duration;

use modelarts::{Credentials, ModelArts, ModelArtsBuilder};
use modelarts_emulator::{Emulator, EmulatorBuilder, LogFilter};

/// An emulator on a manual clock, and a client that shares it: a delay of the client moves the clock of the service.
#[derive(Debug)]
pub struct TestEnvironment {
    /// The service.
    pub emulator: Emulator,
    /// A client of its first user, with a token.
    pub client: ModelArts,
}

impl TestEnvironment {
    /// One with nothing in it yet, the same in every run.
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// One whose emulator is configured further.
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

    /// A builder of another client, which knows where the service is and nothing else.
    pub fn builder(&self) -> ModelArtsBuilder {
        let url = self.emulator.base_url();
        ModelArts::builder()
            .endpoint(url)
            .auth_url(format!("{url}/v3"))
            .clock(self.emulator.clock().clone())
            .rng_seed(1)
    }

    /// Moves the clock.
    pub fn pass(&self, time: Duration) {
        self.emulator.clock().advance(time);
    }

    /// The operations that succeeded so far, oldest first.
    pub fn operations(&self) -> Vec<String> {
        let requests = self.emulator.requests(&LogFilter::default()).unwrap();
        let succeeded = requests.into_iter().filter(|it| it.status / 100 == 2);
        succeeded.filter_map(|request| request.operation).collect()
    }
}
