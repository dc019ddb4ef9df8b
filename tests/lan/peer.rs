//! A worker and a pool on the local network, for the programs of others to meet: `peer NAMESPACE INTERFACE BIND`.
//!
//! It writes `ready UID ADDRESS PID`, then what its pool comes to know, a line each: `joined UID`, `left UID`,
//! `turned_away UID REASON`. On the line `stop` its worker stops, and it writes `stopped`; it ends with its input.

#![allow(clippy::print_stdout, reason = "that is how it is talked to")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use wool::{
    Discovery, Error, ErrorKind, Grace, LanDiscovery, PoolOptions, Runtime, RuntimeOptions, Worker,
    WorkerOptions, WorkerPool,
};

/// Between looks at the pool's status, which nothing tells of.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn main() -> wool::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || {
        let usage = "usage: peer NAMESPACE INTERFACE BIND";
        arguments
            .next()
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, usage))
    };
    let (namespace, interface, bind) = (argument()?, argument()?, argument()?);
    let lan = LanDiscovery::new().in_namespace(namespace)?;
    let discovery = Discovery::Lan(lan.on_interfaces([interface]));
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let options = WorkerOptions {
        bind,
        allow_plaintext: true,
        tags: vec!["gpu".to_owned(), "größe".to_owned()],
        extra: [("zone".to_owned(), "a \"b\"".to_owned())].into(),
        publish: Some(discovery.clone()),
        ..WorkerOptions::default()
    };
    let worker = Worker::start(&runtime, options)?;
    let pid = std::process::id();
    println!("ready {} {} {pid}", worker.uid(), worker.address());
    let options = PoolOptions {
        discovery: Some(discovery),
        allow_plaintext: true,
        ..PoolOptions::default()
    };
    watch(&worker, &WorkerPool::new(&runtime, options)?, &lines())
}

fn lines() -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            // The program may end.
            let _ = sender.send(line);
        }
    });
    lines
}

fn watch(worker: &Worker, pool: &WorkerPool, lines: &Receiver<String>) -> wool::Result<()> {
    let mut workers = BTreeSet::new();
    let mut turned_away = BTreeMap::new();
    loop {
        let status = pool.status();
        let now: BTreeSet<_> = status
            .workers
            .into_iter()
            .map(|worker| worker.uid)
            .collect();
        now.difference(&workers)
            .for_each(|uid| println!("joined {uid}"));
        workers
            .difference(&now)
            .for_each(|uid| println!("left {uid}"));
        workers = now;
        let away = status.turned_away.into_iter();
        let away: BTreeMap<_, _> = away.map(|away| (away.key, away.reason)).collect();
        for (key, reason) in &away {
            if turned_away.get(key) != Some(reason) {
                println!("turned_away {key} {reason}");
            }
        }
        turned_away = away;
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) if line == "stop" => {
                worker.stop_blocking(Grace::Now, None)?;
                println!("stopped");
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return pool.close_blocking(None),
        }
    }
}
