//! Maps keyed by call number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Call numbers are given by this library's peers in order; a caller that chose them maliciously would
/// only slow down its own session, so the hash may be cheap.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing: neighbours land far apart in the high bits, which hashbrown uses.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

pub(crate) type CallMap<T> = HashMap<u64, T, BuildHasherDefault<NumberHasher>>;
