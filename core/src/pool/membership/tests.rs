use super::*;
use crate::wire::{self, Door};

fn membership(tags: &[&str], lease: usize) -> Membership {
    Membership::new(Policy {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        lease,
        allow_plaintext: false,
        secret: None,
        credentials: None,
        peers: None,
    })
}

/// Whose sessions are down, unless the test says otherwise.
fn down(_key: &str) -> bool {
    false
}

fn up(_key: &str) -> bool {
    true
}

fn record(uid: &str) -> WorkerRecord {
    WorkerRecord {
        uid: uid.to_owned(),
        addresses: vec!["127.0.0.1:1".to_owned()],
        doors: vec![Door::Session as i32],
        protocol_major: wire::MAJOR,
        ..WorkerRecord::default()
    }
}

fn found(record: WorkerRecord) -> Found {
    Found {
        record,
        trusted: true,
    }
}

fn joins(changes: &[Change]) -> Vec<&str> {
    let mut uids = Vec::new();
    for change in changes {
        if let Change::Join(candidate) = change {
            uids.push(candidate.key.as_str());
        }
    }
    uids
}

fn leave(uid: &str) -> Change {
    Change::Leave {
        key: uid.to_owned(),
    }
}

fn reason(members: &Membership, uid: &str) -> Option<TurnedAwayReason> {
    let turned_away = members.turned_away_now();
    turned_away
        .into_iter()
        .find(|turned_away| turned_away.key == uid)
        .map(|turned_away| turned_away.reason)
}

#[test]
fn a_worker_joins_once_and_leaves_once() {
    let mut members = membership(&[], 0);
    assert_eq!(joins(&members.found(found(record("a")), &down)), ["a"]);
    let again = members.found(found(record("a")), &down);
    assert!(matches!(&again[..], [Change::Update(_)]));
    assert_eq!(members.gone("a", &down), [leave("a")]);
    assert_eq!(members.gone("a", &down), []);
}

#[test]
fn a_worker_that_moved_stays_and_is_told_so() {
    let mut members = membership(&[], 0);
    members.found(found(record("a")), &down);
    let moved = WorkerRecord {
        addresses: vec!["127.0.0.1:2".to_owned()],
        ..record("a")
    };
    for is_up in [up, down] {
        let changes = members.found(found(moved.clone()), &is_up);
        let [Change::Update(update)] = &changes[..] else {
            panic!("{changes:?}");
        };
        let address = Address::parse("127.0.0.1:2", false).unwrap();
        assert_eq!(update.endpoint.addresses, [address]);
    }
}

#[test]
fn what_anybody_may_say_does_not_dislodge_a_worker_that_is_up() {
    let said = |record| Found {
        record,
        trusted: false,
    };
    let other_major = WorkerRecord {
        protocol_major: wire::MAJOR + 1,
        ..record("a")
    };
    let mut members = membership(&[], 1);
    assert_eq!(joins(&members.found(said(record("a")), &up)), ["a"]);
    members.found(said(record("next")), &up);
    assert_eq!(members.gone("a", &up), []);
    assert_eq!(members.found(said(other_major.clone()), &up), []);
    assert_eq!(reason(&members, "a"), Some(TurnedAwayReason::Protocol));
    // It is there after all.
    let changes = members.found(said(record("a")), &up);
    assert!(matches!(&changes[..], [Change::Update(_)]));
    assert_eq!(members.down("a"), []);
    // What was said came true.
    assert_eq!(members.gone("a", &up), []);
    let changes = members.down("a");
    assert_eq!(changes[0], leave("a"));
    assert_eq!(joins(&changes), ["next"]);
    // Nobody is there to say otherwise.
    assert_eq!(members.gone("next", &down), [leave("next")]);
}

#[test]
fn who_is_believed_is_not_contradicted_by_others() {
    let mut members = membership(&[], 0);
    members.found(found(record("a")), &down);
    let forged = Found {
        record: WorkerRecord {
            addresses: vec!["127.0.0.1:2".to_owned()],
            ..record("a")
        },
        trusted: false,
    };
    assert_eq!(members.found(forged, &down), []);
    assert_eq!(members.gone("a", &up), [leave("a")]);
}

#[test]
fn tags_are_all_asked_for_and_may_come_later() {
    let mut members = membership(&["gpu", "big"], 0);
    let tagged = |tags: &[&str]| WorkerRecord {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..record("a")
    };
    assert_eq!(members.found(found(tagged(&["gpu"])), &down), []);
    assert_eq!(reason(&members, "a"), Some(TurnedAwayReason::Tags));
    assert_eq!(
        joins(&members.found(found(tagged(&["big", "x", "gpu"])), &down)),
        ["a"]
    );
    assert_eq!(reason(&members, "a"), None);
    assert_eq!(members.found(found(tagged(&[])), &down), [leave("a")]);
    assert_eq!(members.counts()[&TurnedAwayReason::Tags], 2);
}

#[test]
fn the_lease_caps_found_workers_in_their_order() {
    let mut members = membership(&[], 2);
    for uid in ["c", "a", "d", "b"] {
        members.found(found(record(uid)), &down);
    }
    assert_eq!(reason(&members, "d"), Some(TurnedAwayReason::Lease));
    assert_eq!(reason(&members, "b"), Some(TurnedAwayReason::Lease));
    let changes = members.gone("c", &down);
    assert_eq!(changes[0], leave("c"));
    assert_eq!(joins(&changes), ["d"]);
    assert_eq!(reason(&members, "d"), None);
    // One that waits and goes is nobody's change.
    assert_eq!(members.gone("b", &down), []);
    assert_eq!(members.gone("a", &down), [leave("a")]);
}

#[test]
fn the_pools_own_workers_need_no_lease_and_no_tag() {
    let mut members = membership(&["gpu"], 1);
    let gpu = |uid| WorkerRecord {
        tags: vec!["gpu".to_owned()],
        ..record(uid)
    };
    members.own_ready("own");
    assert!(members.expects_own());
    assert_eq!(joins(&members.found(found(record("own")), &down)), ["own"]);
    assert!(!members.expects_own());
    assert_eq!(joins(&members.found(found(gpu("one")), &down)), ["one"]);
    assert_eq!(members.found(found(gpu("two")), &down), []);
    // Found before its process said that it is ready: it took the lease, and gives it back.
    assert_eq!(joins(&members.own_ready("one")), ["two"]);
    assert_eq!(members.own_ended("own"), [leave("own")]);
}

#[test]
fn an_own_worker_that_waits_for_the_lease_joins_when_it_is_known() {
    let mut members = membership(&[], 1);
    members.found(found(record("one")), &down);
    assert_eq!(members.found(found(record("own")), &down), []);
    assert_eq!(joins(&members.own_ready("own")), ["own"]);
    assert_eq!(reason(&members, "own"), None);
    assert!(members.counts().is_empty());
}

#[test]
fn what_cannot_be_used_is_turned_away_with_its_reason() {
    let mut members = membership(&[], 0);
    let bad = [
        (
            WorkerRecord {
                protocol_major: wire::MAJOR + 1,
                ..record("major")
            },
            TurnedAwayReason::Protocol,
        ),
        (
            WorkerRecord {
                doors: vec![Door::Dispatch as i32],
                ..record("door")
            },
            TurnedAwayReason::NoDoor,
        ),
        (
            WorkerRecord {
                addresses: vec!["192.0.2.1:1".to_owned()],
                ..record("far")
            },
            TurnedAwayReason::NoAddress,
        ),
        (
            WorkerRecord {
                addresses: Vec::new(),
                ..record("nowhere")
            },
            TurnedAwayReason::NoAddress,
        ),
        (
            WorkerRecord {
                secure: true,
                ..record("tls")
            },
            TurnedAwayReason::Secure,
        ),
    ];
    for (record, wanted) in bad {
        let uid = record.uid.clone();
        assert_eq!(members.found(found(record), &down), []);
        assert_eq!(reason(&members, &uid), Some(wanted));
    }
    members.turned_away(
        TurnedAway {
            key: "x".to_owned(),
            reason: TurnedAwayReason::OtherBoot,
            message: String::new(),
        },
        &down,
    );
    assert_eq!(members.turned_away_now().len(), 6);
    members.gone("x", &down);
    assert_eq!(reason(&members, "x"), None);
    assert_eq!(members.counts()[&TurnedAwayReason::OtherBoot], 1);
}
