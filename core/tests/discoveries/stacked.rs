//! Several discoveries at once.

use std::sync::Arc;

use wool::{
    Discovery, ErrorKind, Grace, LocalDiscovery, PoolOptions, Runtime, StackedDiscovery,
    StaticDiscovery, Worker, WorkerOptions, WorkerPool,
};

use crate::board::{Answers, Board, FindsOnly};
use crate::common::{block_on, eventually};
use crate::{WATCHDOG, call, close, pool, published, until_up, worker};

fn stack(discoveries: impl IntoIterator<Item = Discovery>) -> Discovery {
    Discovery::Stacked(StackedDiscovery::new(discoveries).unwrap())
}

fn nowhere() -> Discovery {
    Discovery::Static(StaticDiscovery::new(["127.0.0.1:1"]).unwrap())
}

#[test]
fn a_worker_that_one_source_loses_stays_as_long_as_another_has_it() {
    let (first, second) = (Board::new(), Board::new());
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = pool(&caller, stack([first.discovery(), second.discovery()]));
    let (runtime, worker) = worker(published(stack([first.discovery(), second.discovery()])));
    until_up(&pool, &[worker.uid()]);
    assert_eq!(first.uids(), [worker.uid()]);
    assert_eq!(second.uids(), [worker.uid()]);
    // By the first, which is believed, then by the second.
    first.tell(|subscriber| subscriber.gone(worker.uid()));
    first.fail("torn down");
    block_on(eventually(async || !pool.status().problems.is_empty()));
    let problem = pool.status().problems[0].message().to_owned();
    assert!(
        problem.starts_with("discovery 1 of 2 (custom): torn down"),
        "{problem}"
    );
    until_up(&pool, &[worker.uid()]);
    call(&pool);
    second.tell(|subscriber| subscriber.gone(worker.uid()));
    until_up(&pool, &[]);
    close([caller, runtime]);
}

#[test]
fn a_worker_is_published_by_all_that_can_and_withdrawn_from_all() {
    let (first, second) = (Board::new(), Board::new());
    let finds_only = Discovery::Custom(Arc::new(FindsOnly));
    let within = stack([nowhere(), second.discovery()]);
    let all = stack([nowhere(), first.discovery(), finds_only, within]);
    let (runtime, worker) = worker(published(all));
    for board in [&first, &second] {
        assert_eq!(board.uids(), [worker.uid()]);
        board.answer(Answers::Held);
    }
    worker.stop(Grace::Now, || {});
    block_on(eventually(async || second.asked().len() == 2));
    first.let_withdraw();
    let stopped = worker.stop_blocking(Grace::Now, Some(std::time::Duration::ZERO));
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Timeout);
    second.let_withdraw();
    worker.stop_blocking(Grace::Now, Some(WATCHDOG)).unwrap();
    close([runtime]);
}

#[test]
fn a_worker_that_one_cannot_publish_does_not_start_and_is_withdrawn_from_the_others() {
    let (first, second) = (Board::new(), Board::new());
    second.answer(Answers::Broken);
    let runtime = Runtime::new(Default::default()).unwrap();
    let both = stack([first.discovery(), second.discovery()]);
    let error = Worker::start(&runtime, published(both)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io);
    let message = "discovery 2 of 2 (custom): the board is full";
    assert_eq!(error.message(), message);
    assert_eq!(first.asked().len(), 2, "{:?}", first.asked());
    assert!(first.uids().is_empty());
    let none = stack([nowhere(), Discovery::Custom(Arc::new(FindsOnly))]);
    let error = Worker::start(&runtime, published(none)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = Worker::start(&runtime, published(stack([nowhere()])))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    close([runtime]);
}

#[test]
fn who_finds_a_worker_elsewhere_is_not_asked_for_what_only_its_local_record_holds() {
    let name = format!("wool-discoveries-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).unwrap();
    let local = || {
        let local = LocalDiscovery::new("sheep").unwrap();
        Discovery::Local(local.in_directory(&folder))
    };
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    for secret in [None, Some(b"fleece".to_vec())] {
        let (runtime, worker) = worker(WorkerOptions {
            secret: secret.clone(),
            ..published(stack([local(), board.discovery()]))
        });
        // The local record tells the secret; who finds it elsewhere has to know it.
        let here = pool(&caller, local());
        until_up(&here, &[worker.uid()]);
        call(&here);
        let options = PoolOptions {
            discovery: Some(board.discovery()),
            secret,
            ..PoolOptions::default()
        };
        let elsewhere = WorkerPool::new(&caller, options).unwrap();
        until_up(&elsewhere, &[worker.uid()]);
        call(&elsewhere);
        close([runtime]);
    }
    close([caller]);
    std::fs::remove_dir_all(folder).unwrap();
}
