//! Processes that can be killed: the test program again, with a role.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::places::RUNTIME_DIRECTORY;
use super::{places, record, uid};
use crate::discovery::Announced;
use crate::discovery::local::{Announcement, LocalDiscovery};
use crate::error::ErrorKind;

const ROLE: &str = "WOOL_TEST_ROLE";
const DIRECTORY: &str = "WOOL_TEST_DIRECTORY";
const NAMESPACE: &str = "WOOL_TEST_NAMESPACE";

/// Killed when dropped; told to end by itself when its standard input ends.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(role: &str, discovery: &LocalDiscovery) -> Process {
        Process::spawn(this_program(role, discovery))
    }

    /// As another user.
    pub(super) fn start_as(user: u32, role: &str, discovery: &LocalDiscovery) -> Process {
        let mut command = this_program(role, discovery);
        command.uid(user).gid(user);
        Process::spawn(command)
    }

    /// Where a tmpfs with these options is mounted as shared memory, for this process alone.
    pub(super) fn start_in_shared_memory(
        options: &str,
        runtime_directory: Option<&Path>,
        role: &str,
    ) -> Process {
        let script = format!("mount -t tmpfs -o {options} wool-test /dev/shm && exec \"$@\"");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(std::env::current_exe().unwrap());
        match runtime_directory {
            Some(directory) => command.env(RUNTIME_DIRECTORY, directory),
            None => command.env_remove(RUNTIME_DIRECTORY),
        };
        Process::spawn(with_role(command, role))
    }

    fn spawn(mut command: Command) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Process(command.spawn().unwrap())
    }

    /// Children of its own live on until this is dropped.
    pub(super) fn kill(&mut self) {
        // To wait would end the input.
        let input = self.0.stdin.take();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        self.0.stdin = input;
    }

    /// Waits for its end, which must be a success.
    pub(super) fn succeed(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success(), "see its output");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn this_program(role: &str, discovery: &LocalDiscovery) -> Command {
    // By this name also users who may not enter the directory that it is in can start it.
    let mut command = with_role(Command::new("/proc/self/exe"), role);
    command
        .env(NAMESPACE, discovery.namespace())
        .env(DIRECTORY, discovery.directory().unwrap());
    command
}

fn with_role(mut command: Command, role: &str) -> Command {
    let this = format!("{}::plays_its_role", module_path!());
    let this = this.split_once("::").unwrap().1;
    command
        .args(["--exact", this, "--nocapture", "--test-threads=1"])
        .env(ROLE, role);
    command
}

/// In a process of [`Process`]; elsewhere it has nothing to do.
#[test]
fn plays_its_role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    match &*role {
        "publish" => until_told(publish_one()),
        "publish-250" => until_told((0..250).map(|_| publish_one()).collect::<Vec<_>>()),
        "announce" => until_told(announce_one()),
        "fork" => fork_and_publish(),
        "find-nobody" => places::find_nobody(&discovery()),
        "full" => places::in_full_shared_memory(),
        "no-more-files" => places::in_shared_memory_without_files(),
        "read-only" => places::in_read_only_shared_memory(),
        "read-only-with-runtime-directory" => places::in_runtime_directory(),
        other => panic!("no role: {other}"),
    }
}

fn discovery() -> LocalDiscovery {
    LocalDiscovery::new(std::env::var(NAMESPACE).unwrap())
        .unwrap()
        .in_directory(std::env::var(DIRECTORY).unwrap())
}

fn publish_one() -> (Announcement, UnixListener) {
    let uid = uid();
    let mut announcement = discovery().announce(&uid).unwrap();
    let listener = UnixListener::bind(announcement.socket_path().unwrap()).unwrap();
    announcement.publish(&record(&uid, &[])).unwrap();
    (announcement, listener)
}

/// One that is ready to be published, and then another that says so.
fn announce_one() -> (Announcement, UnixListener, Announcement) {
    let announcement = discovery().announce(&uid()).unwrap();
    let listener = UnixListener::bind(announcement.socket_path().unwrap()).unwrap();
    let (ready, _) = publish_one();
    (announcement, listener, ready)
}

fn until_told<T>(held: T) {
    wait_for_end_of_input();
    drop(held);
}

fn wait_for_end_of_input() {
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
}

/// Publishes a worker, forks a child that lives on, and publishes another worker that names it.
#[allow(unsafe_code, reason = "to fork is what is tested")]
fn fork_and_publish() {
    let uid = uid();
    let mut announcement = discovery().announce(&uid).unwrap();
    let (sink, _events) = super::sink();
    let subscription = discovery().subscribe(sink).unwrap();
    announcement.publish(&record(&uid, &[])).unwrap();
    let (mut refused, mut says_refused) = std::io::pipe().unwrap();
    // SAFETY: the child runs on in a copy of this thread alone; it waits for no other thread's lock.
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            let refusal = announcement.publish(&record(&uid, &["child"])).unwrap_err();
            drop(announcement);
            drop(subscription);
            if refusal.kind() == ErrorKind::Forked {
                says_refused.write_all(b"refused").unwrap();
                drop(says_refused);
                wait_for_end_of_input();
            }
            // SAFETY: ends the child without the parent's clean-up.
            unsafe { nix::libc::_exit(0) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            drop(says_refused);
            let mut answer = String::new();
            refused.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "refused");
            let uid = super::uid();
            let mut second = record(&uid, &[]);
            second.extra.insert("child".to_owned(), child.to_string());
            let mut announcement = discovery().announce(&uid).unwrap();
            announcement.publish(&second).unwrap();
            wait_for_end_of_input();
        }
    }
}
