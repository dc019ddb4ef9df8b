//! What the processes of these tests do.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the processes are programs, and tell by it how far they have come"
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::sys::signal::{SigHandler, Signal};

use super::super::control::{Hello, Kind, tell};
use super::super::ticket::Ticket;
use super::*;
use crate::routine::Routine;
use crate::wire;

/// Names the act, and what it needs.
const ACT: &str = "WOOL_TEST_ACT";

/// Starts this program for an act; `env` passes everything on.
pub(super) fn argv(act: &str) -> Vec<String> {
    let exe = std::env::current_exe().unwrap().display().to_string();
    let entry = [&exe, "--exact", "spawn::tests::acts::entry", "--nocapture"];
    let mut argv = vec!["env".to_owned(), format!("{ACT}={act}")];
    argv.extend(entry.map(str::to_owned));
    argv
}

/// Plays an act to its end, beside the tests, and gives what it printed.
pub(super) fn play(act: &str) -> String {
    let argv = argv(act);
    let output = Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{text}\n{errors}",
        output.status
    );
    text
}

#[test]
fn entry() {
    let Ok(act) = std::env::var(ACT) else { return };
    let (act, argument) = act.split_once('=').unwrap_or((&act, ""));
    match act {
        "serve" => assert!(serve_if_spawned(&runtime()).unwrap()),
        "crash" => crash(),
        "crash_until" if !std::path::Path::new(argument).exists() => crash(),
        "crash_until" => assert!(serve_if_spawned(&runtime()).unwrap()),
        "linger" => {
            assert!(serve_if_spawned(&runtime()).unwrap());
            park();
        }
        "fail" => {
            let error = serve_if_spawned(&runtime()).unwrap_err();
            eprintln!("{error}");
            std::process::exit(4);
        }
        "parent" => parent(argument),
        "grandparent" => grandparent(),
        "grandchild" => println!("<{:?}>", serve_if_spawned(&runtime())),
        "forge" => forge(argument),
        "leaks" => leaks(),
        "deaf_to_children" => deaf_to_children(),
        "again" => again(),
        "main" => main(),
        _ => panic!("no such act: {act}"),
    }
}

fn runtime() -> Runtime {
    let runtime = Runtime::new(RuntimeOptions::default()).unwrap();
    register(&runtime).unwrap();
    runtime
}

fn register(runtime: &Runtime) -> Result<()> {
    let wait = |_task, arguments: crate::Arguments| async move {
        let (path,): (String,) = arguments.extract()?;
        while !std::path::Path::new(&path).exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok("waited")
    };
    let wedge = |_task, arguments: crate::Arguments| async move {
        let (path,): (String,) = arguments.extract()?;
        std::fs::write(path, "")?;
        park();
        Ok(())
    };
    for routine in [
        Routine::unary("test.pid", |_, _| async {
            Ok(i64::from(std::process::id()))
        }),
        Routine::unary("test.wait", wait),
        Routine::unary("test.wedge", wedge),
    ] {
        runtime.register(routine)?;
    }
    Ok(())
}

fn park() {
    loop {
        std::thread::park();
    }
}

fn crash() {
    eprintln!("no database at db.example");
    std::process::exit(3);
}

/// Has two workers, and tells their pids.
fn parent(act: &str) {
    let spawned = Spawned::new(super::act(act), 2);
    let (first, second) = (spawned.ready(), spawned.ready());
    if act == "linger" {
        wedge(&spawned, &first.1);
    }
    println!("<{} {}>", first.2, second.2);
    park();
}

/// Occupies the worker with a task that never ends.
pub(super) fn wedge(spawned: &Spawned, address: &str) {
    let pool = crate::WorkerPool::new(
        &spawned.runtime,
        crate::PoolOptions {
            addresses: vec![address.to_owned()],
            ..Default::default()
        },
    )
    .unwrap();
    let begun = fresh_path("begun");
    let path = begun.display().to_string();
    // It ends when the worker does.
    std::thread::spawn(move || {
        let mut executor = tokio::runtime::Builder::new_current_thread();
        let executor = executor.build().unwrap();
        executor.block_on(async { pool.call("test.wedge", (path,)).await })
    });
    eventually("the task begins", || begun.exists());
    std::fs::remove_file(begun).unwrap();
}

/// A worker whose own children inherit the variable.
fn grandparent() {
    let (ended, end) = channel();
    let spawned = serve_if_spawned_with(&runtime(), move |result| {
        let _ = ended.send(result);
    });
    assert!(spawned.unwrap());
    assert!(std::env::var(super::super::ticket::VARIABLE).is_ok());
    // A second call is not for this process any more.
    assert!(!serve_if_spawned(&runtime()).unwrap());
    let argv = argv("grandchild");
    let run = |stdin: Stdio| {
        let child = Command::new(&argv[0])
            .args(&argv[1..])
            .stdin(stdin)
            .output()
            .unwrap();
        String::from_utf8_lossy(&child.stdout).into_owned()
    };
    let (_open, socket) = UnixStream::pair().unwrap();
    for stdin in [
        Stdio::inherit(),
        Stdio::null(),
        std::os::fd::OwnedFd::from(socket).into(),
    ] {
        assert!(run(stdin).contains("<Ok(false)>"));
    }
    eprintln!("none of them is a worker");
    end.recv().unwrap().unwrap();
}

/// Says hello as somebody else would.
fn forge(how: &str) {
    use std::os::fd::AsFd;
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let ticket = Ticket::of_this_process().unwrap();
    let nonce = match how {
        "nonce" => vec![0; 16],
        _ => ticket.nonce.bytes().to_vec(),
    };
    let hello = Hello {
        nonce: nonce.into(),
        protocol_major: wire::MAJOR + u32::from(how == "major"),
        package_version: "9.9.9".to_owned(),
        language: "cobol".to_owned(),
        ..Hello::default()
    };
    match how {
        "garbage" => (&UnixStream::from(socket.try_clone().unwrap()))
            .write_all(b"\xffHello, World!")
            .unwrap(),
        "turn" => tell(&socket, Kind::Stopped(Default::default()))
            .and_then(|()| tell(&socket, Kind::Setup(Default::default())))
            .unwrap(),
        _ => tell(&socket, Kind::Hello(hello)).unwrap(),
    }
    let _ = UnixStream::from(socket).read_to_end(&mut Vec::new());
    park();
}

/// Lives through everything in a process of its own, where nobody else has descriptors, threads, children.
fn leaks() {
    let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
    let cycle = || {
        let spawned = Spawned::new(super::act("serve"), 2);
        let (_, _, pid) = spawned.ready();
        spawned.ready();
        signal(pid, Signal::SIGKILL);
        spawned.ended();
        spawned.ready();
        spawned.stop(Grace::Now);
    };
    // What is made once in a process.
    cycle();
    let threads = entries("/proc/self/task");
    let descriptors = entries("/proc/self/fd");
    for _ in 0..3 {
        cycle();
    }
    // They end after those who needed them.
    eventually("the threads end", || entries("/proc/self/task") <= threads);
    eventually("the descriptors are closed", || {
        entries("/proc/self/fd") <= descriptors
    });
    assert_eq!(children(), "");
}

/// This process's children, zombies too.
fn children() -> String {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .map(|task| {
            std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
        })
        .collect()
}

/// A host that ignores SIGCHLD: the kernel reaps its children.
#[allow(
    unsafe_code,
    reason = "the act puts the process into the state of such a host"
)]
fn deaf_to_children() {
    // SAFETY: ignoring is no function of ours.
    unsafe { nix::sys::signal::signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
    let spawned = Spawned::new(super::act("serve"), 1);
    let (_, _, pid) = spawned.ready();
    signal(pid, Signal::SIGKILL);
    assert!(spawned.ended().contains("has taken or ignores"));
    spawned.ready();
    spawned.stop(Grace::Now);
    assert_eq!(children(), "");
}

/// A program that starts itself again.
fn again() {
    if serve_if_spawned(&runtime()).unwrap() {
        return;
    }
    let spawned = Spawned::new(SpawnCommand::this_program().unwrap(), 1);
    spawned.ready();
    spawned.stop(Grace::Now);
}

/// A program as `#[wool::main]` makes it: its own part is not for workers.
fn main() {
    let code = crate::run_main_async(register, |runtime| async move {
        println!("<the program runs>");
        runtime.check_open()
    });
    assert_eq!(code, std::process::ExitCode::SUCCESS);
    println!("<it has ended>");
    eprintln!("its main returns");
}
