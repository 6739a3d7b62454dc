//! The facade, ready to talk to the emulator.

use std::time::Duration;

use modelarts::{BoxFuture, Credentials, Login, ModelArts, ModelArtsBuilder, Timestamp};

use crate::builder::Emulator;
use crate::clock::{Clock, ClockMode, real_sleep};

impl Emulator {
    /// A client that signs in as the first user, works in the first project and lives in the emulator's time.
    ///
    /// On a manual clock a pause of the client moves the time by its length, so that waiting for a notebook takes no time
    /// at all; on a frozen one it waits for whoever advances it.
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

    /// The beginning of a client, for a test that changes something about it.
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
        let clock = self.clone();
        Box::pin(async move {
            let reading = clock.reading();
            if reading.mode != ClockMode::Manual || reading.frozen {
                return clock.sleep(duration).await;
            }
            clock.advance(duration);
            // Others get their turn, as they would during a real pause.
            tokio::task::yield_now().await;
        })
    }

    /// Real time, whatever the mode: an exchange with the emulator takes as long as it takes.
    fn timer(&self, limit: Duration) -> BoxFuture<'static, ()> {
        Box::pin(real_sleep(limit))
    }
}

#[cfg(test)]
mod tests {
    use modelarts::Clock as _;

    use super::*;

    #[tokio::test]
    async fn pauses_move_a_manual_clock() {
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
