//! How the files of a namespace are called.
//!
//! | name | is |
//! |---|---|
//! | `<uid>` | the record of a worker; `<uid>` is its UUID without dashes |
//! | `.<uid>-<n>` | a record that is not shown yet; `<n>` makes each name be used once only |
//! | `<uid>.sock` | the worker's Unix socket |

use crate::error::{Error, ErrorKind, Result};

const UID: usize = 32;
const SOCKET: &str = ".sock";

/// What a name says of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// A record, with the bare uid.
    Record(&'a str),
    /// A record not shown yet, with the bare uid.
    Unshown(&'a str),
    /// A socket, with the bare uid.
    Socket(&'a str),
    /// No file of ours.
    Foreign,
    /// No file of ours, and hidden.
    Hidden,
}

impl Name<'_> {
    pub(super) fn of(name: &str) -> Name<'_> {
        if let Some(hidden) = name.strip_prefix('.') {
            return match hidden.split_once('-') {
                Some((uid, number)) if is_bare(uid) && is_number(number) => Name::Unshown(uid),
                _ => Name::Hidden,
            };
        }
        match name.strip_suffix(SOCKET) {
            Some(uid) if is_bare(uid) => Name::Socket(uid),
            _ if is_bare(name) => Name::Record(name),
            _ => Name::Foreign,
        }
    }
}

pub(super) fn unshown(bare: &str, number: u64) -> String {
    format!(".{bare}-{number}")
}

pub(super) fn socket(bare: &str) -> String {
    format!("{bare}{SOCKET}")
}

/// A UUID with dashes, without them.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for what is none.
pub(super) fn bare(uid: &str) -> Result<String> {
    let bare = uid.replace('-', "");
    if is_bare(&bare) && dashed(&bare) == uid {
        return Ok(bare);
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("\"{uid}\" is no worker's uid: it must be a UUID, lower case, with dashes"),
    ))
}

/// A bare UUID with dashes; other names as they are.
pub(super) fn dashed(name: &str) -> String {
    if !is_bare(name) {
        return name.to_owned();
    }
    [
        &name[..8],
        &name[8..12],
        &name[12..16],
        &name[16..20],
        &name[20..],
    ]
    .join("-")
}

fn is_bare(text: &str) -> bool {
    text.len() == UID && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are() {
        let bare = "0123456789abcdef0123456789abcdef";
        assert_eq!(Name::of(bare), Name::Record(bare));
        assert_eq!(Name::of(&socket(bare)), Name::Socket(bare));
        assert_eq!(Name::of(&unshown(bare, 17)), Name::Unshown(bare));
        for foreign in ["", "x", "0123456789ABCDEF0123456789ABCDEF", "a.sock"] {
            assert_eq!(Name::of(foreign), Name::Foreign, "{foreign}");
        }
        assert_eq!(Name::of(".keep"), Name::Hidden);
        assert_eq!(Name::of(&format!(".{bare}-")), Name::Hidden);
    }

    #[test]
    fn uids_lose_and_regain_their_dashes() {
        let uid = "01234567-89ab-cdef-0123-456789abcdef";
        let bare_uid = bare(uid).unwrap();
        assert_eq!(dashed(&bare_uid), uid);
        for wrong in ["", "x", &bare_uid, "../../../../etc/passwd"] {
            assert_eq!(
                bare(wrong).unwrap_err().kind(),
                ErrorKind::InvalidArgument,
                "{wrong}"
            );
        }
    }
}
