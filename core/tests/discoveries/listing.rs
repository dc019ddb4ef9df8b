//! Who is there, without a pool.

use std::time::Duration;

use wool::{
    Discovery, DnsDiscovery, ErrorKind, Grace, Runtime, StackedDiscovery, StaticDiscovery,
    TurnedAwayReason, Value, WorkerOptions, WorkerRecord,
};

use crate::board::Board;
use crate::{WATCHDOG, close, published, worker};

#[test]
fn a_listing_tells_who_is_there_and_who_cannot_be_used() {
    let board = Board::new();
    let runtime = Runtime::new(Default::default()).unwrap();
    let list = || board.discovery().list(&runtime, WATCHDOG).unwrap();
    let listing = list();
    assert!(listing.workers.is_empty() && listing.turned_away.is_empty());
    assert!(listing.problem.is_none());
    let (first, merino) = worker(WorkerOptions {
        tags: vec!["merino".to_owned()],
        ..published(board.discovery())
    });
    let (second, other) = worker(published(board.discovery()));
    let listing = list();
    let mut uids = [merino.uid(), other.uid()];
    uids.sort_unstable();
    let listed: Vec<&str> = listing.workers.iter().map(|worker| &*worker.uid).collect();
    assert_eq!(listed, uids);
    let record = listing
        .workers
        .iter()
        .find(|worker| worker.uid == merino.uid());
    assert_eq!(*record.unwrap(), board.record(merino.uid()));
    merino.stop_blocking(Grace::Now, Some(WATCHDOG)).unwrap();
    assert_eq!(list().workers.len(), 1);
    // Nobody listens any more.
    assert!(board.subscribers().is_empty());
    close([runtime, first, second]);
}

/// Tells of workers that no pool of this version can call.
struct Strange;

impl wool::CustomDiscovery for Strange {
    fn subscribe(&self, subscriber: wool::Subscriber) -> wool::Result<Box<dyn Send>> {
        subscriber.found(WorkerRecord {
            protocol: (99, 0),
            ..WorkerRecord::at("192.0.2.1:1")
        })?;
        subscriber.found(WorkerRecord {
            session_door: false,
            ..WorkerRecord::at("192.0.2.2:1")
        })?;
        subscriber.unreadable("torn", "it is torn");
        subscriber.failed(wool::Error::new(ErrorKind::Discovery, "it rains"));
        Ok(Box::new(()))
    }
}

#[test]
fn a_listing_is_a_map_for_other_languages() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let fixed = StaticDiscovery::new(["127.0.0.1:7000"]).unwrap();
    let strange = Discovery::Custom(std::sync::Arc::new(Strange));
    let stack = StackedDiscovery::new([Discovery::Static(fixed), strange]).unwrap();
    let stack = Discovery::Stacked(stack);
    let listing = stack.list(&runtime, Duration::from_millis(1)).unwrap();
    assert_eq!(listing.workers, [WorkerRecord::at("127.0.0.1:7000")]);
    let away = listing
        .turned_away
        .iter()
        .map(|away| (&*away.key, away.reason));
    let away: Vec<_> = away.collect();
    assert_eq!(
        away,
        [
            ("192.0.2.1:1", TurnedAwayReason::Protocol),
            ("192.0.2.2:1", TurnedAwayReason::NoDoor),
            ("torn", TurnedAwayReason::Unreadable),
        ]
    );
    let value = listing.to_value().unwrap();
    let map = value.as_map().unwrap();
    let Some(Value::List(workers)) = map.get("workers") else {
        panic!("{value:?}");
    };
    let read = WorkerRecord::from_value(&workers[0]).unwrap();
    assert_eq!(read, listing.workers[0]);
    let Some(Value::List(away)) = map.get("turned_away") else {
        panic!("{value:?}");
    };
    let torn = away[2].as_map().unwrap();
    assert_eq!(torn.get("key"), Some(&Value::from("torn")));
    assert_eq!(torn.get("reason"), Some(&Value::from("unreadable")));
    assert_eq!(torn.get("message"), Some(&Value::from("it is torn")));
    let problem = map.get("problem").unwrap().as_map().unwrap();
    assert_eq!(problem.get("kind"), Some(&Value::from("DISCOVERY")));
    let message = Value::from("discovery 2 of 2 (custom): it rains");
    assert_eq!(problem.get("message"), Some(&message));
    close([runtime]);
}

#[test]
fn a_listing_that_is_not_over_says_so() {
    // A port that nobody answers at.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap().to_string();
    let dns = DnsDiscovery::new("sheep.test:7000").unwrap();
    let dns = Discovery::Dns(dns.by_servers([server]).unwrap());
    let runtime = Runtime::new(Default::default()).unwrap();
    let listing = dns.list(&runtime, Duration::from_millis(10)).unwrap();
    let problem = listing.problem.clone().unwrap();
    assert_eq!(problem.kind(), ErrorKind::Timeout);
    let value = listing.to_value().unwrap();
    assert!(
        value
            .as_map()
            .unwrap()
            .get("problem")
            .unwrap()
            .as_map()
            .is_some()
    );
    runtime.close_blocking(Some(WATCHDOG)).unwrap();
    let error = dns.list(&runtime, WATCHDOG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}
