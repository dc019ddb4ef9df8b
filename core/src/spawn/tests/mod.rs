//! Real processes. This test program is started again, for one test ([`acts::entry`]), which becomes the
//! worker, or another process that a test needs.

mod acts;
mod family;
mod life;
mod starting;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::runtime::RuntimeOptions;

/// No test takes this long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A spawner and what it tells.
struct Spawned {
    runtime: Runtime,
    spawner: Spawner,
    events: Receiver<SpawnEvent>,
}

impl Spawned {
    fn new(command: SpawnCommand, count: usize) -> Spawned {
        Spawned::with(command, count, quick())
    }

    fn with(command: SpawnCommand, count: usize, times: SpawnTimes) -> Spawned {
        let runtime = Runtime::new(RuntimeOptions::default()).unwrap();
        let (told, events) = channel();
        let plan = SpawnPlan {
            command,
            count,
            worker: WorkerSetup {
                tags: vec!["spawned".to_owned()],
                ..WorkerSetup::default()
            },
            times,
        };
        let sink = Arc::new(move |event| {
            let _ = told.send(event);
        });
        let spawner = Spawner::start(&runtime, plan, sink).unwrap();
        Spawned {
            runtime,
            spawner,
            events,
        }
    }

    fn next(&self) -> SpawnEvent {
        self.events.recv_timeout(WATCHDOG).expect("the test hangs")
    }

    /// Slot, address and pid of the next event, which must be a worker that serves.
    fn ready(&self) -> (usize, String, u32) {
        match self.next() {
            SpawnEvent::Ready {
                slot,
                uid,
                address,
                pid,
            } => {
                let status = &self.spawner.status()[slot];
                assert_eq!((status.slot, status.uid.as_ref()), (slot, Some(&uid)));
                (slot, address, pid)
            }
            event => panic!("not ready: {event:?}"),
        }
    }

    /// The story of the next event, which must be an end.
    fn ended(&self) -> String {
        match self.next() {
            SpawnEvent::Ended { story, .. } => story,
            event => panic!("not ended: {event:?}"),
        }
    }

    fn states(&self) -> Vec<SlotState> {
        let status = self.spawner.status();
        status.iter().map(|process| process.state).collect()
    }

    /// Ends all, and gives the stories.
    fn stop(self, grace: Grace) -> Vec<String> {
        self.spawner.stop(grace);
        let mut stories = Vec::new();
        loop {
            match self.next() {
                SpawnEvent::Ended { story, .. } => stories.push(story),
                SpawnEvent::AllEnded => break,
                SpawnEvent::Ready { .. } => {}
                event => panic!("{event:?}"),
            }
        }
        assert!(self.states().iter().all(|state| *state == SlotState::Ended));
        self.runtime.close_blocking(Some(WATCHDOG)).unwrap();
        stories
    }
}

fn quick() -> SpawnTimes {
    SpawnTimes {
        shortest_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        ..SpawnTimes::default()
    }
}

/// The command whose process does what [`acts::entry`] does under this name.
fn act(name: &str) -> SpawnCommand {
    wrapped(&["sh", "-c", "exec \"$@\" >/dev/null", "sh"], name)
}

/// The same behind a wrapper command.
fn wrapped(wrapper: &[&str], name: &str) -> SpawnCommand {
    let argv = wrapper.iter().copied().map(str::to_owned);
    SpawnCommand::new(argv.chain(acts::argv(name))).unwrap()
}

/// Asks again until it holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + WATCHDOG;
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process is there and not only waits to be reaped.
fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// Nothing is left, not even a zombie.
fn assert_gone(pid: u32) {
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "process {pid} is still there"
    );
}

fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
    nix::sys::signal::kill(pid, signal).unwrap();
}

/// A path that nobody else uses.
fn fresh_path(name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("wool-{name}-{}-{number}", std::process::id()))
}
