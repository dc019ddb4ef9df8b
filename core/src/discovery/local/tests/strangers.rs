//! What is in the directory and is no record of a worker of this user, here and now.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::children::Process;
use super::{Directory, Told, cannot, eventually, is_root, publish, record, uid};
use crate::discovery::Announced;
use crate::discovery::local::record::{Here, LARGEST, encode};
use crate::discovery::local::{lock, names};
use crate::discovery::{DiscoveryEvent, TurnedAwayReason};
use crate::error::ErrorKind;

/// Writes a file as a living worker holds it.
fn locked(directory: &Path, uid: &str, content: &[u8]) -> File {
    let path = directory.join(names::bare(uid).unwrap());
    std::fs::write(&path, content).unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    assert!(lock::take(&file).unwrap());
    file
}

#[test]
fn what_is_no_record_is_turned_away_with_its_reason() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let good = uid();
    let _announcement = publish(&discovery, &good);
    let path = directory.namespace("test");
    let here = Here::find().unwrap();
    let uids: [String; 8] = std::array::from_fn(|_| uid());
    let whole = |uid: &str, here: &Here| encode(&record(uid, &[]), here).unwrap();
    let cut = &whole(&uids[1], &here)[..20];
    let other_boot = whole(&uids[3], &Here::elsewhere(Some("other"), None));
    let other_network = whole(&uids[4], &Here::elsewhere(None, Some(1)));
    let files = [
        locked(&path, &uids[0], b"garbage"),
        locked(&path, &uids[1], cut),
        locked(&path, &uids[2], &vec![0; LARGEST + 1]),
        locked(&path, &uids[3], &other_boot),
        locked(&path, &uids[4], &other_network),
        locked(&path, &uids[5], &whole(&uids[0], &here)),
    ];
    let bare = |uid: &str| path.join(names::bare(uid).unwrap());
    symlink(bare(&good), bare(&uids[6])).unwrap();
    nix::unistd::mkfifo(&bare(&uids[7]), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(path.join("notes.txt"), "a stranger").unwrap();
    std::fs::write(path.join(".hidden"), "nobody's business").unwrap();

    let told = Told::of(&discovery);
    let mut reasons = BTreeMap::new();
    let mut found = Vec::new();
    loop {
        match told.next() {
            DiscoveryEvent::TurnedAway(turned) => {
                assert!(!turned.message.is_empty());
                reasons.insert(turned.key, turned.reason);
            }
            DiscoveryEvent::Found(found_one) => found.push(found_one.record.uid),
            DiscoveryEvent::Scanned => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(found, [good]);
    let mut expected: BTreeMap<String, TurnedAwayReason> = uids
        .iter()
        .map(|uid| (uid.clone(), TurnedAwayReason::Unreadable))
        .collect();
    expected.insert(uids[2].clone(), TurnedAwayReason::TooLarge);
    expected.insert(uids[3].clone(), TurnedAwayReason::OtherBoot);
    expected.insert(uids[4].clone(), TurnedAwayReason::OtherNetworkNamespace);
    expected.insert("notes.txt".to_owned(), TurnedAwayReason::Unreadable);
    assert_eq!(reasons, expected);

    std::fs::remove_file(path.join("notes.txt")).unwrap();
    assert_eq!(told.gone(), "notes.txt");
    let (first, rest) = files.split_first().unwrap();
    lock::give_up(first);
    // Nobody writes when only a lock falls: this is a hint.
    std::fs::write(path.join(".hint"), "").unwrap();
    assert_eq!(told.gone(), uids[0]);
    eventually(|| !bare(&uids[0]).exists());
    assert_eq!(rest.len(), 5);
}

#[test]
fn a_record_that_becomes_unusable_is_gone_first() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let mut announcement = publish(&discovery, &uid);
    assert_eq!(told.found().uid, uid);
    let path = directory.namespace("test").join(names::bare(&uid).unwrap());
    std::fs::write(&path, "garbage").unwrap();
    assert_eq!(told.gone(), uid);
    match told.next() {
        DiscoveryEvent::TurnedAway(turned) => assert_eq!(turned.key, uid),
        other => panic!("{other:?}"),
    }
    announcement.publish(&record(&uid, &["good"])).unwrap();
    assert_eq!(told.gone(), uid);
    assert_eq!(told.found().tags, ["good"]);
}

#[test]
fn a_record_has_a_largest_size() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let uid = uid();
    let mut announcement = publish(&discovery, &uid);
    let error = announcement
        .publish(&record(&uid, &[&"t".repeat(LARGEST)]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    // The one before is still shown.
    assert_eq!(Told::of(&discovery).found().uid, uid);
}

#[test]
fn a_file_of_another_user_is_turned_away_and_stays() {
    if !is_root() {
        return cannot("a file of another user", "only root can give files away");
    }
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let good = uid();
    let _announcement = publish(&discovery, &good);
    let other = uid();
    let path = directory
        .namespace("test")
        .join(names::bare(&other).unwrap());
    std::fs::write(&path, "").unwrap();
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let told = Told::of(&discovery);
    let both = [told.next(), told.next()];
    told.scanned();
    for event in both {
        match event {
            DiscoveryEvent::Found(found) => assert_eq!(found.record.uid, good),
            DiscoveryEvent::TurnedAway(turned) => {
                assert_eq!(turned.key, other);
                assert_eq!(turned.reason, TurnedAwayReason::OtherUser);
            }
            event => panic!("{event:?}"),
        }
    }
    assert!(path.exists());
}

#[test]
fn two_users_do_not_find_each_other() {
    if !is_root() {
        return cannot("two users", "only root can become another user");
    }
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    Process::start_as(65534, "find-nobody", &discovery).succeed();
    let theirs = Process::start_as(65534, "publish", &discovery);
    eventually(|| super::names(&directory.0.join("wool-65534/test")).len() == 2);
    let told = Told::of(&discovery);
    assert_eq!(told.found().uid, uid);
    told.scanned();
    theirs.succeed();
}
