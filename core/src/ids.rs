//! UUIDs of tasks and workers.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result, shorten};

/// A UUID's bytes.
pub type Uuid = [u8; 16];

/// A random UUID (version 4) from the operating system's generator.
pub(crate) fn random_uuid() -> Result<Uuid> {
    Ok(stamp(random()?))
}

/// A secret that nobody guesses.
pub(crate) fn random_secret() -> Result<Vec<u8>> {
    Ok(random::<32>()?.to_vec())
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            ErrorKind::Io,
            format!("the system's random generator failed: {error}"),
        )
    })?;
    Ok(bytes)
}

/// An id for a task: unique, not secret. The upper half is random per thread, the lower one counts, so
/// that it costs no system call.
pub(crate) fn task_id() -> Result<Uuid> {
    thread_local! {
        static STATE: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }
    STATE.with(|state| {
        let (high, low) = match state.get() {
            Some(pair) => pair,
            None => {
                let seed = u128::from_be_bytes(random_uuid()?);
                ((seed >> 64) as u64, seed as u64)
            }
        };
        state.set(Some((high, low.wrapping_add(1))));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        Ok(stamp(bytes))
    })
}

/// Lower case, with dashes.
pub(crate) fn dashed(uuid: &Uuid) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(36);
    for (index, byte) in uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A worker's uid as workers write it: lower case, with dashes.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for what is no UUID.
pub(crate) fn uid(text: &str) -> Result<Arc<str>> {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid {
        let mut given = text.to_owned();
        shorten(&mut given, 64);
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "the worker's uid is {given:?}, which is no UUID: give one that the pool's status names"
            ),
        ));
    }
    Ok(text.to_ascii_lowercase().into())
}

fn stamp(mut bytes: Uuid) -> Uuid {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_uuid_in_lower_case() {
        let written = dashed(&random_uuid().unwrap());
        assert_eq!(&*uid(&written.to_uppercase()).unwrap(), written);
        for wrong in [
            "",
            "sheep",
            &written[1..],
            &written.replace('-', "_"),
            &"x".repeat(9_999),
        ] {
            let error = uid(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().len() < 200);
        }
    }

    #[test]
    fn ids_differ_and_read_as_version_4() {
        let ids = (0..10_000)
            .map(|_| task_id().unwrap())
            .collect::<std::collections::HashSet<_>>();
        assert_eq!(ids.len(), 10_000);
        let text = dashed(&random_uuid().unwrap());
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert_eq!(text.matches('-').count(), 4);
    }
}
