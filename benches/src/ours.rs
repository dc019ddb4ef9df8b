//! libwool from Rust: as one writes it (`pool.call(..).await`), the same on the I/O threads of both sides, and by
//! `WorkerPool::submit`, the callback interface that all bindings stand on.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wool::{
    CallObserver, CallRequest, Outcome, Payload, PoolOptions, Routine, Runtime, Worker,
    WorkerOptions, WorkerPool, args,
};

use crate::job::{
    AHEAD, Failure, HUGE, Job, Laps, SMALL, Sample, Shape, answer_jobs, closed_loops, tell_address,
};
use crate::place::{Place, fresh_socket};
use crate::secure::credentials;

/// A job ends by itself; nobody waits longer for its last call.
const LAST_CALL_WITHIN: Duration = Duration::from_secs(10);

/// Where the worker's echo runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Routines {
    OnTaskThreads,
    OnIoThread,
}

pub fn worker(routines: Routines, unix: bool, certificates: Option<&Path>) -> Result<(), Failure> {
    let runtime = Runtime::new(Default::default())?;
    let echo = Routine::unary("bench.echo", |_task, arguments| async move {
        let (data,): (Bytes,) = arguments.extract()?;
        Ok(data)
    });
    runtime.register(match routines {
        Routines::OnTaskThreads => echo,
        Routines::OnIoThread => echo.on_io_thread()?,
    })?;
    runtime.register(Routine::unary(
        "bench.length",
        |_task, arguments| async move {
            let (data,): (Bytes,) = arguments.extract()?;
            Ok(data.len() as u64)
        },
    ))?;
    runtime.register(Routine::stream(
        "bench.pull",
        |_task, _arguments, mut out| async move {
            loop {
                out.yield_(Bytes::from(vec![7; SMALL])).await?;
            }
        },
    ))?;
    let socket = unix.then(|| fresh_socket("ours"));
    let worker = Worker::start(
        &runtime,
        WorkerOptions {
            socket_path: socket.clone(),
            credentials: certificates.map(credentials).transpose()?,
            ..Default::default()
        },
    )?;
    let place = match socket {
        Some(path) => Place::Unix(path),
        None => Place::Tcp(worker.address().to_owned()),
    };
    tell_address(&place.to_string())?;
    runtime.close_blocking(None)?;
    Ok(())
}

fn connect(address: &str, certificates: Option<&Path>) -> Result<(Runtime, WorkerPool), Failure> {
    let runtime = Runtime::new(Default::default())?;
    let pool = WorkerPool::new(
        &runtime,
        PoolOptions {
            addresses: vec![address.to_owned()],
            credentials: certificates.map(credentials).transpose()?,
            ..Default::default()
        },
    )?;
    Ok((runtime, pool))
}

/// `pool.call(..).await` on the executor that most programs have.
pub fn caller(address: &str, certificates: Option<&Path>) -> Result<(), Failure> {
    let executor = tokio::runtime::Runtime::new()?;
    let (runtime, pool) = connect(address, certificates)?;
    answer_jobs(|job| executor.block_on(run(job, &pool)))?;
    runtime.close_blocking(None)?;
    Ok(())
}

/// The same, on the I/O thread.
pub fn caller_on_io_thread(address: &str, certificates: Option<&Path>) -> Result<(), Failure> {
    let executor = tokio::runtime::Builder::new_current_thread().build()?;
    let (runtime, pool) = connect(address, certificates)?;
    answer_jobs(|job| {
        let pool = pool.clone();
        let sample = runtime.spawn_on_io_thread(async move { run(job, &pool).await });
        executor.block_on(sample)?
    })?;
    runtime.close_blocking(None)?;
    Ok(())
}

async fn run(job: Job, pool: &WorkerPool) -> Result<Sample, Failure> {
    if job.shape != Shape::Beside {
        return run_loops(job, pool).await;
    }
    let huge = Bytes::from(vec![7; HUGE]);
    let transfers = async {
        loop {
            pool.call("bench.length", (huge.clone(),)).await?;
        }
    };
    tokio::select! {
        sample = run_loops(job, pool) => sample,
        failed = transfers => failed,
    }
}

async fn run_loops(job: Job, pool: &WorkerPool) -> Result<Sample, Failure> {
    let data = Bytes::from(vec![7; job.shape.payload()]);
    closed_loops(job, |mut laps| {
        let pool = pool.clone();
        let data = data.clone();
        async move {
            match job.shape {
                Shape::Echo | Shape::Beside => loop {
                    pool.call("bench.echo", (data.clone(),)).await?;
                    if !laps.lap() {
                        break;
                    }
                },
                Shape::Length => loop {
                    pool.call("bench.length", (data.clone(),)).await?;
                    if !laps.lap() {
                        break;
                    }
                },
                Shape::Pull | Shape::Flow => {
                    let ahead = if job.shape == Shape::Flow { AHEAD } else { 0 };
                    let mut items = pool.stream("bench.pull", ()).prefetch(ahead).open()?;
                    while let Some(item) = items.next().await {
                        item?;
                        if !laps.lap() {
                            break;
                        }
                    }
                    items.close().await?;
                }
            }
            Ok(laps)
        }
    })
    .await
}

/// Each outcome submits the next call, on the I/O thread.
pub fn submitter(address: &str, certificates: Option<&Path>) -> Result<(), Failure> {
    let (runtime, pool) = connect(address, certificates)?;
    answer_jobs(|job| {
        let routine = match job.shape {
            Shape::Echo => "bench.echo",
            Shape::Length => "bench.length",
            Shape::Pull | Shape::Flow | Shape::Beside => {
                return Err("only single calls are measured this way".into());
            }
        };
        let data = Bytes::from(vec![7; job.shape.payload()]);
        let plan = Arc::new(Plan {
            pool: pool.clone(),
            routine: Arc::from(routine),
            arguments: Payload::arguments(&args![data])?,
        });
        submit_loops(job, &plan)
    })?;
    runtime.close_blocking(None)?;
    Ok(())
}

fn submit_loops(job: Job, plan: &Arc<Plan>) -> Result<Sample, Failure> {
    let begun = Instant::now();
    let (done, loops) = mpsc::channel();
    for _ in 0..job.in_flight {
        let laps = Laps::until(begun + job.time);
        submit(Arc::clone(plan), laps, done.clone())?;
    }
    let mut nanoseconds = Vec::new();
    for _ in 0..job.in_flight {
        let laps = loops.recv_timeout(job.time + LAST_CALL_WITHIN)??;
        nanoseconds.append(&mut laps.into_nanoseconds());
    }
    Ok(Sample::new(begun.elapsed(), nanoseconds))
}

struct Plan {
    pool: WorkerPool,
    routine: Arc<str>,
    arguments: Payload,
}

type Done = mpsc::Sender<wool::Result<Laps>>;

fn submit(plan: Arc<Plan>, laps: Laps, done: Done) -> wool::Result<()> {
    let request = CallRequest::unary(Arc::clone(&plan.routine), plan.arguments.clone());
    let pool = plan.pool.clone();
    pool.submit(request, Box::new(Loop { plan, laps, done }))?;
    Ok(())
}

struct Loop {
    plan: Arc<Plan>,
    laps: Laps,
    done: Done,
}

impl CallObserver for Loop {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        let Loop {
            plan,
            mut laps,
            done,
        } = *self;
        let answer = match outcome {
            Outcome::Error(error) => Err(error),
            _ if laps.lap() => match submit(plan, laps, done.clone()) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            _ => Ok(laps),
        };
        // The job may have given up waiting.
        let _ = done.send(answer);
    }
}
