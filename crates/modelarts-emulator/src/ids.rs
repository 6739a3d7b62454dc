//! Identifiers and other random values, reproducible from a seed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// A stream of random numbers (SplitMix64).
///
/// Its whole state is one number, which is stored together with the resources: after a restart it continues where it
/// was and repeats no identifier. It is written by hand, since libraries do not promise the same values across
/// versions, and people's tests contain the values of an `rng_seed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns an independent stream for another purpose.
    pub(crate) fn fork(&mut self) -> Self {
        Self { state: self.next() }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        bytes
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns 32 hexadecimal digits, the form of the ids of projects and users in the identity service.
    pub(crate) fn hex32(&mut self) -> String {
        hex::encode(self.bytes::<16>())
    }

    /// Returns a version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        uuid_text(bytes)
    }

    /// Returns a string of letters and digits.
    pub(crate) fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz";
        (0..length)
            .map(|_| char::from(LETTERS[(self.next() % LETTERS.len() as u64) as usize]))
            .collect()
    }
}

/// Formats a UUID.
pub(crate) fn uuid_text(bytes: [u8; 16]) -> String {
    let text = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns an unpredictable seed.
pub(crate) fn random_seed() -> u64 {
    // Without a source of randomness the time is used instead.
    getrandom::u64().unwrap_or_else(|_| mix(crate::clock::system_millis() as u64))
}

/// The generator of request ids. It takes no lock, and is independent of the ids of the state, so that reads do not
/// change which ids are created next.
#[derive(Debug)]
pub(crate) struct RequestIds {
    next: AtomicU64,
    salt: u64,
}

impl RequestIds {
    pub(crate) fn new(ids: &mut Ids) -> Self {
        Self {
            next: AtomicU64::new(ids.next()),
            salt: ids.next(),
        }
    }

    pub(crate) fn next(&self) -> RequestId {
        let low = self.next.fetch_add(STEP, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&mix(low).to_be_bytes());
        bytes[8..].copy_from_slice(&mix(low ^ self.salt).to_be_bytes());
        let mut digits = [0; 32];
        // 16 bytes have 32 digits.
        hex::encode_to_slice(bytes, &mut digits).ok();
        RequestId(digits)
    }
}

/// The value of the response header `X-Request-Id`: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 32]);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_ids() {
        let (mut a, mut b) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.hex32(), b.hex32());
        assert_ne!(a.uuid(), a.uuid());
    }

    #[test]
    fn uuids_are_of_version_4() {
        let uuid = Ids::seeded(1).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }

    #[test]
    fn a_stored_stream_continues() {
        let mut ids = Ids::seeded(3);
        ids.uuid();
        let saved = serde_json::to_string(&ids).unwrap();
        let mut loaded: Ids = serde_json::from_str(&saved).unwrap();
        assert_eq!(loaded.uuid(), ids.uuid());
    }

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::new(&mut Ids::seeded(1));
        assert_ne!(ids.next(), ids.next());
    }
}
