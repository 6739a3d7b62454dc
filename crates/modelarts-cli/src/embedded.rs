//! `--emulator`: the emulator that runs here, or one inside the command with a state that the next command finds again.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use etcetera::AppStrategy as _;
use modelarts::{Clock as _, Credentials, Login, ModelArts, ModelArtsBuilder, SystemClock};
use modelarts_emulator::Emulator;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::output::note;
use crate::resolve::directories;
use crate::tokens::private;

/// How often a lock is tried that another process holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// An emulator for one command.
pub(crate) enum Embedded {
    /// One that `modelarts emulator` serves.
    Served(Registration),
    /// One that ends with the command. Its clock is the real one: what falls due in between has happened by the next
    /// command.
    Own {
        emulator: Box<Emulator>,
        /// One process at a time writes the state.
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
        fs::create_dir_all(&folder)
            .with_context(|| format!("--emulator: making {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("--emulator: opening {}", path.display()))?;
        // Not the lock that blocks: Ctrl-C would wait for it, too.
        let mut is_noted = false;
        while let Err(error) = lock.try_lock() {
            if let fs::TryLockError::Error(error) = error {
                return Err(anyhow::Error::from(error)
                    .context(format!("--emulator: locking {}", path.display()))
                    .into());
            }
            if !is_noted {
                note("waiting for another command with --emulator");
                is_noted = true;
            }
            SystemClock.sleep(LOCK_INTERVAL).await;
        }
        let emulator = Emulator::builder()
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

fn folder() -> Option<PathBuf> {
    Some(directories()?.in_data_dir("emulator"))
}

/// Where an emulator serves on this machine, and an account that exists only there.
#[derive(Deserialize, Serialize)]
pub(crate) struct Registration {
    url: String,
    user: String,
    password: String,
    domain: String,
    project_id: String,
}

impl Registration {
    /// Of an emulator that is well.
    fn find() -> Option<Self> {
        let text = fs::read(folder()?.join("server.json")).ok()?;
        let served: Self = serde_json::from_slice(&text).ok()?;
        let address: SocketAddr = served.url.strip_prefix("http://")?.parse().ok()?;
        crate::emulator::is_well(&address).then_some(served)
    }

    /// Lets `--emulator` find an emulator, until the guard is dropped. Without a place for that, nobody does.
    pub(crate) fn publish(emulator: &Emulator) -> Option<Published> {
        let served = Self {
            url: emulator.base_url().to_owned(),
            user: emulator.user_name().to_owned(),
            password: emulator.password().expose().to_owned(),
            domain: emulator.domain_name().to_owned(),
            project_id: emulator.project_id().to_owned(),
        };
        let folder = folder()?;
        fs::create_dir_all(&folder).ok()?;
        let file = folder.join("server.json");
        let text = serde_json::to_vec(&served).ok()?;
        private(&file, &text).ok()?;
        Some(Published { file, text })
    }
}

/// Removes the registration, unless it is that of another emulator by now.
pub(crate) struct Published {
    file: PathBuf,
    text: Vec<u8>,
}

impl Drop for Published {
    fn drop(&mut self) {
        if fs::read(&self.file).is_ok_and(|text| text == self.text) {
            fs::remove_file(&self.file).ok();
        }
    }
}
