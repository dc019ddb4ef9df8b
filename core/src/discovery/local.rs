//! The user's shared memory on this machine: one small file per worker.

use std::path::{Path, PathBuf};

use super::DiscoverySink;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::WorkerRecord;

/// Workers of this user on this machine, under a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDiscovery {
    namespace: String,
    directory: Option<PathBuf>,
}

pub(super) struct Subscription {}

pub(super) struct Announcement {}

impl LocalDiscovery {
    /// The workers that are published under a namespace: 1 to 32 of `a-z A-Z 0-9 . _ -`, not beginning
    /// with a dot.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for another name.
    pub fn new(namespace: impl Into<String>) -> Result<LocalDiscovery> {
        Ok(LocalDiscovery {
            namespace: namespace.into(),
            directory: None,
        })
    }

    /// Keeps the records in this directory instead of the user's shared memory.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> LocalDiscovery {
        self.directory = Some(directory.into());
        self
    }

    /// A namespace that nobody else uses.
    pub(crate) fn private() -> Result<LocalDiscovery> {
        Err(unsupported())
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where the records are, if it was said.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    pub(super) fn subscribe(&self, _sink: DiscoverySink) -> Result<Subscription> {
        Err(unsupported())
    }

    pub(super) fn announce(&self, _uid: &str) -> Result<Announcement> {
        Err(unsupported())
    }
}

impl Announcement {
    pub(super) fn socket_path(&self) -> Option<&Path> {
        None
    }

    pub(super) fn publish(&mut self, _record: &WorkerRecord) -> Result<()> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "not yet")
}
