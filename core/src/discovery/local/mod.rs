//! The user's shared memory on this machine: one small file per worker, locked by the worker's process. The
//! kernel's lock says that the worker lives; that the file is there says nothing.
//!
//! Thread: `wool-local`, one per process, lives while there are subscriptions, looks through their
//! namespaces and calls their sinks.

mod announcement;
mod hints;
mod lock;
mod names;
mod record;
mod root;
mod scan;
mod schedule;
#[cfg(test)]
mod tests;
mod watched;
mod watcher;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(super) use announcement::Announcement;
pub(crate) use record::Here;
pub(super) use watcher::Subscription;

use self::root::Root;
use self::watcher::Watcher;
use super::DiscoverySink;
use crate::error::{Error, ErrorKind, Result};
use crate::ids;
use crate::wire;

const LONGEST_NAMESPACE: usize = 32;

/// Workers of this user on this machine, under a namespace.
///
/// Their records are in a directory of this user alone: `/dev/shm/wool-<uid>`, or where there is no shared
/// memory that can be written to, `$XDG_RUNTIME_DIR/wool`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDiscovery {
    namespace: String,
    directory: Option<PathBuf>,
}

impl LocalDiscovery {
    /// The workers that are published under a namespace: 1 to 32 of `a-z A-Z 0-9 . _ -`, not beginning
    /// with a dot.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for another name.
    pub fn new(namespace: impl Into<String>) -> Result<LocalDiscovery> {
        let namespace = namespace.into();
        let usable = (1..=LONGEST_NAMESPACE).contains(&namespace.len())
            && !namespace.starts_with('.')
            && namespace
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !usable {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{namespace:?} is no name for a namespace: use 1 to {LONGEST_NAMESPACE} of a-z A-Z \
                     0-9 . _ -, not beginning with a dot"
                ),
            ));
        }
        Ok(LocalDiscovery {
            namespace,
            directory: None,
        })
    }

    /// Keeps the records in `wool-<uid>` in this directory instead of the user's shared memory. It has to
    /// be there, and on a file system with locks.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> LocalDiscovery {
        self.directory = Some(directory.into());
        self
    }

    /// A namespace that nobody else uses.
    pub(crate) fn private() -> Result<LocalDiscovery> {
        let random = names::bare(&ids::dashed(&ids::random_uuid()?))?;
        LocalDiscovery::new(format!("p-{}", &random[..24]))
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where the records are, if it was said.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    pub(crate) fn to_wire(&self) -> wire::LocalPlace {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec().into();
        wire::LocalPlace {
            namespace: self.namespace.clone(),
            directory: self.directory().map(bytes),
        }
    }

    pub(crate) fn from_wire(place: wire::LocalPlace) -> Result<LocalDiscovery> {
        let discovery = LocalDiscovery::new(place.namespace)?;
        Ok(match place.directory {
            Some(directory) => discovery.in_directory(OsString::from_vec(directory.into())),
            None => discovery,
        })
    }

    pub(super) fn subscribe(&self, sink: DiscoverySink) -> Result<Subscription> {
        let root = Root::find(self.directory())?;
        Watcher::of_process()?.subscribe(root, &self.namespace, sink)
    }

    pub(super) fn announce(&self, uid: &str) -> Result<Announcement> {
        let root = Root::find(self.directory())?;
        sweep_once(&root);
        Announcement::new(root, &self.namespace, uid)
    }
}

/// Tidies up after the dead under a root, the first time that this process uses it: namespaces of pools
/// that were killed have nobody else who would look at them again.
fn sweep_once(root: &Root) {
    static SWEPT: Mutex<BTreeSet<Root>> = Mutex::new(BTreeSet::new());
    let is_first = SWEPT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(root.clone());
    if is_first {
        scan::sweep(root);
    }
}
