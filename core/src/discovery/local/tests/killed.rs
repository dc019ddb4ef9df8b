//! Processes that are killed: their workers are gone, and nothing of them is left.

use super::children::Process;
use super::{Directory, Told, names, nothing_is_left, publish, uid};
use crate::discovery::Announced;

#[test]
fn a_killed_worker_is_gone_with_its_socket() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let mut process = Process::start("publish", &discovery);
    let uid = told.found().uid;
    assert_eq!(names(&directory.namespace("test")).len(), 2);
    process.kill();
    assert_eq!(told.gone(), uid);
    nothing_is_left(&directory);
}

#[test]
fn a_worker_that_ends_leaves_nothing() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let process = Process::start("publish", &discovery);
    let uid = told.found().uid;
    process.succeed();
    assert_eq!(told.gone(), uid);
    nothing_is_left(&directory);
}

#[test]
fn a_forked_child_does_not_keep_its_parent_alive() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let mut process = Process::start("fork", &discovery);
    // Both may be found at one look, in the order of their names.
    let found = [told.found(), told.found()];
    let child = found.iter().find_map(|record| record.extra.get("child"));
    let child = child.unwrap();
    process.kill();
    let mut gone = [told.gone(), told.gone()];
    let mut workers = found.each_ref().map(|record| record.uid.clone());
    gone.sort();
    workers.sort();
    assert_eq!(gone, workers);
    let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap();
    assert!(status.contains("State:\tS"), "it was to live on: {status}");
    nothing_is_left(&directory);
}

#[test]
fn what_a_killed_namespace_left_is_removed_by_the_next_process_under_the_root() {
    let directory = Directory::new();
    let abandoned = directory.discovery("p-abandoned");
    let told = Told::of(&abandoned);
    told.scanned();
    let mut process = Process::start("announce", &abandoned);
    let _ready = told.found();
    // A record, one that is not shown yet, and two sockets.
    assert_eq!(names(&directory.namespace("p-abandoned")).len(), 4);
    drop(told);
    process.kill();
    let discovery = directory.discovery("test");
    let found = Told::of(&discovery);
    found.scanned();
    let _process = Process::start("publish", &discovery);
    let _uid = found.found();
    super::eventually(|| !directory.namespace("p-abandoned").exists());
}

#[test]
fn a_worker_that_dies_before_it_is_shown_is_tidied_up() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    let mut process = Process::start("announce", &discovery);
    let ready = told.found().uid;
    process.kill();
    assert_eq!(told.gone(), ready);
    nothing_is_left(&directory);
}

#[test]
fn living_workers_outlast_every_sweep() {
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let announced = discovery.announce(&uid()).unwrap();
    let socket = announced.socket_path().unwrap().to_owned();
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let told = Told::of(&discovery);
    told.scanned();
    for _ in 0..8 {
        let mut process = Process::start("publish", &discovery);
        let uid = told.found().uid;
        process.kill();
        assert_eq!(told.gone(), uid);
        assert!(socket.exists());
    }
    let shown = uid();
    let _shown = publish(&discovery, &shown);
    assert_eq!(told.found().uid, shown);
}

/// The lock of a killed process may fall after the notification that its file was closed.
#[test]
fn two_hundred_killed_workers_all_go() {
    const AT_ONCE: usize = 8;
    let directory = Directory::new();
    let discovery = directory.discovery("test");
    let told = Told::of(&discovery);
    told.scanned();
    for _ in 0..200 / AT_ONCE {
        let mut processes: Vec<_> = (0..AT_ONCE)
            .map(|_| Process::start("publish", &discovery))
            .collect();
        let mut found: Vec<_> = processes.iter().map(|_| told.found().uid).collect();
        for process in &mut processes {
            process.kill();
        }
        let mut gone: Vec<_> = processes.iter().map(|_| told.gone()).collect();
        found.sort();
        gone.sort();
        assert_eq!(found, gone);
    }
    nothing_is_left(&directory);
}
