//! Records of others, and of those who are not there.

use super::super::known::MOST;
use super::super::service_type::service_type;
use super::forger::{Answering, Forger, Forgery};
use super::{LanDiscovery, Told, alone, publish, record, uid};
use crate::discovery::{Announced, DiscoveryEvent, Subscribed, TurnedAwayReason};
use crate::error::ErrorKind;
use crate::ids;

fn forgery(discovery: &LanDiscovery, label: &str) -> Forgery {
    let namespace = discovery.namespace().unwrap();
    Forgery {
        service_type: service_type(Some(namespace)),
        label: label.to_owned(),
        port: 9,
        txt: vec![
            "wool=1.0".to_owned(),
            "doors=session".to_owned(),
            format!("ns={namespace}"),
        ],
    }
}

#[test]
fn a_suspect_that_does_not_answer_has_gone_and_is_found_when_it_does() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let uid = uid();
    let forgery = forgery(&discovery, &uid);
    Forger::new().send(&forgery.packet());
    assert_eq!(told.found().addresses, ["127.0.0.1:9"]);
    told.subscription.suspect(&uid);
    assert_eq!(told.gone(), uid);
    // It announces nothing: it is asked.
    let _back = Answering::start(&forgery);
    assert_eq!(told.found().uid, uid);
}

#[test]
fn a_suspect_that_answers_stays() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let [there, vanished] = [uid(), uid()];
    let _worker = publish(&discovery, &there);
    assert_eq!(told.found().uid, there);
    Forger::new().send(&forgery(&discovery, &vanished).packet());
    assert_eq!(told.found().uid, vanished);
    told.subscription.suspect(&there);
    told.subscription.suspect(&vanished);
    told.subscription.suspect("sheep");
    // Both were asked; only one has gone.
    assert_eq!(told.gone(), vanished);
    let next = uid();
    let _next = publish(&discovery, &next);
    assert_eq!(told.found().uid, next);
}

#[test]
fn who_cannot_be_used_is_told_with_the_reason() {
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let forger = Forger::new();
    let python = |version: &str| {
        ["pid=42", &format!("version={version}"), "tags=[\"x\"]"].map(str::to_owned)
    };
    let cases = [
        (uid(), python("0.15.7").to_vec(), TurnedAwayReason::NoDoor),
        (uid(), python("3.0").to_vec(), TurnedAwayReason::Version),
        (uid(), vec!["x=y".to_owned()], TurnedAwayReason::Unreadable),
        (uid(), Vec::new(), TurnedAwayReason::Unreadable),
        (
            "sheep".to_owned(),
            vec!["wool=1.0".to_owned()],
            TurnedAwayReason::Unreadable,
        ),
        (
            uid(),
            vec!["wool=1.0".to_owned()],
            TurnedAwayReason::Namespace,
        ),
    ];
    for (label, txt, reason) in cases {
        let case = Forgery {
            txt,
            ..forgery(&discovery, &label)
        };
        forger.send(&case.packet());
        let turned_away = told.turned_away();
        assert_eq!((turned_away.key, turned_away.reason), (label, reason));
    }
    let upper = uid();
    forger.send(&forgery(&discovery, &upper.to_uppercase()).packet());
    assert_eq!(told.found().uid, upper);
}

#[test]
fn a_flood_leaves_those_who_are_there_alone() {
    const FLOOD: u32 = 10_000;
    let discovery = alone();
    let told = Told::of(&discovery);
    told.scanned();
    let real = uid();
    let mut announcement = publish(&discovery, &real);
    assert_eq!(told.found().uid, real);
    let forger = Forger::new();
    let mut found = 0;
    for number in 0..FLOOD {
        let mut bytes = [0xee; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let label = ids::dashed(&bytes);
        forger.send(&forgery(&discovery, &label).packet());
        // As fast as they are heard, so that none is lost on the way.
        if number % 64 == 0 && found < MOST - 64 {
            told.found();
            found += 1;
        }
    }
    let changed = record(&real, &["changed"]);
    announcement.publish(&changed).unwrap();
    loop {
        match told.next() {
            DiscoveryEvent::Found(found) if found.record == changed => break,
            DiscoveryEvent::Found(_) => found += 1,
            DiscoveryEvent::Failed(error) => assert_eq!(error.kind(), ErrorKind::Discovery),
            DiscoveryEvent::Gone { key } => assert_ne!(key, real),
            other => panic!("{other:?}"),
        }
    }
    assert!(found <= MOST, "{found}");
}
