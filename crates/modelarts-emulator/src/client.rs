//! Clients of the facade that are configured for the emulator.

use std::time::Duration;

use modelarts::{BoxFuture, Credentials, Login, ModelArts, ModelArtsBuilder, Timestamp};

use crate::clock::{Clock, Side, real_sleep};
use crate::emulator::Emulator;

impl Emulator {
    /// Returns a client that signs in as the first user, works in the first project and runs in the emulator's time.
    ///
    /// A manual clock jumps to the end of the earliest wait as soon as its clients have nothing else to do, that is,
    /// when no request is in flight and every client that is not done is waiting.
    /// So waiting for a notebook takes hardly any real time,
    /// ten concurrent waits of ten seconds take ten seconds, and time does not pass while a client is still active.
    /// On a [frozen](crate::Clock::freeze) clock, clients wait until the clock is advanced.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let emulator = modelarts_emulator::Emulator::builder().manual().start().await?;
    /// let client = emulator.client().await?;
    /// # let _ = client;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When signing in fails, for example because of a [fault](crate::Fault).
    pub async fn client(&self) -> modelarts::Result<ModelArts> {
        self.client_builder().build().await
    }

    /// Returns a builder for this client, for a test that changes some of its settings.
    pub fn client_builder(&self) -> ModelArtsBuilder {
        let login = Login::new(self.user_name(), self.password().clone());
        ModelArts::builder()
            .endpoint(self.base_url())
            .auth_url(format!("{}/v3", self.base_url()))
            .region(self.region())
            .project_id(self.project_id())
            .credentials(Credentials::password(login.domain_name(self.domain_name())))
            .clock(self.clock().clone())
    }
}

impl modelarts::Clock for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_millis()).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now_millis().try_into().unwrap_or_default())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep_as_client(duration))
    }

    /// Real time in every mode, since an exchange with the emulator takes real time. While one is in flight, the
    /// emulated time does not jump.
    fn timer(&self, limit: Duration) -> BoxFuture<'static, ()> {
        let in_flight = self.in_flight(Side::Client);
        Box::pin(async move {
            real_sleep(limit).await;
            drop(in_flight);
        })
    }
}

#[cfg(test)]
mod tests {
    use modelarts::Clock as _;

    use super::*;

    #[tokio::test]
    async fn a_wait_moves_a_manual_clock() {
        let clock = Clock::manual(0);
        modelarts::Clock::sleep(&clock, Duration::from_secs(10)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn the_client_finds_its_emulator() {
        let emulator = Emulator::builder().manual().start().await.unwrap();
        let client = emulator.client().await.unwrap();
        assert_eq!(client.project_id(), emulator.project_id());
    }
}
