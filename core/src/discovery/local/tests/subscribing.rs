//! What subscribers are told, and when no more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use super::{Directory, Told, WATCHDOG, eventually, names, publish, record, set_mode, uid};
use crate::discovery::Announced;
use crate::discovery::local::watcher::Watcher;
use crate::discovery::local::{LocalDiscovery, Subscription};
use crate::discovery::{Discovery, DiscoveryEvent};
use crate::error::ErrorKind;
use crate::runtime::Runtime;

#[test]
fn a_worker_bound_to_all_addresses_is_found_on_loopback() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let uid = uid();
    let mut announcement = discovery.announce(&uid).unwrap();
    let mut bound = record(&uid, &[]);
    bound.addresses = vec!["0.0.0.0:7000".to_owned(), "192.0.2.1:7000".to_owned()];
    announcement.publish(&bound).unwrap();
    let told = Told::of(&discovery);
    let expected = ["127.0.0.1:7000", "192.0.2.1:7000"];
    assert_eq!(told.found().addresses, expected);
}

#[test]
fn a_worker_is_found_updated_and_gone() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = discovery.announce(&uid).unwrap();
    announcement.publish(&record(&uid, &["one"])).unwrap();
    let found = told.found();
    assert_eq!(
        (&found.uid, &found.tags[..]),
        (&uid, &["one".to_owned()][..])
    );
    let local = found.local.unwrap();
    assert_eq!(local.secret, b"secret".as_slice());
    assert_eq!(local.boot_id.len(), 36);
    // The same again is no change.
    announcement.publish(&record(&uid, &["one"])).unwrap();
    announcement.publish(&record(&uid, &["two"])).unwrap();
    assert_eq!(told.found().tags, ["two"]);
    drop(announcement);
    assert_eq!(told.gone(), uid);
}

#[test]
fn the_seam_leads_here() {
    let directory = Directory::new();
    let discovery = Discovery::Local(directory.discovery("test"));
    let runtime = Runtime::new(Default::default()).unwrap();
    let (sink, events) = super::sink();
    let _subscription = discovery.subscribe(&runtime, sink).unwrap();
    let uid = uid();
    let mut announcement = discovery.announce(&runtime, &uid).unwrap();
    assert!(announcement.socket_path().is_some());
    announcement.publish(&record(&uid, &[])).unwrap();
    let next = || events.recv_timeout(WATCHDOG).unwrap();
    let both = [next(), next()];
    // The first look may come before or after.
    assert!(
        both.iter()
            .any(|event| matches!(event, DiscoveryEvent::Scanned))
    );
    assert!(
        both.iter()
            .any(|event| matches!(event, DiscoveryEvent::Found(found) if found.record.uid == uid))
    );
}

#[test]
fn who_comes_late_is_told_what_is_there() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let early = Told::of(&discovery);
    early.scanned();
    let mut uids = [uid(), uid(), uid()];
    uids.sort();
    let _announcements = uids.each_ref().map(|uid| publish(&discovery, uid));
    let late = Told::of(&discovery);
    for uid in &uids {
        assert_eq!(&late.found().uid, uid);
    }
    late.scanned();
    let mut told = uids.each_ref().map(|_| early.found().uid);
    told.sort();
    assert_eq!(told, uids);
}

#[test]
fn namespaces_do_not_see_each_other() {
    let directory = Directory::new();
    let (one, other) = (directory.discovery("one"), directory.discovery("other"));
    let (in_one, in_other) = (Told::of(&one), Told::of(&other));
    in_one.scanned();
    in_other.scanned();
    let (first, second) = (uid(), uid());
    let _first = publish(&one, &first);
    let _second = publish(&other, &second);
    assert_eq!(in_one.found().uid, first);
    assert_eq!(in_other.found().uid, second);
    drop((in_one.subscription, in_other.subscription));
    assert_eq!(in_one.events.iter().count(), 0);
    assert_eq!(in_other.events.iter().count(), 0);
}

#[test]
fn names_are_checked() {
    for name in ["a", "A-b_c.9", &"x".repeat(32)] {
        assert_eq!(LocalDiscovery::new(name).unwrap().namespace(), name);
    }
    for name in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a b",
        "ä",
        "a\0",
        &"x".repeat(33),
    ] {
        let error = LocalDiscovery::new(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
    let directory = Directory::new();
    let refused = directory.discovery("test").announce("../x").err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn private_namespaces_differ() {
    let (one, other) = (LocalDiscovery::private(), LocalDiscovery::private());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one, other);
    assert!(one.namespace().starts_with("p-"));
}

#[test]
fn nothing_is_left_when_all_have_ended() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let announced = discovery.announce(&uid()).unwrap();
    let uid = uid();
    let mut announcement = discovery.announce(&uid).unwrap();
    let path = announcement.socket_path().unwrap().to_owned();
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    announcement.publish(&record(&uid, &[])).unwrap();
    assert_eq!(told.found().uid, uid);
    drop((announcement, announced));
    assert_eq!(told.gone(), uid);
    assert_eq!(names(&directory.namespace("test")), [""; 0]);
    drop(told);
    eventually(|| !directory.namespace("test").exists());
    let _found_by_nobody = publish(&discovery, &uid);
    drop(_found_by_nobody);
    assert!(!directory.namespace("test").exists());
}

#[test]
fn a_path_that_is_too_long_for_a_socket_gives_none() {
    let directory = Directory::new();
    let long = directory.0.join("d".repeat(60));
    std::fs::create_dir(&long).unwrap();
    let discovery = LocalDiscovery::new("test").unwrap().in_directory(long);
    let uid = uid();
    let announcement = publish(&discovery, &uid);
    assert_eq!(announcement.socket_path(), None);
    assert_eq!(Told::of(&discovery).found().uid, uid);
}

#[test]
fn a_namespace_that_vanishes_is_made_again() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let (before, after) = (uid(), uid());
    let mut lost = publish(&discovery, &before);
    assert_eq!(told.found().uid, before);
    std::fs::remove_dir_all(directory.namespace("test")).unwrap();
    assert_eq!(told.gone(), before);
    let _announcement = publish(&discovery, &after);
    assert_eq!(told.found().uid, after);
    // A worker that shows itself again is found again.
    lost.publish(&record(&before, &["again"])).unwrap();
    assert_eq!(told.found().tags, ["again"]);
}

#[test]
fn a_failure_is_told_once_and_then_it_goes_on() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    // A directory in which there is nothing would be removed, and made again as it should be.
    let _other = publish(&directory.discovery("other"), &uid());
    let watcher = Watcher::new(false).unwrap();
    let told = Told::by(&watcher, &discovery);
    told.scanned();
    set_mode(&directory.root(), 0o755);
    match told.next() {
        DiscoveryEvent::Failed(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
        other => panic!("instead of a failure: {other:?}"),
    }
    // Whoever comes now is told at once.
    assert_eq!(
        discovery.announce(&uid()).err().unwrap().kind(),
        ErrorKind::PermissionDenied
    );
    set_mode(&directory.root(), 0o700);
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
}

#[test]
fn without_hints_it_sweeps() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let watcher = Watcher::new(false).unwrap();
    let told = Told::by(&watcher, &discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    announcement.publish(&record(&uid, &["new"])).unwrap();
    assert_eq!(told.found().tags, ["new"]);
    drop(announcement);
    assert_eq!(told.gone(), uid);
}

#[test]
fn no_event_begins_after_the_subscription_has_ended() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let calls = Arc::new(AtomicUsize::new(0));
    let (begun, has_begun) = channel::<()>();
    let (go_on, may_go_on) = channel::<()>();
    let (begun, may_go_on) = (Mutex::new(begun), Mutex::new(may_go_on));
    let counted = Arc::clone(&calls);
    let subscription = discovery
        .subscribe(Arc::new(move |_| {
            begun.lock().unwrap().send(()).unwrap();
            // Ends also when the test has failed.
            let _ = may_go_on.lock().unwrap().recv();
            counted.fetch_add(1, Ordering::SeqCst);
        }))
        .unwrap();
    has_begun.recv_timeout(WATCHDOG).unwrap();
    let at_end = std::thread::spawn({
        let calls = Arc::clone(&calls);
        move || {
            drop(subscription);
            calls.load(Ordering::SeqCst)
        }
    });
    go_on.send(()).unwrap();
    assert_eq!(at_end.join().unwrap(), 1, "it did not wait for the call");
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_sink_may_end_its_own_subscription() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let held: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (sender, events) = channel::<bool>();
    let sender: Mutex<Sender<bool>> = Mutex::new(sender);
    let to_end = Arc::clone(&held);
    // Kept from running until the subscription is where the sink finds it.
    let mut place = held.lock().unwrap();
    *place = Some(
        discovery
            .subscribe(Arc::new(move |_| {
                drop(to_end.lock().unwrap().take());
                let on_wool_thread = Runtime::on_wool_thread();
                sender.lock().unwrap().send(on_wool_thread).unwrap();
            }))
            .unwrap(),
    );
    drop(place);
    assert!(events.recv_timeout(WATCHDOG).unwrap());
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    assert!(events.try_recv().is_err());
}

#[test]
fn a_sink_that_panics_harms_no_other() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let _panics = discovery
        .subscribe(Arc::new(|_| panic!("as the test wants")))
        .unwrap();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
}
