//! `--emulator`: the emulator that runs on this machine, or one inside the command whose state is kept for the next
//! command.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use modelarts::{Clock as _, Credentials, Login, ModelArts, ModelArtsBuilder, SystemClock};
use modelarts_emulator::{Emulator, EmulatorBuilder};

use crate::failure::{Exit, Failure};
use crate::output::note;
use crate::registration::{Registration, folder};

/// The interval between attempts to acquire a lock that another process holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// An emulator for one command.
pub(crate) enum Embedded {
    /// An emulator that `modelarts emulator` serves.
    Served(Registration),
    /// An emulator that ends with the command. Its clock is the real one: transitions that become due in between are
    /// done by the next command.
    Own {
        emulator: Box<Emulator>,
        /// Ensures that only one process at a time writes the state.
        _lock: File,
    },
}

impl Embedded {
    pub(crate) async fn start() -> Result<Self, Failure> {
        if let Some(served) = Registration::find() {
            return Ok(Self::Served(served));
        }
        let folder = folder()
            .ok_or_else(|| Failure::new(Exit::Usage, "--emulator: there is no home directory"))?;
        Self::open(&folder, Emulator::builder()).await
    }

    /// Starts an emulator whose state is in this folder, as soon as no other process uses it.
    async fn open(folder: &Path, builder: EmulatorBuilder) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .with_context(|| format!("--emulator: creating {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("--emulator: opening {}", path.display()))?;
        // Not the blocking lock: Ctrl-C would have to wait for it, too.
        let mut is_noted = false;
        while let Err(error) = lock.try_lock() {
            if let fs::TryLockError::Error(error) = error {
                return Err(anyhow::Error::from(error)
                    .context(format!("--emulator: locking {}", path.display()))
                    .into());
            }
            if !is_noted {
                note("waiting for another command that uses --emulator");
                is_noted = true;
            }
            SystemClock.sleep(LOCK_INTERVAL).await;
        }
        let emulator = builder
            .port(0)
            .data(folder.join("state.db"))
            .start()
            .await
            .map_err(anyhow::Error::from)?;
        Ok(Self::Own {
            emulator: Box::new(emulator),
            _lock: lock,
        })
    }

    pub(crate) fn client(&self) -> ModelArtsBuilder {
        match self {
            Self::Served(served) => {
                let login = Login::new(served.user.as_str(), served.password.as_str());
                ModelArts::builder()
                    .endpoint(served.url.as_str())
                    .auth_url(format!("{}/v3", served.url))
                    .project_id(served.project_id.as_str())
                    .credentials(Credentials::password(
                        login.domain_name(served.domain.as_str()),
                    ))
            }
            Self::Own { emulator, .. } => ModelArts::builder()
                .endpoint(emulator.base_url())
                .auth_url(format!("{}/v3", emulator.base_url()))
                .project_id(emulator.project_id())
                .credentials(Credentials::token(emulator.token())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;
    use crate::exchange::Request;

    /// Removed with the test.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    const MINUTE: i64 = 60_000;

    /// Returns the response to a command that runs `from_now` milliseconds from now.
    async fn command(folder: &Folder, from_now: i64, request: Request) -> Value {
        let now = SystemClock.now().as_millisecond();
        let builder = Emulator::builder().system_time(now + from_now);
        let embedded = Embedded::open(&folder.0, builder).await.unwrap();
        let client = embedded.client().build().await.unwrap();
        request.send(&client).await.unwrap().unwrap_or_default()
    }

    #[tokio::test]
    async fn transitions_that_became_due_between_two_commands_are_done() {
        let name = format!("modelarts-due-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        let images = Request::of("listImages")
            .unwrap()
            .query("name", "pytorch-nlp");
        let images = command(&folder, 0, images).await;
        let create = Request::of("createNotebook").unwrap().body(json!({
            "name": "due", "flavor": "modelarts.vm.cpu.2u", "image_id": images["data"][0]["id"],
            "volume": {"category": "EVS", "ownership": "MANAGED"},
        }));
        let created = command(&folder, 0, create).await;
        assert_eq!(created["status"], "CREATING");
        let show = || {
            let id = created["id"].as_str().unwrap();
            Request::of("showNotebook").unwrap().path("id", id)
        };
        assert_eq!(command(&folder, 1, show()).await["status"], "CREATING");
        let later = command(&folder, 10 * MINUTE, show()).await;
        assert_eq!(later["status"], "RUNNING");
        // Its lease is over.
        let later = command(&folder, 70 * MINUTE, show()).await;
        assert_eq!(later["status"], "STOPPED");
    }
}
