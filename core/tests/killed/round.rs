//! A round: a pool of worker processes, calls, and signals to the processes in between.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wool::{
    Error, ErrorKind, PoolOptions, ProcessState, Runtime, SpawnCommand, Value, WorkerPool,
    retryable,
};

use super::common::{block_on, eventually};
use super::dice::Dice;

/// Names the folder where the worker processes write down what they run.
pub(crate) const FOLDER: &str = "WOOL_TEST_KILLED";

const PROCESSES: usize = 3;
const CONCURRENCY: u32 = 16;
/// More than there are places, so that some wait.
const IN_FLIGHT: usize = 64;

/// A signal to one of the processes, once so many calls have ended.
struct Blow {
    after: usize,
    victim: usize,
    signal: Signal,
}

pub(crate) struct Round {
    first: usize,
    calls: usize,
    blows: Vec<Blow>,
    dispatch_timeout: Duration,
}

/// How the calls ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) ok: usize,
    /// It was said that they never began.
    pub(crate) never: usize,
    /// They may have run, or not.
    pub(crate) unknown: usize,
    /// Of those, the ones that had run.
    ran: usize,
    blows: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.calls += other.calls;
        self.ok += other.ok;
        self.never += other.never;
        self.unknown += other.unknown;
        self.ran += other.ran;
        self.blows += other.blows;
    }
}

impl Round {
    pub(crate) fn draw(dice: &mut Dice, first: usize, calls: usize) -> Round {
        let mut blows: Vec<_> = (0..1 + dice.below(6))
            .map(|_| Blow {
                after: dice.below(calls),
                victim: dice.below(PROCESSES),
                signal: [Signal::SIGKILL, Signal::SIGKILL, Signal::SIGTERM][dice.below(3)],
            })
            .collect();
        blows.sort_by_key(|blow| blow.after);
        // Some look for a worker for as long as it takes, others give up while all processes are down.
        let dispatch_timeout = [Duration::from_secs(60), Duration::from_millis(20)][dice.below(2)];
        Round {
            first,
            calls,
            blows,
            dispatch_timeout,
        }
    }

    /// Plays it, and sees that what ran is what was told.
    pub(crate) fn play(&self, runtime: &Runtime) -> Tally {
        let folder = Folder::new(self.first);
        let pool = WorkerPool::new(runtime, options(&folder)).unwrap();
        let (told, blows) = block_on(self.call(&pool));
        // The processes have ended when it is closed: what they wrote is all there.
        pool.close_blocking(Some(Duration::from_secs(60))).unwrap();
        let ran = folder.ran();
        let mut tally = Tally {
            calls: told.len(),
            blows,
            ..Tally::default()
        };
        for (number, result) in &told {
            let times = ran.get(number).copied().unwrap_or(0);
            match result {
                Ok(value) => {
                    assert_eq!(value, &Value::from(*number));
                    assert_eq!(times, 1, "call {number} has a result and ran {times} times");
                    tally.ok += 1;
                }
                Err(error) if retryable(error) => {
                    assert_eq!(
                        times, 0,
                        "call {number} ran, and is told as never begun: {error}"
                    );
                    tally.never += 1;
                }
                Err(error) => {
                    assert!(times <= 1, "call {number} ran {times} times: {error}");
                    let kinds = [ErrorKind::WorkerLost, ErrorKind::Cancelled];
                    assert!(kinds.contains(&error.kind()), "call {number}: {error}");
                    tally.unknown += 1;
                    tally.ran += times;
                }
            }
        }
        assert_eq!(told.len(), self.calls);
        assert!(ran.keys().all(|number| told.contains_key(number)));
        tally
    }

    async fn call(&self, pool: &WorkerPool) -> (HashMap<u64, Result<Value, Error>>, usize) {
        let serving = || {
            let processes = pool.status().processes.into_iter();
            processes
                .filter(|process| process.state == ProcessState::Serving)
                .map(|process| process.pid)
                .collect::<Vec<_>>()
        };
        eventually(async || serving().len() == PROCESSES).await;
        let first = self.first as u64;
        let mut map = pool
            .map("soak.once", first..first + self.calls as u64)
            .in_flight(IN_FLIGHT)
            .dispatch_timeout(self.dispatch_timeout);
        let (mut told, mut blows, mut struck) = (HashMap::new(), self.blows.iter().peekable(), 0);
        while let Some((index, result)) = map.next().await {
            assert!(told.insert(first + index as u64, result).is_none());
            while let Some(blow) = blows.next_if(|blow| blow.after < told.len()) {
                let pids = serving();
                if let Some(pid) = pids.get(blow.victim) {
                    // A child of ours that has not been waited for, or else has just ended: never another's process.
                    struck += usize::from(kill(Pid::from_raw(*pid as i32), blow.signal).is_ok());
                }
            }
        }
        (told, struck)
    }
}

fn options(folder: &Folder) -> PoolOptions {
    let variable = format!("{FOLDER}={}", folder.path.display());
    let program = std::env::current_exe().unwrap().display().to_string();
    // What the harness prints there is nobody's business.
    let quietly = "exec env \"$@\" >/dev/null";
    let argv = [
        "sh", "-c", quietly, "sh", &variable, &program, "--exact", "worker",
    ];
    PoolOptions {
        spawn: Some(PROCESSES),
        command: Some(SpawnCommand::new(argv).unwrap()),
        concurrency: CONCURRENCY,
        ..PoolOptions::default()
    }
}

/// A folder that goes away with the round.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(number: usize) -> Folder {
        let name = format!("wool-killed-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder { path }
    }

    /// How often each call ran.
    fn ran(&self) -> HashMap<u64, usize> {
        let mut ran = HashMap::new();
        for file in std::fs::read_dir(&self.path).unwrap() {
            let written = std::fs::read(file.unwrap().path()).unwrap();
            let (numbers, rest) = written.as_chunks::<8>();
            assert!(rest.is_empty());
            for number in numbers {
                *ran.entry(u64::from_le_bytes(*number)).or_default() += 1;
            }
        }
        ran
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).unwrap();
    }
}
