//! Discoveries that a program brings along.

use std::sync::Arc;
use std::time::Duration;

use wool::{
    Discovery, Error, ErrorKind, Grace, PoolOptions, Runtime, TurnedAwayReason, Worker,
    WorkerOptions, WorkerPool, WorkerRecord, WorkerState,
};

use crate::board::{Answers, Board, FindsOnly};
use crate::common::{block_on, eventually};
use crate::{WATCHDOG, call, close, pool, published, until_up, worker};

#[test]
fn a_worker_is_found_while_it_is_published() {
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = pool(&caller, board.discovery());
    let options = WorkerOptions {
        tags: vec!["merino".to_owned()],
        extra: [("farm".to_owned(), "north".to_owned())].into(),
        ..published(board.discovery())
    };
    let (runtime, worker) = worker(options);
    until_up(&pool, &[worker.uid()]);
    assert_eq!(call(&pool), std::process::id());
    let record = board.record(worker.uid());
    assert_eq!(record.addresses, [worker.address()]);
    assert_eq!(record.tags, ["merino"]);
    assert_eq!(record.extra["farm"], "north");
    assert_eq!(record.language, "rust");
    assert_eq!(record.pid, std::process::id());
    assert!(record.session_door);
    worker.stop_blocking(Grace::Now, Some(WATCHDOG)).unwrap();
    until_up(&pool, &[]);
    let uid = worker.uid();
    assert_eq!(board.asked(), [format!("+{uid}"), format!("-{uid}")]);
    close([caller, runtime]);
}

#[test]
fn a_worker_that_cannot_be_published_does_not_start() {
    for (answers, kind, message) in [
        (Answers::Broken, ErrorKind::Io, "the board is full"),
        (Answers::Dropped, ErrorKind::Discovery, "without an answer"),
    ] {
        let board = Board::new();
        board.answer(answers);
        let runtime = Runtime::new(Default::default()).unwrap();
        let error = Worker::start(&runtime, published(board.discovery()))
            .err()
            .unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(message), "{error}");
        close([runtime]);
        // It may have been shown, for all that is known.
        let asked = board.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert_eq!(asked[0].replace('+', "-"), asked[1]);
    }
    let runtime = Runtime::new(Default::default()).unwrap();
    let finds_only = Discovery::Custom(Arc::new(FindsOnly));
    let error = Worker::start(&runtime, published(finds_only))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    close([runtime]);
}

#[test]
fn a_worker_has_stopped_when_it_is_withdrawn() {
    let board = Board::new();
    board.answer(Answers::Held);
    let (runtime, worker) = worker(published(board.discovery()));
    worker.stop(Grace::Now, || {});
    block_on(eventually(async || board.asked().len() == 2));
    let error = worker
        .stop_blocking(Grace::Now, Some(Duration::ZERO))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    board.let_withdraw();
    worker.stop_blocking(Grace::Now, Some(WATCHDOG)).unwrap();
    close([runtime]);
}

#[test]
fn what_is_no_record_is_refused_and_what_cannot_be_read_is_told() {
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = pool(&caller, board.discovery());
    for subscriber in board.subscribers() {
        for record in [
            WorkerRecord::default(),
            WorkerRecord {
                uid: "no uid".to_owned(),
                ..WorkerRecord::at("127.0.0.1:1")
            },
        ] {
            let error = subscriber.found(record).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
        subscriber.unreadable("torn", "it is torn");
    }
    block_on(eventually(async || !pool.status().turned_away.is_empty()));
    let status = pool.status();
    assert_eq!(status.workers.len(), 0);
    let torn = &status.turned_away[0];
    assert_eq!((&*torn.key, &*torn.message), ("torn", "it is torn"));
    assert_eq!(torn.reason, TurnedAwayReason::Unreadable);
    close([caller]);
}

#[test]
fn a_failure_is_a_problem_of_the_pool_until_it_works_again() {
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = pool(&caller, board.discovery());
    let (runtime, worker) = worker(published(board.discovery()));
    until_up(&pool, &[worker.uid()]);
    board.fail("it rains");
    block_on(eventually(async || !pool.status().problems.is_empty()));
    assert!(pool.status().problems[0].message().contains("it rains"));
    // Who is known stays.
    call(&pool);
    board.tell(|subscriber| subscriber.scanned());
    block_on(eventually(async || pool.status().problems.is_empty()));
    call(&pool);
    close([caller, runtime]);
}

#[test]
fn what_is_told_after_the_end_does_no_harm() {
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = pool(&caller, board.discovery());
    let subscribers = board.subscribers();
    assert_eq!(subscribers.len(), 1);
    pool.close_blocking(Some(WATCHDOG)).unwrap();
    assert_eq!(board.subscribers().len(), 0);
    for subscriber in subscribers {
        subscriber.found(WorkerRecord::at("127.0.0.1:1")).unwrap();
        subscriber.gone("127.0.0.1:1");
        subscriber.unreadable("torn", "it is torn");
        subscriber.scanned();
        subscriber.failed(Error::new(ErrorKind::Discovery, "late"));
    }
    assert_eq!(pool.status().workers.len(), 0);
    close([caller]);
}

#[test]
fn workers_that_the_host_has_found_are_told_its_secret() {
    let (runtime, worker) = worker(WorkerOptions {
        secret: Some(b"fleece".to_vec()),
        ..WorkerOptions::default()
    });
    let board = Board::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let with = |secret: &[u8]| {
        let options = PoolOptions {
            discovery: Some(board.discovery()),
            secret: Some(secret.to_vec()),
            ..PoolOptions::default()
        };
        WorkerPool::new(&caller, options).unwrap()
    };
    let (knows, guesses) = (with(b"fleece"), with(b"wolf"));
    board.write(WorkerRecord::at(worker.address()));
    until_up(&knows, &[worker.uid()]);
    call(&knows);
    block_on(eventually(async || {
        let workers = guesses.status().workers;
        workers.len() == 1 && workers[0].state == WorkerState::Down
    }));
    let problem = guesses.status().workers[0].problem.clone();
    assert!(problem.contains("secret"), "{problem}");
    close([caller, runtime]);
}
