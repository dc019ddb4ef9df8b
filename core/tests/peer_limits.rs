//! What a greedy peer gets of a worker, and that others get the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use common::block_on;
use common::secure::{Served, credentials, problem, request, sum};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wool::{Credentials, ErrorKind, PeerLimits, PoolOptions, Value, WorkerOptions, WorkerPool};
use wool_certs::Authority;

/// A worker, and two peers of different names.
struct Shared {
    served: Served,
    greedy: Credentials,
    other: Credentials,
}

impl Shared {
    fn new(peer_limits: PeerLimits) -> Shared {
        let ca = Authority::new("ca").unwrap();
        let issue = |name: &str| {
            let issued = ca.issue(&request(&[name, "127.0.0.1"])).unwrap();
            credentials(&ca, Some(&issued))
        };
        Shared {
            served: Served::new(WorkerOptions {
                credentials: Some(issue("worker.example")),
                peer_limits,
                ..WorkerOptions::default()
            }),
            greedy: issue("greedy.example"),
            other: issue("other.example"),
        }
    }

    fn pool(&self, credentials: &Credentials) -> WorkerPool {
        self.served.pool(PoolOptions {
            credentials: Some(credentials.clone()),
            dispatch_timeout: Duration::from_millis(300),
            ..PoolOptions::default()
        })
    }

    async fn others_are_served(&self) {
        let pool = self.served.pool_with(&self.other);
        assert_eq!(sum(&pool).await.unwrap(), Value::from(3));
    }
}

async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(from), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// Says what a client of HTTP/2 says first, and reads: settings, and then GOAWAY or something else.
async fn is_turned_away(stream: &mut TcpStream) -> bool {
    const GOAWAY: u8 = 7;
    // With empty settings.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.unwrap();
    let mut kind = 0;
    for _ in 0..2 {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        kind = head[3];
        let mut rest = vec![0; usize::from(head[2])];
        stream.read_exact(&mut rest).await.unwrap();
    }
    kind == GOAWAY
}

#[test]
fn connections_beyond_the_cap_are_closed() {
    let served = Served::new(WorkerOptions {
        peer_limits: PeerLimits {
            connections: 3,
            ..PeerLimits::default()
        },
        ..WorkerOptions::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let to: SocketAddr = served.worker.address().parse().unwrap();
    let (mut held, mut closed) = (Vec::new(), 0);
    runtime.block_on(async {
        for _ in 0..10 {
            let mut stream = connect_from(Ipv4Addr::new(127, 0, 0, 2), to).await;
            match is_turned_away(&mut stream).await {
                true => closed += 1,
                false => held.push(stream),
            }
        }
    });
    assert_eq!((held.len(), closed), (3, 7));
    let pool = served.pool(PoolOptions::default());
    block_on(async { assert_eq!(sum(&pool).await.unwrap(), Value::from(3)) });
    // Who leaves makes room.
    drop(held);
    runtime.block_on(async {
        loop {
            let mut stream = connect_from(Ipv4Addr::new(127, 0, 0, 2), to).await;
            if !is_turned_away(&mut stream).await {
                return;
            }
        }
    });
    served.close();
}

#[test]
fn a_pool_reads_that_there_are_too_many_connections() {
    let shared = Shared::new(PeerLimits {
        connections: 1,
        ..PeerLimits::default()
    });
    block_on(async {
        let first = shared.pool(&shared.greedy);
        sum(&first).await.unwrap();
        let second = shared.pool(&shared.greedy);
        let why = problem(&second).await;
        assert!(
            why.contains("greedy.example has 1 connections to this worker, as many as a peer may"),
            "{why}"
        );
        shared.others_are_served().await;
        sum(&first).await.unwrap();
    });
    shared.served.close();
}

#[test]
fn sessions_beyond_the_cap_are_refused() {
    let shared = Shared::new(PeerLimits {
        sessions: 2,
        ..PeerLimits::default()
    });
    block_on(async {
        let first = shared.pool(&shared.greedy);
        let second = shared.pool(&shared.greedy);
        sum(&first).await.unwrap();
        sum(&second).await.unwrap();
        let third = shared.pool(&shared.greedy);
        let why = problem(&third).await;
        assert!(
            why.contains("greedy.example, 127.0.0.1 has 2 sessions")
                || why.contains("greedy.example has 2 sessions"),
            "{why}"
        );
        let error = sum(&third).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        shared.others_are_served().await;
        sum(&first).await.unwrap();
    });
    shared.served.close();
}

#[test]
fn tasks_beyond_the_cap_are_answered_as_busy() {
    let shared = Shared::new(PeerLimits {
        calls: 2,
        ..PeerLimits::default()
    });
    block_on(async {
        let pools = [(); 2].map(|()| shared.pool(&shared.greedy));
        let holding = pools.each_ref().map(|pool| pool.call("test.hold", ()));
        let held = tokio::spawn(async move {
            let [first, second] = holding;
            tokio::join!(first.into_future(), second.into_future())
        });
        let error = loop {
            // Refused once both have begun.
            match sum(&pools[0]).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("has 2 tasks"), "{error}");
        shared.others_are_served().await;
        shared.served.let_go.add_permits(2);
        let (first, second) = held.await.unwrap();
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            (Value::from(7), Value::from(7))
        );
        sum(&pools[0]).await.unwrap();
    });
    shared.served.close();
}

#[test]
fn payloads_beyond_the_cap_of_bytes_are_refused() {
    let shared = Shared::new(PeerLimits {
        bytes: 4 << 20,
        ..PeerLimits::default()
    });
    async fn send(pool: &WorkerPool, bytes: usize) -> wool::Result<Value> {
        let value = Value::from(vec![7_u8; bytes]);
        pool.call("test.size", (value,)).await
    }
    block_on(async {
        let greedy = shared.pool(&shared.greedy);
        assert_eq!(send(&greedy, 1 << 20).await.unwrap(), Value::from(1 << 20));
        // Its session has set aside half.
        let error = send(&greedy, 3 << 20).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("there is no room"), "{error}");
        // What can never fit is not tried again and again.
        let error = send(&greedy, 8 << 20).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
        let other = shared.pool(&shared.other);
        assert_eq!(send(&other, 1 << 20).await.unwrap(), Value::from(1 << 20));
        // Nothing of what was refused is still held.
        assert_eq!(send(&greedy, 1 << 20).await.unwrap(), Value::from(1 << 20));
    });
    shared.served.close();
}
