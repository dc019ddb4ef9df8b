//! The Rust caller: finds workers and calls them over and over, one call after the other, and prints how long that takes.

use std::io::Write;
use std::time::{Duration, Instant};

use wool::{Discovery, LocalDiscovery, PoolOptions, Runtime, WorkerPool};

use crate::failure::Failure;

/// Items of each stream.
const ITEMS: i64 = 5;

/// A call that takes longer will not come back.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Prints the medians of a call and of a stream from its opening to its end, in microseconds. There are a fifth as
/// many streams as calls. Every answer is checked.
pub(crate) fn call(namespace: &str, calls: usize) -> Result<(), Failure> {
    let runtime = Runtime::new(Default::default())?;
    let pool = WorkerPool::new(
        &runtime,
        PoolOptions {
            discovery: Some(Discovery::Local(LocalDiscovery::new(namespace)?)),
            ..Default::default()
        },
    )?;
    let executor = tokio::runtime::Builder::new_current_thread().build()?;
    let (call, stream) = executor.block_on(async {
        let streams = (calls / 5).max(1);
        // The first ones connect and warm up.
        measure_calls(&pool, streams).await?;
        let call = measure_calls(&pool, calls).await?;
        let stream = measure_streams(&pool, streams).await?;
        Ok::<_, Failure>((call, stream))
    })?;
    writeln!(std::io::stdout(), "{call:.1} {stream:.1}")?;
    Ok(runtime.close_blocking(None)?)
}

async fn measure_calls(pool: &WorkerPool, calls: usize) -> Result<f64, Failure> {
    let mut times = Vec::with_capacity(calls);
    for n in 0..calls as i64 {
        let began = Instant::now();
        let answer: i64 = pool
            .call("demo.ping", (n,))
            .timeout(TIMEOUT)
            .await?
            .extract()?;
        times.push(began.elapsed());
        if answer != n {
            return Err(Failure::new(format!("demo.ping({n}) answered {answer}")));
        }
    }
    Ok(median(times))
}

async fn measure_streams(pool: &WorkerPool, streams: usize) -> Result<f64, Failure> {
    let mut times = Vec::with_capacity(streams);
    for _ in 0..streams {
        let began = Instant::now();
        let mut items = pool.stream("demo.few", (ITEMS,)).timeout(TIMEOUT).open()?;
        let mut got: Vec<i64> = Vec::new();
        while let Some(item) = items.next().await {
            got.push(item?.extract()?);
        }
        times.push(began.elapsed());
        if !got.iter().copied().eq(0..ITEMS) {
            return Err(Failure::new(format!("demo.few({ITEMS}) yielded {got:?}")));
        }
    }
    Ok(median(times))
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
