//! What a caller program is asked to do, line by line, and what it answers. All languages speak this; it
//! is written down in `benches/README.md`.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 64 bytes, and the same back.
    Echo,
    /// 1 MiB, and its length back.
    Length,
    /// 64-byte items of an endless stream, each asked for when the one before has come.
    Pull,
    /// The same, but that the worker may run ahead.
    Flow,
    /// [`Shape::Echo`], while on the same connection one huge payload after the other goes to the worker.
    Beside,
}

/// Bytes of an echoed payload and of an item.
pub const SMALL: usize = 64;
/// Bytes of a payload whose length is asked for.
pub const LARGE: usize = 1 << 20;
/// Bytes of the payload that small calls have to get past.
pub const HUGE: usize = 100 << 20;
/// Items that a worker may run ahead.
pub const AHEAD: u32 = 256;

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Shape::Echo => "echo",
            Shape::Length => "length",
            Shape::Pull => "pull",
            Shape::Flow => "flow",
            Shape::Beside => "beside",
        }
    }

    /// Bytes of the payload that goes to the worker.
    pub fn payload(self) -> usize {
        match self {
            Shape::Echo | Shape::Beside => SMALL,
            Shape::Length => LARGE,
            Shape::Pull | Shape::Flow => 0,
        }
    }
}

/// A closed loop: `in_flight` calls (or streams) at any moment, for a time.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub shape: Shape,
    pub in_flight: usize,
    pub time: Duration,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = self.shape.name();
        write!(f, "{shape} {} {}", self.in_flight, self.time.as_millis())
    }
}

impl Job {
    fn parse(line: &str) -> Option<Job> {
        let mut words = line.split_whitespace();
        let shape = match words.next()? {
            "echo" => Shape::Echo,
            "length" => Shape::Length,
            "pull" => Shape::Pull,
            "flow" => Shape::Flow,
            "beside" => Shape::Beside,
            _ => return None,
        };
        let in_flight = words.next()?.parse().ok().filter(|n| *n > 0)?;
        let millis = words.next()?.parse().ok()?;
        Some(Job {
            shape,
            in_flight,
            time: Duration::from_millis(millis),
        })
    }
}

/// What came of a job.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Calls (or items) that came back.
    pub calls: u64,
    pub elapsed: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

impl Sample {
    /// From the latencies of all calls, in nanoseconds.
    pub fn new(elapsed: Duration, mut nanoseconds: Vec<u32>) -> Sample {
        let mut percentile = |percent: usize| {
            let index = nanoseconds.len().saturating_sub(1) * percent / 100;
            if nanoseconds.is_empty() {
                return Duration::ZERO;
            }
            let (_, value, _) = nanoseconds.select_nth_unstable(index);
            Duration::from_nanos(u64::from(*value))
        };
        Sample {
            p50: percentile(50),
            p99: percentile(99),
            calls: nanoseconds.len() as u64,
            elapsed,
        }
    }

    /// Reads the line that [`answer_jobs`] writes.
    pub fn parse(line: &str) -> Result<Sample, Failure> {
        if let Some(message) = line.strip_prefix("error ") {
            return Err(message.into());
        }
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| format!("a caller answered \"{line}\""))?;
        let [calls, elapsed, p50, p99] = numbers[..] else {
            return Err(format!("a caller answered \"{line}\"").into());
        };
        Ok(Sample {
            calls,
            elapsed: Duration::from_nanos(elapsed),
            p50: Duration::from_nanos(p50),
            p99: Duration::from_nanos(p99),
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.calls,
            self.elapsed.as_nanos(),
            self.p50.as_nanos(),
            self.p99.as_nanos()
        )
    }
}

/// A caller program's main loop: a job a line, until standard input ends.
pub fn answer_jobs(mut run: impl FnMut(Job) -> Result<Sample, Failure>) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = Job::parse(&line)
            .ok_or_else(|| Failure::from(format!("\"{line}\" is not a job")))
            .and_then(&mut run);
        let mut out = std::io::stdout().lock();
        match answer {
            Ok(sample) => writeln!(out, "{sample}")?,
            Err(error) => writeln!(out, "error {error}")?,
        }
        out.flush()?;
    }
    Ok(())
}

/// A worker program's main loop: tells its address and waits until standard input ends.
pub fn tell_address(address: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}")?;
    out.flush()?;
    drop(out);
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    Ok(())
}

/// The latencies of one of the loops of a job.
pub struct Laps {
    from: Instant,
    until: Instant,
    nanoseconds: Vec<u32>,
}

impl Laps {
    pub fn until(until: Instant) -> Laps {
        Laps {
            from: Instant::now(),
            until,
            nanoseconds: Vec::new(),
        }
    }

    /// A call came back. True: make another.
    pub fn lap(&mut self) -> bool {
        let now = Instant::now();
        let nanoseconds = (now - self.from).as_nanos();
        self.nanoseconds
            .push(u32::try_from(nanoseconds).unwrap_or(u32::MAX));
        self.from = now;
        now < self.until
    }

    pub fn into_nanoseconds(self) -> Vec<u32> {
        self.nanoseconds
    }
}

/// Runs `in_flight` tasks of one loop each. A loop makes a call, then a lap, until the lap says no.
pub async fn closed_loops<F>(job: Job, run: impl Fn(Laps) -> F) -> Result<Sample, Failure>
where
    F: Future<Output = Result<Laps, Failure>> + Send + 'static,
{
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..job.in_flight {
        loops.spawn(run(Laps::until(begun + job.time)));
    }
    let mut nanoseconds = Vec::new();
    while let Some(laps) = loops.join_next().await {
        nanoseconds.append(&mut laps??.into_nanoseconds());
    }
    Ok(Sample::new(begun.elapsed(), nanoseconds))
}
