//! `--emulator`: the emulator inside the command, with a state that the next command finds again.

use std::fs::{self, File};

use anyhow::Context as _;
use etcetera::AppStrategy as _;
use modelarts::{Credentials, ModelArts, ModelArtsBuilder};
use modelarts_emulator::Emulator;

use crate::failure::{Exit, Failure};
use crate::output::note;
use crate::resolve::directories;

/// An emulator that ends with the command. Its clock is the real one: what falls due in between has happened by the
/// next command.
pub(crate) struct Embedded {
    emulator: Emulator,
    /// One process at a time writes the state.
    _lock: File,
}

impl Embedded {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let directories = directories()
            .ok_or_else(|| Failure::new(Exit::Usage, "--emulator: there is no home directory"))?;
        let folder = directories.in_data_dir("emulator");
        fs::create_dir_all(&folder)
            .with_context(|| format!("--emulator: making {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("--emulator: opening {}", path.display()))?;
        if lock.try_lock().is_err() {
            note("waiting for another command with --emulator");
            lock.lock()
                .with_context(|| format!("--emulator: locking {}", path.display()))?;
        }
        let emulator = Emulator::builder()
            .port(0)
            .data(folder.join("state.db"))
            .start()
            .await
            .map_err(anyhow::Error::from)?;
        Ok(Self {
            emulator,
            _lock: lock,
        })
    }

    pub(crate) fn client(&self) -> ModelArtsBuilder {
        ModelArts::builder()
            .endpoint(self.emulator.base_url())
            .auth_url(format!("{}/v3", self.emulator.base_url()))
            .project_id(self.emulator.project_id())
            .credentials(Credentials::token(self.emulator.token()))
    }
}
