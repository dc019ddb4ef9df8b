//! Local discovery against real files, locks and processes, each test in a directory of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a panic is the report"
)]

mod children;
mod killed;
mod many;
mod places;
mod strangers;
mod subscribing;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::watcher::Watcher;
use super::{Announcement, LocalDiscovery, Root, Subscription};
use crate::discovery::{Announced, DiscoveryEvent, DiscoverySink};
use crate::ids;
use crate::wire::{LocalOrigin, WorkerRecord};

/// No wait takes this long unless something hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A directory that ends with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        let shared_memory = Path::new("/dev/shm");
        // On a disk that is busy a thousand files take long to make and to remove.
        if shared_memory.is_dir() {
            Directory::within(shared_memory)
        } else {
            Directory::within(&std::env::temp_dir())
        }
    }

    fn within(parent: &Path) -> Directory {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("wool-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        // Other users may have directories of their own in it.
        set_mode(&path, 0o1777);
        Directory(path)
    }

    fn discovery(&self, namespace: &str) -> LocalDiscovery {
        LocalDiscovery::new(namespace)
            .unwrap()
            .in_directory(&self.0)
    }

    fn root(&self) -> PathBuf {
        self.0.join(format!("wool-{}", nix::unistd::geteuid()))
    }

    fn namespace(&self, namespace: &str) -> PathBuf {
        self.root().join(namespace)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The watcher's thread may just be making a directory again for a subscription that ends now.
        let until = Instant::now() + WATCHDOG;
        while std::fs::remove_dir_all(&self.0).is_err() && Instant::now() < until {
            std::thread::yield_now();
        }
    }
}

/// A subscription, and what it was told.
struct Told {
    events: Receiver<DiscoveryEvent>,
    subscription: Subscription,
}

impl Told {
    fn of(discovery: &LocalDiscovery) -> Told {
        let (sink, events) = sink();
        Told {
            events,
            subscription: discovery.subscribe(sink).unwrap(),
        }
    }

    fn by(watcher: &Watcher, discovery: &LocalDiscovery) -> Told {
        let (sink, events) = sink();
        let root = Root::find(discovery.directory()).unwrap();
        Told {
            events,
            subscription: watcher
                .subscribe(root, discovery.namespace(), sink)
                .unwrap(),
        }
    }

    fn next(&self) -> DiscoveryEvent {
        self.events.recv_timeout(WATCHDOG).expect("nothing is told")
    }

    fn found(&self) -> WorkerRecord {
        match self.next() {
            DiscoveryEvent::Found(found) => found.record,
            other => panic!("instead of a worker: {other:?}"),
        }
    }

    fn gone(&self) -> String {
        match self.next() {
            DiscoveryEvent::Gone { key } => key,
            other => panic!("instead of a worker that has gone: {other:?}"),
        }
    }

    fn scanned(&self) {
        let event = self.next();
        assert!(matches!(event, DiscoveryEvent::Scanned), "{event:?}");
    }
}

fn sink() -> (DiscoverySink, Receiver<DiscoveryEvent>) {
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let sink = move |event| {
        // The test may have ended.
        let _ = sender.lock().unwrap().send(event);
    };
    (Arc::new(sink), events)
}

fn uid() -> String {
    ids::dashed(&ids::random_uuid().unwrap())
}

fn record(uid: &str, tags: &[&str]) -> WorkerRecord {
    WorkerRecord {
        uid: uid.to_owned(),
        addresses: vec!["127.0.0.1:1".to_owned()],
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        local: Some(LocalOrigin {
            secret: b"secret".as_slice().into(),
            ..LocalOrigin::default()
        }),
        ..WorkerRecord::default()
    }
}

fn publish(discovery: &LocalDiscovery, uid: &str) -> Announcement {
    let mut announcement = discovery.announce(uid).unwrap();
    announcement.publish(&record(uid, &[])).unwrap();
    announcement
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What is in a directory; nothing where it is not there.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What the dead have left is removed a moment after they are told to have gone.
fn nothing_is_left(directory: &Directory) {
    eventually(|| names(&directory.namespace("test")).is_empty());
}

/// Asks again until it holds, for what nothing tells of.
fn eventually(holds: impl Fn() -> bool) {
    let until = Instant::now() + WATCHDOG;
    while !holds() {
        assert!(Instant::now() < until, "it never holds");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Says why a test tests nothing.
#[allow(
    clippy::print_stderr,
    reason = "the reader of the test's output is told"
)]
fn cannot(test: &str, reason: &str) {
    eprintln!("{test} tests nothing: {reason}");
}
