//! Discovery on the network against the real mDNS daemon, on loopback, each test in a namespace of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a panic is the report"
)]

mod forged;
mod forger;
mod publishing;
mod replaced;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Announcement, LanDiscovery, Subscription};
use crate::discovery::{Announced, DiscoveryEvent, DiscoverySink, TurnedAway};
use crate::error::Error;
use crate::ids;
use crate::wire::{Door, WorkerRecord};

/// No wait takes this long unless something hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A subscription, and what it was told.
struct Told {
    events: Receiver<DiscoveryEvent>,
    subscription: Subscription,
}

impl Told {
    fn of(discovery: &LanDiscovery) -> Told {
        let (sink, events) = sink();
        Told {
            events,
            subscription: discovery.subscription(sink).unwrap(),
        }
    }

    fn next(&self) -> DiscoveryEvent {
        self.events.recv_timeout(WATCHDOG).expect("nothing is told")
    }

    fn found(&self) -> WorkerRecord {
        match self.next() {
            DiscoveryEvent::Found(found) => {
                assert!(!found.trusted);
                found.record
            }
            other => panic!("instead of a worker: {other:?}"),
        }
    }

    fn turned_away(&self) -> TurnedAway {
        match self.next() {
            DiscoveryEvent::TurnedAway(turned_away) => turned_away,
            other => panic!("instead of one that was turned away: {other:?}"),
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

/// On loopback, in a namespace that nobody else uses.
fn alone() -> LanDiscovery {
    within(&uid())
}

fn within(namespace: &str) -> LanDiscovery {
    let discovery = LanDiscovery::new().in_namespace(namespace).unwrap();
    discovery.on_interfaces(["lo"])
}

fn record(uid: &str, tags: &[&str]) -> WorkerRecord {
    WorkerRecord {
        uid: uid.to_owned(),
        addresses: vec!["127.0.0.1:7000".to_owned()],
        doors: vec![Door::Session as i32],
        protocol_major: 1,
        package_version: crate::wire::PACKAGE_VERSION.to_owned(),
        language: "rust".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        extra: [("zone".to_owned(), "größe".to_owned())].into(),
        pid: 7,
        ..WorkerRecord::default()
    }
}

fn publish(discovery: &LanDiscovery, uid: &str) -> Announcement {
    let mut announcement = discovery.announcement(uid).unwrap();
    announcement.publish(&record(uid, &[])).unwrap();
    announcement
}

fn refusal(discovery: &LanDiscovery) -> Error {
    let (sink, _events) = sink();
    discovery.subscription(sink).err().expect("it is refused")
}
