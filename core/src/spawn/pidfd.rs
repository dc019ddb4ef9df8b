//! A child process: noticing its end, killing it, reaping it. Never another process that got its number.

use std::fmt;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::thread::SpawnThread;

/// Between looks at a process that cannot be watched.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Exited(i32),
    Signaled(i32),
    /// The host ignores SIGCHLD, or waited for this process itself.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Ending::Exited(status) => write!(f, "exit status {status}"),
            Ending::Signaled(number) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "signal {number} ({signal})"),
                Err(_) => write!(f, "signal {number}"),
            },
            Ending::Unknown => {
                f.write_str("a status that the program it was started by has taken or ignores")
            }
        }
    }
}

/// A child process, which leads a process group. Dropped before its end was seen, it is killed and reaped.
pub(super) struct Child {
    pid: Pid,
    pidfd: Option<Arc<OwnedFd>>,
    /// There once its end has been waited for.
    watch: Option<AsyncFd<Arc<OwnedFd>>>,
    /// Until the next look, where there is nothing to watch.
    pause: Duration,
    reaped: bool,
    thread: Arc<SpawnThread>,
}

impl Child {
    /// Takes charge of a process that was just started on this thread.
    pub(super) fn new(pid: Pid, thread: Arc<SpawnThread>) -> Child {
        Child {
            pid,
            // Old kernels have none, and this process may have too many descriptors: then it is polled.
            pidfd: open(pid).ok().map(Arc::new),
            watch: None,
            pause: SHORTEST_PAUSE,
            reaped: false,
            thread,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Waits for the end, and reaps. May be dropped and called again; on a thread of tokio with I/O and time.
    pub(super) async fn ended(&mut self) -> Ending {
        if self.watch.is_none()
            && let Some(pidfd) = self.pidfd.clone()
        {
            self.watch = watch(pidfd).ok();
        }
        loop {
            if let Some(ending) = self.reap(libc::WNOHANG) {
                return ending;
            }
            match &self.watch {
                Some(watch) => match watch.readable().await {
                    // Readable for good once it has ended: clearing only waits for the next sign.
                    Ok(mut ready) => ready.clear_ready(),
                    Err(_) => self.watch = None,
                },
                None => {
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Ends it and what it has started in its group: a wrapper command would leave its worker behind.
    pub(super) fn kill(&self) {
        if self.reaped {
            return;
        }
        // Refused when it is no more, and the number may be another's by now.
        let there = match &self.pidfd {
            Some(pidfd) => send_signal(pidfd, 0),
            None => kill(self.pid, None),
        };
        if there.is_err() {
            return;
        }
        // Either may have ended meanwhile, or left the group.
        let _ = killpg(self.pid, Signal::SIGKILL);
        let _ = match &self.pidfd {
            Some(pidfd) => send_signal(pidfd, libc::SIGKILL),
            None => kill(self.pid, Signal::SIGKILL),
        };
    }

    fn reap(&mut self, flags: libc::c_int) -> Option<Ending> {
        let ending = reap(self.pid, self.pidfd.as_deref(), flags);
        self.reaped = ending.is_some();
        ending
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        self.kill();
        let (pid, pidfd) = (self.pid, self.pidfd.take());
        self.thread.run(move || {
            // Killed: this waits no longer than the kernel needs.
            let _ = reap(pid, pidfd.as_deref(), 0);
        });
    }
}

fn reap(pid: Pid, pidfd: Option<&OwnedFd>, flags: libc::c_int) -> Option<Ending> {
    let waited = match pidfd.map(|pidfd| wait(libc::P_PIDFD, pidfd.as_raw_fd(), flags)) {
        // Linux 5.3 has pidfds, but cannot wait for them.
        None | Some(Err(Errno::EINVAL)) => wait(libc::P_PID, pid.as_raw(), flags),
        Some(waited) => waited,
    };
    waited.unwrap_or(Some(Ending::Unknown))
}

#[allow(
    unsafe_code,
    reason = "tokio cannot know that a type always gives the same descriptor"
)]
fn watch(pidfd: Arc<OwnedFd>) -> std::io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: an owned descriptor stays what it is while the watch has its share of it.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}

#[allow(unsafe_code, reason = "the C library has no function for it")]
fn open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = i32::try_from(Errno::result(fd)?).map_err(|_| Errno::EMFILE)?;
    // SAFETY: the kernel has just made it, closed on exec, for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[allow(unsafe_code, reason = "the C library has no function for it")]
fn send_signal(pidfd: &OwnedFd, signal: libc::c_int) -> Result<(), Errno> {
    let none: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: without an info the call takes integers.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            none,
            0,
        )
    };
    Errno::result(sent).map(drop)
}

/// `None`: it has not ended.
#[allow(
    unsafe_code,
    reason = "the safe function loses the status of unnamed signals"
)]
fn wait(id_type: libc::idtype_t, id: i32, flags: libc::c_int) -> Result<Option<Ending>, Errno> {
    loop {
        // SAFETY: all zero is a valid info, which the call overwrites.
        let (waited, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let id = id.unsigned_abs();
            let waited = libc::waitid(id_type, id, &raw mut info, libc::WEXITED | flags);
            (waited, info)
        };
        match Errno::result(waited) {
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        // SAFETY: a wait that succeeded has filled in these fields, or left them zero.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        return Ok(match (pid, info.si_code) {
            (0, _) => None,
            (_, libc::CLD_EXITED) => Some(Ending::Exited(status)),
            _ => Some(Ending::Signaled(status)),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[allow(
        clippy::zombie_processes,
        reason = "what is tested is that it is reaped"
    )]
    fn start(script: &str) -> Child {
        use std::os::unix::process::CommandExt;
        let started = Command::new("sh")
            .args(["-c", script])
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(started.id().try_into().unwrap());
        Child::new(pid, SpawnThread::get().unwrap())
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    fn exists(child: &Child) -> bool {
        std::path::Path::new(&format!("/proc/{}", child.pid())).exists()
    }

    #[test]
    fn endings_are_told_with_and_without_a_pidfd() {
        for pidfd in [true, false] {
            for (script, ending) in [
                ("exit 3", "exit status 3"),
                ("kill -9 $$", "signal 9 (SIGKILL)"),
                ("kill -40 $$", "signal 40"),
            ] {
                let mut child = start(script);
                assert!(child.pidfd.is_some());
                if !pidfd {
                    child.pidfd = None;
                }
                assert_eq!(block_on(child.ended()).to_string(), ending);
                assert!(!exists(&child));
            }
        }
    }

    #[test]
    fn the_whole_group_is_killed() {
        for pidfd in [true, false] {
            let mut child = start("sleep 1000 & sleep 1000");
            if !pidfd {
                child.pidfd = None;
            }
            child.kill();
            assert_eq!(block_on(child.ended()), Ending::Signaled(9));
            // Its members are reaped by init; until then the group exists.
            while killpg(child.pid, None).is_ok() {
                std::thread::yield_now();
            }
            child.kill();
        }
    }

    #[test]
    fn a_status_taken_by_the_host_is_unknown() {
        for pidfd in [true, false] {
            let mut child = start("exit 3");
            if !pidfd {
                child.pidfd = None;
            }
            assert_eq!(
                wait(libc::P_PID, child.pid.as_raw(), 0),
                Ok(Some(Ending::Exited(3)))
            );
            assert_eq!(block_on(child.ended()), Ending::Unknown);
        }
    }

    #[test]
    fn a_child_that_is_dropped_is_killed_and_reaped() {
        let child = start("sleep 1000");
        let folder = format!("/proc/{}", child.pid());
        drop(child);
        while std::path::Path::new(&folder).exists() {
            std::thread::yield_now();
        }
    }
}
