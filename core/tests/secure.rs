//! TLS between callers and workers: who is believed, and what happens to the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::secure::{Knows, Served, credentials, options, problem, request, sum, text};
use common::{block_on, eventually};
use wool::{
    Credentials, CredentialsOptions, Discovery, ErrorKind, Peers, Pem, PoolOptions, Value,
    WorkerOptions, WorkerPool, WorkerRecord,
};
use wool_certs::{Authority, Issued, Request};

const DAY: i64 = 24 * 3600;

#[test]
fn both_sides_are_believed_by_their_authority() {
    let ca = Authority::new("ca").unwrap();
    let worker = ca.issue(&request(&["127.0.0.1", "localhost"])).unwrap();
    let caller = ca
        .issue(&request(&["caller.example", "spiffe://example/caller"]))
        .unwrap();
    let served = Served::secure(&credentials(&ca, Some(&worker)));
    let pool = served.pool_with(&credentials(&ca, Some(&caller)));
    block_on(async {
        assert_eq!(sum(&pool).await.unwrap(), Value::from(3));
        let names: Vec<String> = pool.call("test.peer", ()).await.unwrap().extract().unwrap();
        assert_eq!(names, ["caller.example", "spiffe://example/caller"]);
        // What it calls on is by its own certificate.
        let names: Vec<String> = pool.call("test.on", ()).await.unwrap().extract().unwrap();
        assert_eq!(names, ["localhost"]);
    });
    served.close();
}

#[test]
fn a_worker_may_do_without_certificates_of_callers() {
    let ca = Authority::new("ca").unwrap();
    let worker = ca.issue(&request(&["127.0.0.1"])).unwrap();
    let one_way = Credentials::new(CredentialsOptions {
        ca: None,
        mutual: false,
        ..options(&ca, Some(&worker))
    });
    let served = Served::secure(&one_way.unwrap());
    let pool = served.pool_with(&credentials(&ca, None));
    block_on(async {
        assert_eq!(sum(&pool).await.unwrap(), Value::from(3));
        let names: Vec<String> = pool.call("test.peer", ()).await.unwrap().extract().unwrap();
        assert!(names.is_empty());
    });
    served.close();
}

#[test]
fn every_way_not_to_be_believed_has_its_words() {
    let ca = Authority::new("ca").unwrap();
    let stranger = Authority::new("stranger").unwrap();
    let namesake = Authority::new("ca").unwrap();
    let here = ["127.0.0.1"];
    let good = ca.issue(&request(&here)).unwrap();
    let revoked = Request {
        serial: 77,
        ..request(&here)
    };
    let revoked = ca.issue(&revoked).unwrap();
    let with_list = |serials: &[u64], is_over| CredentialsOptions {
        crl: text(&ca.revoke(serials, is_over).unwrap()),
        ..options(&ca, Some(&good))
    };
    let worker_with = |own: &Issued| options(&ca, Some(own));
    let caller = || options(&ca, Some(&good));
    let expired = ca.issue(&Request {
        begins: -2 * DAY,
        ends: -DAY,
        ..request(&here)
    });
    let early = ca.issue(&Request {
        begins: DAY,
        ends: 2 * DAY,
        ..request(&here)
    });
    let nameless = ca.issue(&Request {
        common_name: "127.0.0.1".to_owned(),
        ..request(&[])
    });
    let clientless = ca.issue(&Request {
        client: false,
        ..request(&here)
    });
    let serverless = ca.issue(&Request {
        server: false,
        ..request(&here)
    });
    let elsewhere = ca.issue(&request(&["worker.example"]));
    let (expired, early, nameless) = (expired.unwrap(), early.unwrap(), nameless.unwrap());
    let (clientless, serverless) = (clientless.unwrap(), serverless.unwrap());
    let own_only = request(&here).self_signed().unwrap();
    let cases = [
        (
            "expired worker",
            worker_with(&expired),
            caller(),
            "it has expired",
        ),
        (
            "early worker",
            worker_with(&early),
            caller(),
            "it is not valid yet",
        ),
        (
            "nameless worker",
            worker_with(&nameless),
            caller(),
            "it is for no name",
        ),
        (
            "other name",
            worker_with(&elsewhere.unwrap()),
            caller(),
            "it is for worker.example, and not for \"127.0.0.1\"",
        ),
        (
            "worker without its usage",
            worker_with(&serverless),
            caller(),
            "extended key usage",
        ),
        (
            "self-signed worker",
            worker_with(&own_only),
            caller(),
            "no authority that is believed",
        ),
        (
            "worker of another authority",
            options(&ca, Some(&stranger.issue(&request(&here)).unwrap())),
            caller(),
            "no authority that is believed",
        ),
        (
            "worker of an authority of the same name",
            options(&ca, Some(&namesake.issue(&request(&here)).unwrap())),
            caller(),
            "has another key",
        ),
        (
            "revoked worker",
            worker_with(&revoked),
            with_list(&[77], false),
            "it is revoked",
        ),
        (
            "list that is over",
            worker_with(&good),
            with_list(&[], true),
            "revocation list of its authority has expired",
        ),
        (
            "no certificate",
            worker_with(&good),
            options(&ca, None),
            "it asks for a certificate, and this side has none",
        ),
        (
            "expired caller",
            worker_with(&good),
            options(&ca, Some(&expired)),
            "this side's certificate has expired",
        ),
        (
            "caller without its usage",
            worker_with(&good),
            options(&ca, Some(&clientless)),
            "refuses this side's certificate",
        ),
        (
            "self-signed caller",
            worker_with(&good),
            options(&ca, Some(&own_only)),
            "authority of this side's certificate",
        ),
        (
            "caller of an authority of the same name",
            worker_with(&good),
            options(&ca, Some(&namesake.issue(&request(&here)).unwrap())),
            "another key there",
        ),
        (
            "revoked caller",
            with_list(&[77], false),
            options(&ca, Some(&revoked)),
            "this side's certificate is revoked",
        ),
    ];
    for (case, at_worker, at_caller, words) in cases {
        let served = Served::secure(&Credentials::new(at_worker).unwrap());
        let bad = served.pool(PoolOptions {
            credentials: Some(Credentials::new(at_caller).unwrap()),
            dispatch_timeout: Duration::from_millis(300),
            ..PoolOptions::default()
        });
        block_on(async {
            let why = problem(&bad).await;
            assert!(why.contains(words), "{case}: {why}");
            let error = sum(&bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable, "{case}");
            assert!(error.message().contains(words), "{case}: {error}");
        });
        served.close();
    }
}

#[test]
fn what_has_no_tls_and_what_has_do_not_meet() {
    let ca = Authority::new("ca").unwrap();
    let own = ca.issue(&request(&["127.0.0.1"])).unwrap();
    let both = credentials(&ca, Some(&own));
    let plain = Served::new(WorkerOptions::default());
    let secure = Served::secure(&both);
    let to_plain = plain.pool_with(&both);
    let to_secure = secure.pool(PoolOptions::default());
    let good = secure.pool_with(&both);
    block_on(async {
        let why = problem(&to_plain).await;
        assert!(why.contains("does not speak TLS"), "{why}");
        let why = problem(&to_secure).await;
        assert!(why.contains("the pool needs credentials, too"), "{why}");
        assert_eq!(sum(&good).await.unwrap(), Value::from(3));
    });
    plain.close();
    secure.close();
}

#[test]
fn peers_that_stall_or_talk_nonsense_hold_up_nobody() {
    let ca = Authority::new("ca").unwrap();
    let own = ca.issue(&request(&["127.0.0.1"])).unwrap();
    let both = credentials(&ca, Some(&own));
    let served = Served::secure(&both);
    let connect = || TcpStream::connect(served.worker.address()).unwrap();
    let stalled: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect();
            // The head of a handshake whose body never comes.
            stream.write_all(&[22, 3, 1, 2, 0]).unwrap();
            stream
        })
        .collect();
    let mut nonsense = connect();
    nonsense.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let pool = served.pool_with(&both);
    block_on(async { assert_eq!(sum(&pool).await.unwrap(), Value::from(3)) });
    let mut told = Vec::new();
    // An alert, and the end.
    nonsense.read_to_end(&mut told).unwrap();
    drop(stalled);
    served.close();
}

#[test]
fn an_identity_is_believed_where_the_pool_says_so() {
    let ca = Authority::new("ca").unwrap();
    let id = "spiffe://example/worker";
    let own = ca.issue(&request(&[id, "caller.example"])).unwrap();
    let impostor = ca.issue(&request(&["spiffe://example/other"])).unwrap();
    let serve = |own: &Issued| {
        Served::new(WorkerOptions {
            credentials: Some(credentials(&ca, Some(own))),
            identity: id.to_owned(),
            ..WorkerOptions::default()
        })
    };
    let (served, false_one) = (serve(&own), serve(&impostor));
    let find = |served: &Served, peers: Option<&str>| {
        let record = WorkerRecord {
            secure: true,
            identity: id.to_owned(),
            uid: served.worker.uid().to_owned(),
            ..WorkerRecord::at(served.worker.address())
        };
        let options = PoolOptions {
            discovery: Some(Discovery::Custom(Arc::new(Knows(record)))),
            credentials: Some(credentials(&ca, Some(&own))),
            peers: peers.map(|pattern| Peers::named([pattern]).unwrap()),
            ..PoolOptions::default()
        };
        WorkerPool::new(&served.runtime, options).unwrap()
    };
    let believing = find(&served, Some("spiffe://example/*"));
    let others = [find(&served, Some("spiffe://else/*")), find(&served, None)];
    let deceived = find(&false_one, Some("spiffe://example/*"));
    block_on(async {
        assert_eq!(sum(&believing).await.unwrap(), Value::from(3));
        for pool in &others {
            let why = problem(pool).await;
            assert!(why.contains("and not for \"127.0.0.1\""), "{why}");
        }
        let why = problem(&deceived).await;
        assert!(why.contains("does not hold the identity"), "{why}");
    });
    served.close();
    false_one.close();
}

#[test]
fn who_may_call_what_is_the_workers_to_say() {
    let ca = Authority::new("ca").unwrap();
    let worker = ca.issue(&request(&["127.0.0.1"])).unwrap();
    let issue = |name: &str| credentials(&ca, Some(&ca.issue(&request(&[name])).unwrap()));
    let served = Served::new(WorkerOptions {
        credentials: Some(credentials(&ca, Some(&worker))),
        callers: Some(Peers::named(["*.shop.example"]).unwrap()),
        routine_callers: vec![(
            "test.p*".to_owned(),
            Peers::named(["admin.shop.example"]).unwrap(),
        )],
        ..WorkerOptions::default()
    });
    let admin = served.pool_with(&issue("admin.shop.example"));
    let user = served.pool_with(&issue("user.shop.example"));
    let other = served.pool_with(&issue("user.else.example"));
    block_on(async {
        assert_eq!(sum(&admin).await.unwrap(), Value::from(3));
        admin.call("test.peer", ()).await.unwrap();
        assert_eq!(sum(&user).await.unwrap(), Value::from(3));
        let error = user.call("test.peer", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.message().contains("test.peer"), "{error}");
        let why = problem(&other).await;
        assert!(why.contains("user.else.example"), "{why}");
    });
    served.close();
}

#[test]
fn a_worker_that_renews_alone_takes_calls_while_those_of_before_run() {
    let ca = Authority::new("ca").unwrap();
    let issue = || ca.issue(&request(&["127.0.0.1"])).unwrap();
    let own = credentials(&ca, Some(&issue()));
    let served = Served::secure(&own);
    let pool = served.pool_with(&credentials(&ca, Some(&issue())));
    block_on(async {
        let mut held = Vec::new();
        for _ in 0..3 {
            sum(&pool).await.unwrap();
            held.push(tokio::spawn(pool.call("test.hold", ()).into_future()));
            eventually(async || served.held.load(Ordering::SeqCst) == held.len()).await;
            own.update(options(&ca, Some(&issue()))).unwrap();
            // By another session: the one of before takes none, and does not end.
            eventually(async || sum(&pool).await.is_ok()).await;
        }
        served.let_go.add_permits(held.len());
        for held in held {
            assert_eq!(held.await.unwrap().unwrap(), Value::from(7));
        }
    });
    served.close();
}

#[test]
fn renewed_files_are_taken_while_calls_run() {
    let (ca, next) = (
        Authority::new("ca").unwrap(),
        Authority::new("next").unwrap(),
    );
    let folder = Folder::new("renewed");
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text).unwrap();
    let own = ca.issue(&request(&["127.0.0.1", "first.example"])).unwrap();
    write("ca", &ca.certificate);
    write("certificate", &own.certificate);
    write("key", &own.key);
    let file = |name: &str| Some(Pem::File(folder.0.join(name)));
    let from_files = || CredentialsOptions {
        ca: file("ca"),
        certificate: file("certificate"),
        key: file("key"),
        poll: Duration::from_millis(20),
        ..CredentialsOptions::default()
    };
    let at_worker = Credentials::new(from_files()).unwrap();
    let at_caller = Credentials::new(from_files()).unwrap();
    let served = Served::secure(&at_worker);
    let pool = served.pool_with(&at_caller);
    let peer = async || -> Vec<String> {
        let names = pool.call("test.peer", ()).await.unwrap();
        names.extract().unwrap()
    };
    block_on(async {
        assert_eq!(peer().await, ["first.example"]);
        let held = tokio::spawn(pool.call("test.hold", ()).into_future());
        eventually(async || pool.status().workers[0].in_flight == 1).await;
        // A broken one changes nothing, and is told.
        write("certificate", "-----BEGIN CERTIFICATE-----\nnonsense");
        eventually(async || at_caller.problem().is_some() && at_worker.problem().is_some()).await;
        assert_eq!(peer().await, ["first.example"]);
        // Another authority, as it is done without a gap: first believe both.
        write("ca", &format!("{}{}", ca.certificate, next.certificate));
        let new = next
            .issue(&request(&["127.0.0.1", "second.example"]))
            .unwrap();
        write("key", &new.key);
        write("certificate", &new.certificate);
        eventually(async || peer().await == ["second.example"]).await;
        assert!(at_caller.problem().is_none() && at_worker.problem().is_none());
        // The call of before goes on to its end.
        served.let_go.add_permits(1);
        assert_eq!(held.await.unwrap().unwrap(), Value::from(7));
    });
    served.close();
}

#[test]
fn a_list_in_a_file_is_read_again_and_ends_what_is_revoked() {
    const WORKER: u64 = 1;
    const CALLER: u64 = 2;
    const OTHER: u64 = 3;
    let ca = Authority::new("ca").unwrap();
    let folder = Folder::new("revoked");
    let list = folder.0.join("crl");
    let revoke = |serials: &[u64]| {
        let new = folder.0.join("new");
        std::fs::write(&new, ca.revoke(serials, false).unwrap()).unwrap();
        std::fs::rename(&new, &list).unwrap();
    };
    revoke(&[]);
    let by = |serial, crl| {
        let request = Request {
            serial,
            ..request(&["127.0.0.1"])
        };
        Credentials::new(CredentialsOptions {
            crl,
            poll: Duration::from_millis(20),
            ..options(&ca, Some(&ca.issue(&request).unwrap()))
        })
        .unwrap()
    };
    let watched = || Some(Pem::File(list.clone()));
    let looks = Served::secure(&by(WORKER, watched()));
    let caller = looks.pool_with(&by(CALLER, None));
    let other = looks.pool_with(&by(OTHER, None));
    let trusts = Served::secure(&by(WORKER, None));
    let wary = trusts.pool_with(&by(OTHER, watched()));
    let ended = |pool: &WorkerPool, words| pool.status().workers[0].problem.contains::<&str>(words);
    block_on(async {
        for pool in [&caller, &other, &wary] {
            assert_eq!(sum(pool).await.unwrap(), Value::from(3));
        }
        revoke(&[CALLER]);
        eventually(async || ended(&caller, "this side's certificate is revoked")).await;
        assert_eq!(sum(&other).await.unwrap(), Value::from(3));
        assert_eq!(sum(&wary).await.unwrap(), Value::from(3));
        revoke(&[CALLER, WORKER]);
        eventually(async || ended(&wary, "it is revoked")).await;
        // Whoever does not look at the list goes on.
        assert_eq!(sum(&other).await.unwrap(), Value::from(3));
        revoke(&[]);
        for pool in [&caller, &wary] {
            assert_eq!(sum(pool).await.unwrap(), Value::from(3));
        }
    });
    looks.close();
    trusts.close();
}

#[test]
fn credentials_that_make_no_sense_say_which_part() {
    let ca = Authority::new("ca").unwrap();
    let own = ca.issue(&request(&["a.example"])).unwrap();
    let other = ca.issue(&request(&["b.example"])).unwrap();
    let name = format!("{}.example", "x".repeat(60));
    let large = ca.issue(&request(&vec![&*name; 1000])).unwrap();
    let good = || options(&ca, Some(&own));
    let cases = [
        (CredentialsOptions::default(), "the credentials are empty"),
        (
            CredentialsOptions {
                key: None,
                ..good()
            },
            "no key to it",
        ),
        (
            CredentialsOptions {
                certificate: None,
                ..good()
            },
            "no certificate to it",
        ),
        (
            CredentialsOptions {
                key: text(&other.key),
                ..good()
            },
            "not that of their certificate",
        ),
        (
            options(&ca, Some(&large)),
            "a handshake takes 64 KiB at most",
        ),
        (
            CredentialsOptions {
                ca: text("nothing"),
                ..good()
            },
            "the ca of the credentials holds no certificate",
        ),
        (
            CredentialsOptions {
                crl: text("nothing"),
                ..good()
            },
            "the crl of the credentials holds no list",
        ),
        (
            CredentialsOptions {
                key: text(&own.certificate),
                ..good()
            },
            "the key of the credentials cannot be read",
        ),
    ];
    for (options, words) in cases {
        let error = Credentials::new(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(words), "{error}");
    }
    let missing = CredentialsOptions {
        ca: Some(Pem::File(PathBuf::from("/nowhere/ca.pem"))),
        ..good()
    };
    let error = Credentials::new(missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("/nowhere/ca.pem"), "{error}");
    // A key is in no message.
    assert!(!format!("{:?}", good()).contains("PRIVATE"));
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wool-secure-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}
