//! Whom a process believes, where that is decided while it runs: by a check of its own, by what a function provides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::secure::{Knows, Served, credentials, options, problem, request, sum};
use common::{block_on, eventually};
use wool::{
    Credentials, CredentialsOptions, Discovery, Error, ErrorKind, PeerCheck, PeerRequest, Peers,
    PoolOptions, Runtime, Value, Worker, WorkerOptions, WorkerPool, WorkerRecord,
};
use wool_certs::Authority;

const IDENTITY: &str = "spiffe://example/worker";

/// Answers on a thread of its own, as it is told.
struct Later(fn(PeerRequest));

impl PeerCheck for Later {
    fn ask(&self, request: PeerRequest) {
        let answer = self.0;
        std::thread::spawn(move || answer(request));
    }
}

#[test]
fn a_check_of_ones_own_is_asked_before_an_identity_is_believed() {
    let ca = Authority::new("ca").unwrap();
    let own = ca.issue(&request(&[IDENTITY])).unwrap();
    let served = Served::new(WorkerOptions {
        credentials: Some(credentials(&ca, Some(&own))),
        identity: IDENTITY.to_owned(),
        ..WorkerOptions::default()
    });
    let find = |answer: fn(PeerRequest)| {
        let record = WorkerRecord {
            secure: true,
            identity: IDENTITY.to_owned(),
            uid: served.worker.uid().to_owned(),
            ..WorkerRecord::at(served.worker.address())
        };
        let options = PoolOptions {
            discovery: Some(Discovery::Custom(Arc::new(Knows(record)))),
            credentials: Some(credentials(&ca, Some(&own))),
            peers: Some(Peers::asked(Later(answer))),
            ..PoolOptions::default()
        };
        WorkerPool::new(&served.runtime, options).unwrap()
    };
    let believing = find(|request| {
        let is_right = request.identity() == IDENTITY && request.uid().len() == 36;
        request.answer(is_right);
    });
    let doubting = find(|request| request.answer(false));
    let failing = find(|request| request.fail("the directory is down"));
    let silent = find(drop);
    block_on(async {
        assert_eq!(sum(&believing).await.unwrap(), Value::from(3));
        let why = problem(&doubting).await;
        assert!(why.contains("\"127.0.0.1\""), "{why}");
        let why = problem(&failing).await;
        assert!(why.contains("the directory is down"), "{why}");
        let why = problem(&silent).await;
        assert!(why.contains("ended without an answer"), "{why}");
    });
    served.close();
}

#[test]
fn names_of_callers_need_certificates() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let ca = Authority::new("ca").unwrap();
    let own = ca.issue(&request(&["127.0.0.1"])).unwrap();
    let one_way = CredentialsOptions {
        mutual: false,
        ..options(&ca, Some(&own))
    };
    let one_way = Credentials::new(one_way).unwrap();
    let peers = || Some(Peers::named(["*.example"]).unwrap());
    let by_names = || {
        [
            WorkerOptions {
                callers: peers(),
                ..WorkerOptions::default()
            },
            WorkerOptions {
                routine_callers: peers()
                    .map(|peers| ("test.add".to_owned(), peers))
                    .into_iter()
                    .collect(),
                ..WorkerOptions::default()
            },
            WorkerOptions {
                stoppers: peers(),
                ..WorkerOptions::default()
            },
        ]
    };
    let with = |credentials: Option<Credentials>| {
        by_names().map(|options| WorkerOptions {
            credentials: credentials.clone(),
            ..options
        })
    };
    let cases = with(None).into_iter().chain(with(Some(one_way)));
    for options in cases {
        let error = Worker::start(&runtime, options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("asks for none"), "{error}");
    }
    let asked = WorkerOptions {
        callers: Some(Peers::asked(Later(drop))),
        credentials: Some(credentials(&ca, Some(&own))),
        ..WorkerOptions::default()
    };
    let error = Worker::start(&runtime, asked).err().unwrap();
    assert!(error.message().contains("admission hook"), "{error}");
    runtime.close_blocking(None).unwrap();
}

#[test]
fn what_a_function_provides_is_asked_for_again() {
    let ca = Authority::new("ca").unwrap();
    let issue = |name: &str| {
        let issued = ca.issue(&request(&["127.0.0.1", name])).unwrap();
        options(&ca, Some(&issued))
    };
    let store = Arc::new(Mutex::new(Ok(issue("first.example"))));
    let asked = Arc::new(AtomicUsize::new(0));
    let provide = {
        let (store, asked) = (Arc::clone(&store), Arc::clone(&asked));
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            store.lock().unwrap().clone()
        }
    };
    let worker = Credentials::new(issue("worker.example")).unwrap();
    let served = Served::secure(&worker);
    let provided = Credentials::provided_by(provide, Duration::from_millis(20)).unwrap();
    let pool = served.pool_with(&provided);
    let name = async || {
        let names: Vec<String> = pool.call("test.peer", ()).await.unwrap().extract().unwrap();
        names[0].clone()
    };
    block_on(async {
        assert_eq!(name().await, "first.example");
        *store.lock().unwrap() = Ok(issue("second.example"));
        eventually(async || name().await == "second.example").await;
        // What fails keeps what was.
        let failure = Error::new(ErrorKind::Io, "the store is sealed");
        *store.lock().unwrap() = Err(failure);
        eventually(async || {
            let problem = provided.problem();
            problem.is_some_and(|problem| problem.message() == "the store is sealed")
        })
        .await;
        assert_eq!(name().await, "second.example");
        assert!(provided.reload().is_err());
        *store.lock().unwrap() = Ok(issue("third.example"));
        eventually(async || name().await == "third.example").await;
        assert!(provided.problem().is_none());
        assert!(!provided.reload().unwrap(), "nothing is new");
        // What is put in its place stays, and nobody is asked any more.
        provided.update(issue("last.example")).unwrap();
        let before = asked.load(Ordering::SeqCst);
        eventually(async || name().await == "last.example").await;
        assert!(!provided.reload().unwrap());
        let same = issue("same.example");
        assert!(provided.update(same.clone()).unwrap());
        assert!(
            !provided.update(same).unwrap(),
            "the same again is nothing new"
        );
        assert_eq!(asked.load(Ordering::SeqCst), before);
    });
    served.close();
}
