//! A namespace with subscribers: looked at when its schedule says so, for all of them at once.

use std::sync::Arc;
use std::time::Instant;

use nix::sys::inotify::WatchDescriptor;

use super::hints::Hints;
use super::record::Here;
use super::root::{self, Root};
use super::scan::{self, Known};
use super::schedule::{SWEEP, SWEEP_ALONE, Schedule};
use crate::discovery::DiscoveryEvent;
use crate::discovery::listener::Listener;
use crate::error::{Error, Result};

pub(super) struct Watched {
    root: Root,
    namespace: String,
    known: Known,
    audience: Vec<Member>,
    schedule: Schedule,
    watch: Option<WatchDescriptor>,
}

struct Member {
    listener: Arc<Listener>,
    /// Whether it was told all that is there.
    is_told: bool,
    /// What it was told last of why the discovery does not work.
    failure: Option<String>,
}

impl Watched {
    pub(super) fn new(root: Root, namespace: String, now: Instant) -> Watched {
        Watched {
            root,
            namespace,
            known: Known::default(),
            audience: Vec::new(),
            schedule: Schedule::new(now),
            watch: None,
        }
    }

    pub(super) fn is(&self, root: &Root, namespace: &str) -> bool {
        self.root == *root && self.namespace == namespace
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    pub(super) fn watch(&self) -> Option<WatchDescriptor> {
        self.watch
    }

    /// Adds a listener, which is told all that is there at a look that begins after this.
    pub(super) fn add(&mut self, listener: Arc<Listener>, now: Instant) {
        self.audience.push(Member {
            listener,
            is_told: false,
            failure: None,
        });
        self.schedule.ask(now);
    }

    /// Leaves out who has ended. False when nobody is left.
    pub(super) fn has_audience(&mut self) -> bool {
        self.audience.retain(|member| !member.listener.has_ended());
        !self.audience.is_empty()
    }

    pub(super) fn hint(&mut self, now: Instant) {
        self.schedule.hint(now);
    }

    pub(super) fn due(&self) -> Instant {
        self.schedule.due()
    }

    pub(super) fn look(&mut self, hints: &mut Hints) {
        let begun = Instant::now();
        let sweep = match self.look_and_tell(hints) {
            Ok(()) if self.watch.is_some() => SWEEP,
            Ok(()) => SWEEP_ALONE,
            Err(error) => {
                self.tell_failure(&error);
                SWEEP_ALONE
            }
        };
        self.schedule.looked(begun, Instant::now(), sweep);
    }

    fn look_and_tell(&mut self, hints: &mut Hints) -> Result<()> {
        let path = self.root.namespace_path(&self.namespace);
        let here = Here::find()?;
        // In this order: when the directory is replaced between the watch and the look, the watch ends
        // with a hint.
        self.root.open_namespace(&self.namespace)?;
        self.watch = hints.watch(&path);
        let directory = self.root.open_namespace(&self.namespace)?;
        let seen = self
            .known
            .look(&directory, &here)
            .map_err(|errno| root::failed("looked through", &path, errno))?;
        self.tell_changes(&seen.events);
        // Not before it is told: a disk may take seconds for it.
        if seen.has_dead {
            scan::remove_dead(&directory);
        }
        Ok(())
    }

    fn tell_changes(&mut self, events: &[DiscoveryEvent]) {
        for member in &mut self.audience {
            let works_again = member.failure.take().is_some();
            if member.is_told {
                for event in events {
                    member.listener.tell(event.clone());
                }
                if works_again {
                    member.listener.tell(DiscoveryEvent::Scanned);
                }
                continue;
            }
            member.is_told = true;
            for event in self.known.all() {
                member.listener.tell(event);
            }
            member.listener.tell(DiscoveryEvent::Scanned);
        }
    }

    fn tell_failure(&mut self, error: &Error) {
        for member in &mut self.audience {
            if member.failure.as_deref() != Some(error.message()) {
                member.failure = Some(error.message().to_owned());
                member.listener.tell(DiscoveryEvent::Failed(error.clone()));
            }
        }
    }

    /// Lets go of the namespace: what the dead have left in it is removed, and its directory if nothing is in it.
    pub(super) fn leave(&self) {
        // It is not there any more when its last worker has taken it away.
        if let Ok(Some(directory)) = self.root.open_namespace_if_there(&self.namespace) {
            scan::remove_dead(&directory);
        }
        self.root.remove_if_empty(&self.namespace);
    }
}
