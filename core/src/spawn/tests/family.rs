//! Parents that die, grandchildren, and what is left behind.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use super::*;

/// A process with two workers, and the workers' pids.
fn parent(act: &str) -> (Child, [u32; 2]) {
    let argv = acts::argv(&format!("parent={act}"));
    let mut parent = Command::new(&argv[0])
        .args(&argv[1..])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pids = lines
        .map(Result::unwrap)
        .find_map(|line| {
            let (_, rest) = line.split_once('<')?;
            let (first, second) = rest.strip_suffix('>')?.split_once(' ')?;
            Some([first.parse().unwrap(), second.parse().unwrap()])
        })
        .expect("the parent did not say which workers it has");
    (parent, pids)
}

#[test]
fn workers_end_with_their_parent() {
    let (mut parent, workers) = parent("serve");
    assert!(workers.into_iter().all(runs));
    parent.kill().unwrap();
    parent.wait().unwrap();
    for pid in workers {
        eventually("the workers end", || !runs(pid));
    }
}

/// One in a routine that does not stop, the other in a main that does not return.
#[test]
fn wedged_workers_end_with_their_parent() {
    let (mut parent, workers) = parent("linger");
    parent.kill().unwrap();
    parent.wait().unwrap();
    for pid in workers {
        eventually("the workers end", || !runs(pid));
    }
}

#[test]
fn parent_and_worker_killed_at_once_leave_nothing() {
    let (mut parent, workers) = parent("serve");
    signal(workers[0], Signal::SIGSTOP);
    signal(parent.id(), Signal::SIGSTOP);
    signal(workers[0], Signal::SIGKILL);
    signal(parent.id(), Signal::SIGKILL);
    parent.wait().unwrap();
    for pid in workers {
        eventually("the workers end", || !runs(pid));
    }
}

#[test]
fn what_a_worker_starts_is_no_worker() {
    let times = SpawnTimes {
        end: WATCHDOG,
        ..quick()
    };
    let spawned = Spawned::with(act("grandparent"), 1, times);
    spawned.ready();
    // Its main tries all of them before it returns.
    let stories = spawned.stop(Grace::Now);
    assert!(
        stories[0].contains("none of them is a worker"),
        "{stories:?}"
    );
    assert!(stories[0].contains("exit status 0"), "{stories:?}");
}

#[test]
fn no_descriptor_thread_or_zombie_is_left() {
    acts::play("leaks");
}

#[test]
fn a_host_that_ignores_its_children_is_no_harm() {
    acts::play("deaf_to_children");
}

#[test]
fn a_main_function_is_a_worker_or_the_program() {
    let printed = acts::play("main");
    assert!(
        printed.contains("<the program runs>\n<it has ended>"),
        "{printed}"
    );
    let wrapper = ["sh", "-c", "exec \"$@\" >&2", "sh"];
    let spawned = Spawned::new(wrapped(&wrapper, "main"), 1);
    spawned.ready();
    let stories = spawned.stop(Grace::Forever);
    assert!(stories[0].contains("its main returns"), "{stories:?}");
    assert!(!stories[0].contains("the program runs"), "{stories:?}");
}
