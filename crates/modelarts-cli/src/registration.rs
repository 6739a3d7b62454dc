//! How `--emulator` finds the emulator that is served on this machine.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use etcetera::AppStrategy as _;
use modelarts_emulator::Emulator;
use serde::{Deserialize, Serialize};

use crate::files::{directories, write_private};
use crate::health;

/// Returns the folder in which `--emulator` stores its state.
pub(crate) fn folder() -> Option<PathBuf> {
    Some(directories()?.in_data_dir("emulator"))
}

/// The address of an emulator on this machine, and an account that exists only there.
#[derive(Deserialize, Serialize)]
pub(crate) struct Registration {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) domain: String,
    pub(crate) project_id: String,
}

impl Registration {
    /// Returns the registration of a healthy emulator.
    pub(crate) fn find() -> Option<Self> {
        let text = fs::read(folder()?.join("server.json")).ok()?;
        let served: Self = serde_json::from_slice(&text).ok()?;
        let address: SocketAddr = served.url.strip_prefix("http://")?.parse().ok()?;
        health::is_healthy(&address).then_some(served)
    }

    /// Lets `--emulator` find an emulator until the guard is dropped. Without a folder to store it, nothing is
    /// registered.
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
        write_private(&file, &text).ok()?;
        Some(Published { file, text })
    }
}

/// Removes the registration when dropped, unless another emulator has replaced it.
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
