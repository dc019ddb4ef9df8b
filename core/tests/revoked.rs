//! Certificates that are revoked while callers and workers run, by the list in a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::{block_on, eventually};
use wool::{
    Credentials, CredentialsOptions, Pem, PoolOptions, Routine, Runtime, Value, Worker,
    WorkerOptions, WorkerPool, WorkerState,
};
use wool_certs::{Authority, Issued, Request};

/// Serials of certificates.
const WORKER: u64 = 1;
const CALLER: u64 = 2;
const OTHER: u64 = 3;

fn text(text: &str) -> Option<Pem> {
    Some(Pem::Text(text.as_bytes().to_vec()))
}

fn issue(ca: &Authority, serial: u64) -> Issued {
    let request = Request {
        names: vec!["127.0.0.1".to_owned()],
        serial,
        ..Request::default()
    };
    ca.issue(&request).unwrap()
}

fn credentials(ca: &Authority, own: &Issued, crl: Option<Pem>) -> Credentials {
    Credentials::new(CredentialsOptions {
        ca: text(&ca.certificate),
        certificate: text(&own.certificate),
        key: text(&own.key),
        crl,
        poll: Duration::from_millis(20),
        ..CredentialsOptions::default()
    })
    .unwrap()
}

/// One member of a pool: whether it is up, and what is wrong with it.
fn member(pool: &WorkerPool) -> (bool, String) {
    let status = pool.status();
    let worker = &status.workers[0];
    (worker.state == WorkerState::Up, worker.problem.clone())
}

#[test]
fn a_list_in_a_file_is_read_again_and_ends_what_is_revoked() {
    let ca = Authority::new("ca").unwrap();
    let list = std::env::temp_dir().join(format!("wool-revoked-{}.pem", std::process::id()));
    let list = Removed(list);
    let revoke = |serials: &[u64]| {
        let new = list.0.with_extension("new");
        std::fs::write(&new, ca.revoke(serials, false).unwrap()).unwrap();
        std::fs::rename(&new, &list.0).unwrap();
    };
    revoke(&[]);
    let watched = || Some(Pem::File(list.0.clone()));
    let runtime = Runtime::new(Default::default()).unwrap();
    let routine = Routine::unary("test.seven", |_task, _arguments| async { Ok(7) });
    runtime.register(routine).unwrap();
    let serve = |crl| {
        let options = WorkerOptions {
            credentials: Some(credentials(&ca, &issue(&ca, WORKER), crl)),
            ..WorkerOptions::default()
        };
        Worker::start(&runtime, options).unwrap()
    };
    let open = |worker: &Worker, serial, crl| {
        let options = PoolOptions {
            addresses: vec![worker.address().to_owned()],
            credentials: Some(credentials(&ca, &issue(&ca, serial), crl)),
            ..PoolOptions::default()
        };
        WorkerPool::new(&runtime, options).unwrap()
    };
    let (lists, believes) = (serve(watched()), serve(None));
    let caller = open(&lists, CALLER, None);
    let other = open(&lists, OTHER, None);
    let wary = open(&believes, OTHER, watched());
    let seven = async |pool: &WorkerPool| pool.call("test.seven", ()).await;
    block_on(async {
        for pool in [&caller, &other, &wary] {
            assert_eq!(seven(pool).await.unwrap(), Value::from(7));
        }
        revoke(&[CALLER]);
        eventually(async || member(&caller).1.contains("certificate is revoked")).await;
        assert!(!member(&caller).0);
        assert_eq!(seven(&other).await.unwrap(), Value::from(7));
        assert_eq!(seven(&wary).await.unwrap(), Value::from(7));
        revoke(&[CALLER, WORKER]);
        eventually(async || member(&wary).1.contains("it is revoked")).await;
        // Whoever does not look at the list goes on.
        assert_eq!(seven(&other).await.unwrap(), Value::from(7));
        // And what is no longer revoked is let in again.
        revoke(&[]);
        assert_eq!(seven(&caller).await.unwrap(), Value::from(7));
        assert_eq!(seven(&wary).await.unwrap(), Value::from(7));
    });
    runtime
        .close_blocking(Some(Duration::from_secs(30)))
        .unwrap();
}

/// A file that goes with the test.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
