//! A thousand workers, and many who look for them.

use std::collections::BTreeSet;

use super::children::Process;
use super::{Directory, Told, nothing_is_left};

#[test]
fn a_thousand_workers_are_found_and_gone() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let early = Told::of(&discovery);
    early.scanned();
    let mut processes: Vec<_> = (0..4)
        .map(|_| Process::start("publish-250", &discovery))
        .collect();
    let uids: BTreeSet<_> = (0..1000).map(|_| early.found().uid).collect();
    assert_eq!(uids.len(), 1000);
    let others: Vec<_> = (0..63).map(|_| Told::of(&discovery)).collect();
    for other in &others {
        let found: BTreeSet<_> = (0..1000).map(|_| other.found().uid).collect();
        assert_eq!(found, uids);
        other.scanned();
    }
    for process in &mut processes {
        process.kill();
    }
    for told in others.iter().chain([&early]) {
        let gone: BTreeSet<_> = (0..1000).map(|_| told.gone()).collect();
        assert_eq!(gone, uids);
    }
    nothing_is_left(&directory);
}
