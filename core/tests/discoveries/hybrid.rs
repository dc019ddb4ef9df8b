//! Pools that start workers and publish them for others.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wool::{
    PoolOptions, Runtime, SpawnCommand, WorkerOrigin, WorkerPool, WorkerState, serve_if_spawned,
};

use crate::board::{Answers, Board};
use crate::common::{block_on, eventually};
use crate::{WATCHDOG, call, close, pool, until_up, who};

/// Tells that this program was started again to be a worker.
const ENTRY: &str = "WOOL_TEST_DISCOVERIES_WORKER";

/// What the worker processes of these tests do: this program, started for this test alone.
#[test]
fn entry() {
    if std::env::var_os(ENTRY).is_none() {
        return;
    }
    let runtime = Runtime::new(Default::default()).unwrap();
    runtime.register(who()).unwrap();
    assert!(serve_if_spawned(&runtime).unwrap());
}

fn starts(count: usize, board: &std::sync::Arc<Board>) -> PoolOptions {
    let exe = std::env::current_exe().unwrap().display().to_string();
    let entry = format!("{ENTRY}=1");
    let wrapper = [
        "sh",
        "-c",
        "exec \"$@\" >/dev/null",
        "sh",
        "env",
        &entry,
        &exe,
    ];
    let argv = wrapper.into_iter().chain(["--exact", "hybrid::entry"]);
    PoolOptions {
        spawn: Some(count),
        command: Some(SpawnCommand::new(argv).unwrap()),
        discovery: Some(board.discovery()),
        ..PoolOptions::default()
    }
}

/// The uids and processes of the workers that the pool has started, once all serve.
fn own(pool: &WorkerPool, count: usize) -> Vec<(String, u32)> {
    block_on(eventually(async || {
        let workers = pool.status().workers;
        let up = workers.iter().filter(|worker| {
            worker.origin == WorkerOrigin::Spawned && worker.state == WorkerState::Up
        });
        up.count() == count && workers.len() == count
    }));
    let workers = pool.status().workers.into_iter();
    workers.map(|worker| (worker.uid, worker.pid)).collect()
}

fn until_written(board: &Board, workers: &[(String, u32)]) {
    let mut expected: Vec<&String> = workers.iter().map(|(uid, _)| uid).collect();
    expected.sort_unstable();
    block_on(eventually(async || {
        board.uids().iter().eq(expected.iter().copied())
    }));
}

#[test]
fn others_find_what_a_pool_has_started_for_as_long_as_it_is_there() {
    for secret in [None, Some(b"fleece".to_vec())] {
        let board = Board::new();
        let starting = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            secret: secret.clone(),
            ..starts(2, &board)
        };
        let starter = WorkerPool::new(&starting, options).unwrap();
        let before = own(&starter, 2);
        until_written(&board, &before);
        let joining = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            discovery: Some(board.discovery()),
            secret,
            ..PoolOptions::default()
        };
        let joined = WorkerPool::new(&joining, options).unwrap();
        until_up(&joined, &[&before[0].0, &before[1].0]);
        assert!(before.iter().any(|(_, pid)| *pid == call(&joined)));

        // The one that is killed is withdrawn, and the next one is published.
        let killed = &before[0];
        kill(Pid::from_raw(killed.1.try_into().unwrap()), Signal::SIGKILL).unwrap();
        block_on(eventually(async || {
            let uids = board.uids();
            uids.len() == 2 && !uids.contains(&killed.0)
        }));
        let after = own(&starter, 2);
        until_written(&board, &after);
        until_up(&joined, &[&after[0].0, &after[1].0]);
        call(&starter);

        starter.close_blocking(Some(WATCHDOG)).unwrap();
        assert!(board.uids().is_empty());
        until_up(&joined, &[]);
        close([starting, joining]);
    }
}

#[test]
fn a_worker_that_cannot_be_published_is_a_problem_and_serves_its_pool() {
    let board = Board::new();
    board.answer(Answers::Broken);
    let runtime = Runtime::new(Default::default()).unwrap();
    let starter = WorkerPool::new(&runtime, starts(1, &board)).unwrap();
    block_on(eventually(async || !starter.status().problems.is_empty()));
    let workers = own(&starter, 1);
    let problem = starter.status().problems[0].message().to_owned();
    assert!(problem.contains(&workers[0].0), "{problem}");
    assert!(problem.contains("the board is full"), "{problem}");
    assert_eq!(call(&starter), workers[0].1);
    board.answer(Answers::Well);
    until_written(&board, &workers);
    block_on(eventually(async || starter.status().problems.is_empty()));
    close([runtime]);
    assert!(board.uids().is_empty());
}

#[test]
fn a_pool_closes_though_nobody_confirms_that_its_workers_are_withdrawn() {
    let board = Board::new();
    let runtime = Runtime::new(Default::default()).unwrap();
    let starter = WorkerPool::new(&runtime, starts(1, &board)).unwrap();
    let workers = own(&starter, 1);
    until_written(&board, &workers);
    board.answer(Answers::Held);
    starter
        .close_blocking(Some(Duration::from_secs(30)))
        .unwrap();
    assert!(board.uids().is_empty());
    let listening = pool(&runtime, board.discovery());
    until_up(&listening, &[]);
    close([runtime]);
}
