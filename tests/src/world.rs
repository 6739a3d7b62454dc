//! An emulator and a client in a time of their own.

use std::time::Duration;

use modelarts::{Credentials, ModelArts, ModelArtsBuilder};
use modelarts_emulator::{Emulator, EmulatorBuilder, LogFilter};

/// An emulator whose time stands still, and a client that moves it: whoever pauses on the client's
/// clock finds the service that much later.
#[derive(Debug)]
pub struct World {
    /// The service.
    pub emulator: Emulator,
    /// A client of its first user, with a token.
    pub client: ModelArts,
}

impl World {
    /// One with nothing in it yet, the same in every run.
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// One whose emulator is a special one.
    pub async fn with(special: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let builder = special(Emulator::builder().manual().rng_seed(7));
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

    /// The beginning of another client, which knows where the service is and nothing else.
    pub fn builder(&self) -> ModelArtsBuilder {
        let url = self.emulator.base_url();
        ModelArts::builder()
            .endpoint(url)
            .auth_url(format!("{url}/v3"))
            .clock(self.emulator.clock().clone())
            .rng_seed(1)
    }

    /// Lets time pass for both.
    pub fn pass(&self, time: Duration) {
        self.emulator.clock().advance(time);
    }

    /// The operations that were answered with success so far, oldest first.
    pub fn operations(&self) -> Vec<String> {
        let requests = self.emulator.requests(&LogFilter::default()).unwrap();
        let answered = requests.into_iter().filter(|it| it.status / 100 == 2);
        answered.filter_map(|request| request.operation).collect()
    }
}
