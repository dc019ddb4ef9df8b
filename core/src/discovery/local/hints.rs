//! inotify: tells that something may have changed in a directory. Only a hint: it may be late, early or
//! missing, and none may be to be had.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// What may change who is found; looking at files makes none of them.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_ONLYDIR)
    .union(AddWatchFlags::IN_DONT_FOLLOW);

/// A process may have few instances (128 for a user, by default), so all namespaces share one.
pub(super) struct Hints {
    allowed: bool,
    inotify: Option<Inotify>,
}

/// What the hints were of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hint {
    One(WatchDescriptor),
    /// Some were lost.
    All,
}

impl Hints {
    /// Without hints where they are not allowed.
    pub(super) fn new(allowed: bool) -> Hints {
        Hints {
            allowed,
            inotify: None,
        }
    }

    /// Watches a directory, which may be watched already. `None`: the system gives no more of them, now.
    pub(super) fn watch(&mut self, directory: &Path) -> Option<WatchDescriptor> {
        if self.inotify.is_none() && self.allowed {
            let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
            self.inotify = Inotify::init(flags).ok();
        }
        self.inotify.as_ref()?.add_watch(directory, CHANGES).ok()
    }

    pub(super) fn forget(&self, watch: WatchDescriptor) {
        if let Some(inotify) = &self.inotify {
            // It ends by itself with its directory.
            let _ = inotify.rm_watch(watch);
        }
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Those that have come; never blocks.
    pub(super) fn take(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        // Until it would block.
        while let Some(Ok(events)) = self.inotify.as_ref().map(Inotify::read_events) {
            for event in events {
                let hint = if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    Hint::All
                } else {
                    Hint::One(event.wd)
                };
                // A burst is one hint.
                if hints.last() != Some(&hint) {
                    hints.push(hint);
                }
            }
        }
        hints
    }
}
