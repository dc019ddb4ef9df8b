//! dnsmasq.

use std::net::TcpListener;
use std::time::Duration;

use wool_values::Value;

use super::server::Dnsmasq;
use super::{Listening, WATCHDOG};
use crate::discovery::{Discovery, DnsDiscovery};
use crate::pool::{PoolOptions, WorkerPool, WorkerState};
use crate::routine::Routine;
use crate::runtime::Runtime;
use crate::worker::{Worker, WorkerOptions};

#[test]
fn workers_are_at_all_addresses_of_a_host_and_change_with_them() {
    let Some(server) = Dnsmasq::start("127.0.0.1 sheep.test\n::1 sheep.test\n", &[]) else {
        return;
    };
    let listening = Listening::new("sheep.test:7000", &[server.address()]);
    listening.expect(&["+127.0.0.1:7000", "+[::1]:7000", "scanned"]);
    // Only one family at a time: each is asked for by itself, and one may be answered before a change and one after.
    server.set_hosts("127.0.0.1 sheep.test\n127.0.0.2 sheep.test\n::1 sheep.test\n");
    listening.expect(&["+127.0.0.2:7000"]);
    server.set_hosts("127.0.0.1 sheep.test\n127.0.0.2 sheep.test\n");
    listening.expect(&["-[::1]:7000"]);
    server.set_hosts("127.0.0.1 other.test\n");
    listening.expect(&[
        "-127.0.0.1:7000",
        "-127.0.0.2:7000",
        "!sheep.test:7000: there is no such name in DNS",
    ]);
    server.set_hosts("127.0.0.3 sheep.test\n");
    listening.expect(&["+127.0.0.3:7000", "-sheep.test:7000"]);
    listening.end();
}

#[test]
fn services_are_at_their_targets_and_change_with_them() {
    let hosts = "127.0.0.1 one.test\n::1 one.test\n127.0.0.2 two.test\n";
    let one = "_wool._tcp.sheep.test,one.test,7001";
    let two = "_wool._tcp.sheep.test,two.test,7002";
    let Some(mut server) = Dnsmasq::start(hosts, &[one, two]) else {
        return;
    };
    let listening = Listening::new("_wool._tcp.sheep.test", &[server.address()]);
    listening.expect(&["+127.0.0.1:7001,[::1]:7001", "+127.0.0.2:7002", "scanned"]);
    server.set_hosts("127.0.0.1 one.test\n127.0.0.2 two.test\n");
    listening.expect(&["+127.0.0.1:7001"]);
    server.set_hosts("127.0.0.1 one.test\n127.0.0.3 two.test\n");
    listening.expect(&["+127.0.0.3:7002", "-127.0.0.2:7002"]);
    server.set_hosts("127.0.0.3 two.test\n");
    listening.expect(&[
        "-127.0.0.1:7001",
        "!one.test:7001: the target of the SRV record has no address in DNS",
    ]);
    server.stop();
    let failure = listening.expect_failure();
    // Of the service, or of a target, if that was about to be asked for.
    assert!(failure.contains("cannot be looked up in DNS"), "{failure}");
    assert!(failure.contains(&server.address()), "{failure}");
    server.start_again(&["_wool._tcp.sheep.test,two.test,7003", two]);
    listening.expect(&["+127.0.0.3:7003", "-one.test:7001", "scanned"]);
    listening.end();
}

#[test]
fn a_pool_calls_all_workers_behind_a_name_and_is_known_by_its_secret() {
    let hosts = "127.0.0.1 sheep.test\n127.0.0.2 sheep.test\n";
    let Some(server) = Dnsmasq::start(hosts, &[]) else {
        return;
    };
    let runtime = Runtime::new(Default::default()).unwrap();
    runtime
        .register(Routine::unary(
            "sheep.baa",
            |_task, _arguments| async move { Ok("baa") },
        ))
        .unwrap();
    let port = loop {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        if TcpListener::bind(("127.0.0.2", port)).is_ok() {
            break port;
        }
    };
    let workers = ["127.0.0.1", "127.0.0.2"].map(|host| {
        let options = WorkerOptions {
            bind: format!("{host}:{port}"),
            secret: Some(b"fleece".to_vec()),
            ..WorkerOptions::default()
        };
        Worker::start(&runtime, options).unwrap()
    });
    let dns = DnsDiscovery::new(format!("sheep.test:{port}")).unwrap();
    let options = PoolOptions {
        discovery: Some(Discovery::Dns(dns.by_servers([server.address()]).unwrap())),
        secret: Some(b"fleece".to_vec()),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options).unwrap();
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let calls = async {
        let up = || {
            let workers = pool.status().workers;
            let up = workers
                .iter()
                .filter(|worker| worker.state == WorkerState::Up);
            up.count()
        };
        while up() < workers.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in &workers {
            assert_eq!(
                pool.call("sheep.baa", ()).await.unwrap(),
                Value::from("baa")
            );
        }
    };
    let called = executor.block_on(async { tokio::time::timeout(WATCHDOG, calls).await });
    called.expect("the test hangs");
    runtime.close_blocking(Some(WATCHDOG)).unwrap();
}
