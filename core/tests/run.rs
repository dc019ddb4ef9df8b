//! Programs that are workers: what signals do to them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests: a panic is a failure; the program of the tests tells its parent on stdout"
)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{WATCHDOG, block_on, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::Notify;
use wool::{
    ErrorKind, Grace, PoolOptions, Result, Routine, Runtime, Value, Worker, WorkerOptions,
    WorkerPool, WorkerState,
};

/// Says that this process is to be the program, not a test.
const PROGRAM: &str = "WOOL_TEST_RUN";

/// A program that is a worker, and a pool that calls it.
struct Program {
    process: Child,
    /// Its lines.
    said: Receiver<String>,
    tell: ChildStdin,
    runtime: Runtime,
    pool: WorkerPool,
}

impl Program {
    fn start() -> Program {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "program", "--nocapture"])
            .env(PROGRAM, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines {
                // The test may have heard enough.
                let _ = say.send(line.unwrap());
            }
        });
        let tell = process.stdin.take().unwrap();
        let address = heard(&said, "serves ");
        let runtime = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            addresses: vec![address],
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&runtime, options).unwrap();
        Program {
            process,
            said,
            tell,
            runtime,
            pool,
        }
    }

    /// A call that has begun, and lasts until it is let go.
    fn held(&self) -> JoinHandle<Result<Value>> {
        let pool = self.pool.clone();
        let call = std::thread::spawn(move || block_on(async { pool.call("run.held", ()).await }));
        heard(&self.said, "runs");
        call
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.tell, "{word}").unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id() as i32), signal).unwrap();
    }

    fn drains(&self) {
        let drains = || {
            let workers = self.pool.status().workers;
            workers
                .iter()
                .all(|worker| worker.state == WorkerState::Draining)
        };
        block_on(eventually(async || drains()));
    }

    fn has_ended(&self) {
        heard(&self.said, "ended");
    }

    fn exits(mut self) -> ExitStatus {
        let mut status = None;
        block_on(eventually(async || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        }));
        self.runtime.close_blocking(None).unwrap();
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has been waited for is not there any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What follows these words, once they come.
fn heard(said: &Receiver<String>, words: &str) -> String {
    loop {
        let line = said.recv_timeout(WATCHDOG).unwrap();
        if let Some((_, rest)) = line.split_once(words) {
            return rest.to_owned();
        }
    }
}

/// Not a test, but the program of the tests: it is run by a process of its own.
#[test]
fn program() {
    if std::env::var_os(PROGRAM).is_none() {
        return;
    }
    let go = Arc::new(Notify::new());
    let runtime = Runtime::new(Default::default()).unwrap();
    let goes = Arc::clone(&go);
    let held = Routine::unary("run.held", move |_task, _arguments| {
        let goes = Arc::clone(&goes);
        async move {
            println!("runs");
            goes.notified().await;
            Ok(7)
        }
    });
    runtime.register(held).unwrap();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            match line.unwrap().as_str() {
                "go" => go.notify_one(),
                _ => break,
            }
        }
        done.send(()).unwrap();
    });
    Worker::run_with(
        &runtime,
        WorkerOptions::default(),
        Grace::Forever,
        |worker| {
            println!("serves {}", worker.address());
        },
    )
    .unwrap();
    runtime.close_blocking(None).unwrap();
    println!("ended");
    ended.recv().unwrap();
}

#[test]
fn a_signal_lets_what_runs_go_on_and_takes_no_more() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut program = Program::start();
        let held = program.held();
        program.signal(signal);
        program.drains();
        let refused = block_on(async {
            program
                .pool
                .call("run.held", ())
                .dispatch_timeout(Duration::ZERO)
                .await
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NoWorkersAvailable);
        program.tell("go");
        assert_eq!(held.join().unwrap().unwrap(), Value::from(7));
        program.has_ended();
        program.tell("end");
        assert!(program.exits().success());
    }
}

#[test]
fn a_second_signal_waits_for_nothing() {
    let mut program = Program::start();
    let held = program.held();
    program.signal(Signal::SIGTERM);
    program.drains();
    program.signal(Signal::SIGINT);
    assert_eq!(
        held.join().unwrap().unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    program.has_ended();
    program.tell("end");
    assert!(program.exits().success());
}

#[test]
fn afterwards_the_signals_do_what_they_did_before() {
    let program = Program::start();
    program.signal(Signal::SIGTERM);
    program.has_ended();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.exits().signal(), Some(Signal::SIGTERM as i32));
}

#[test]
fn it_ends_with_the_runtime_and_is_run_once_at_a_time() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let run = |runtime: &Runtime| Worker::run(runtime, WorkerOptions::default(), Grace::Forever);
    let inside = runtime.clone();
    let nested = Routine::unary("run.inside", move |_task, _arguments| {
        let refused = run(&inside).unwrap_err();
        async move { Ok(refused.message().to_owned()) }
    });
    runtime.register(nested).unwrap();
    let closing = runtime.clone();
    let mut closed = None;
    Worker::run_with(
        &runtime,
        WorkerOptions::default(),
        Grace::Forever,
        |worker| {
            assert_eq!(
                run(&runtime).unwrap_err().kind(),
                ErrorKind::InvalidArgument
            );
            let options = PoolOptions {
                addresses: vec![worker.address().to_owned()],
                ..PoolOptions::default()
            };
            let pool = WorkerPool::new(&runtime, options).unwrap();
            let refused = block_on(async { pool.call("run.inside", ()).await }).unwrap();
            assert!(refused.as_str().unwrap().contains("one of wool's threads"));
            closed = Some(std::thread::spawn(move || {
                closing.close_blocking(None).unwrap()
            }));
        },
    )
    .unwrap();
    closed.unwrap().join().unwrap();
}
