//! What is published is found, changed and gone.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

use super::super::daemon::Daemon;
use super::super::interfaces::Filter;
use super::super::service_type::service_type;
use super::{Told, WATCHDOG, alone, publish, record, refusal, sink, uid, within};
use crate::discovery::{Announced, TurnedAwayReason};
use crate::error::ErrorKind;

fn finish(withdrawn: crate::discovery::Withdrawn) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime
        .block_on(async { tokio::time::timeout(WATCHDOG, withdrawn).await })
        .expect("it is never withdrawn");
}

#[test]
fn a_worker_is_found_then_changed_then_gone() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = discovery.announcement(&uid).unwrap();
    announcement.publish(&record(&uid, &[])).unwrap();
    assert_eq!(told.found(), record(&uid, &[]));
    let changed = record(&uid, &["gpu", "größe"]);
    announcement.publish(&changed).unwrap();
    assert_eq!(told.found(), changed);
    let mut moved = changed.clone();
    moved.addresses = vec!["127.0.0.1:7001".to_owned()];
    announcement.publish(&moved).unwrap();
    assert_eq!(told.found(), moved);
    finish(Box::new(announcement).withdraw());
    assert_eq!(told.gone(), uid);
}

#[test]
fn who_looks_later_finds_it_too() {
    let discovery = alone();
    let first = uid();
    let announcement = publish(&discovery, &first);
    let told = Told::of(&discovery);
    assert_eq!(told.found().uid, first);
    told.scanned();
    // Of what this process knows already nobody has to be asked.
    let later = Told::of(&discovery);
    assert_eq!(later.found().uid, first);
    later.scanned();
    drop(announcement);
    assert_eq!(told.gone(), first);
    assert_eq!(later.gone(), first);
}

#[test]
fn where_nobody_is_the_first_look_ends() {
    Told::of(&alone()).scanned();
}

#[test]
fn namespaces_do_not_meet() {
    let [here, there] = [alone(), alone()];
    let [mine, theirs] = [uid(), uid()];
    let told = Told::of(&here);
    told.scanned();
    let _theirs = publish(&there, &theirs);
    let _mine = publish(&here, &mine);
    assert_eq!(told.found().uid, mine);
}

/// Two namespaces with one service type.
fn twins() -> [String; 2] {
    let mut seen = HashMap::new();
    let random = uid();
    for number in 0_u32.. {
        let namespace = format!("{random}-{number}");
        if let Some(twin) = seen.insert(service_type(Some(&namespace)), namespace.clone()) {
            return [twin, namespace];
        }
    }
    unreachable!("there are only 16,777,216 service types");
}

#[test]
fn a_namespace_with_the_same_short_name_is_turned_away() {
    let [here, there] = twins();
    let uid = uid();
    let told = Told::of(&within(&here));
    told.scanned();
    let _worker = publish(&within(&there), &uid);
    let turned_away = told.turned_away();
    assert_eq!(turned_away.key, uid);
    assert_eq!(turned_away.reason, TurnedAwayReason::Namespace);
    assert!(turned_away.message.contains(&here), "{turned_away:?}");
    assert!(turned_away.message.contains(&there), "{turned_away:?}");
}

#[test]
fn bound_to_all_addresses_it_is_found_at_those_of_the_networks() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = discovery.announcement(&uid).unwrap();
    let mut bound = record(&uid, &[]);
    bound.addresses = vec!["0.0.0.0:7000".to_owned()];
    announcement.publish(&bound).unwrap();
    assert_eq!(told.found().addresses, ["127.0.0.1:7000"]);
}

#[test]
fn an_address_of_another_network_is_told_as_it_is() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = discovery.announcement(&uid).unwrap();
    let mut far = record(&uid, &[]);
    far.addresses = vec!["127.0.0.1:7000".to_owned(), "203.0.113.5:443".to_owned()];
    announcement.publish(&far).unwrap();
    assert_eq!(told.found(), far);
}

#[test]
fn what_is_too_large_is_refused_and_what_was_shown_stays() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    let large = "x".repeat(300);
    let error = announcement.publish(&record(&uid, &[&large])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Discovery);
    for part in ["\"tags\"", "309", "255"] {
        assert!(error.message().contains(part), "{error}");
    }
    let small = record(&uid, &["small"]);
    announcement.publish(&small).unwrap();
    assert_eq!(told.found(), small);
}

#[test]
fn interfaces_that_are_not_there_are_named() {
    let nowhere = alone().on_interfaces(["wool-none"]);
    let announced = nowhere.announcement(&uid()).err().expect("it is refused");
    for error in [refusal(&nowhere), announced] {
        assert_eq!(error.kind(), ErrorKind::Discovery);
        assert!(error.message().contains("\"wool-none\""), "{error}");
        assert!(error.message().contains("lo"), "{error}");
    }
}

#[test]
fn what_is_no_uid_is_refused() {
    let error = alone().announcement("sheep").err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_process_has_one_daemon_for_the_same_networks() {
    let filter = Filter::find(&["lo".to_owned()]).unwrap();
    let one = Daemon::on(filter.clone()).unwrap();
    assert!(Arc::ptr_eq(&one, &Daemon::on(filter).unwrap()));
}

#[test]
#[allow(unsafe_code, reason = "to fork is what is tested")]
fn a_forked_child_is_refused_and_does_not_hang() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    let (mut said, mut says) = std::io::pipe().unwrap();
    // SAFETY: the child runs on in a copy of this thread alone; it waits for no other thread's lock.
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            // SAFETY: ends a child that hangs.
            unsafe { nix::libc::alarm(WATCHDOG.as_secs() as u32) };
            let (sink, _events) = sink();
            let refused = [
                announcement.publish(&record(&uid, &["child"])).err(),
                discovery.subscription(sink).err(),
                discovery.announcement(&uid).err(),
            ];
            drop(announcement);
            drop(told);
            let is_forked = |error: Option<crate::error::Error>| {
                error.is_some_and(|error| error.kind() == ErrorKind::Forked)
            };
            if refused.into_iter().all(is_forked) {
                says.write_all(b"refused").unwrap();
            }
            // SAFETY: ends the child without the parent's clean-up.
            unsafe { nix::libc::_exit(0) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            drop(says);
            let mut answer = String::new();
            said.read_to_string(&mut answer).unwrap();
            nix::sys::wait::waitpid(child, None).unwrap();
            assert_eq!(answer, "refused");
            let changed = record(&uid, &["parent"]);
            announcement.publish(&changed).unwrap();
            assert_eq!(told.found(), changed);
        }
    }
}
