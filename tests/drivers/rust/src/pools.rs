//! Pools and workers by the options of `tests/drivers/PROTOCOL.md`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wool::{Grace, PoolOptions, Result, Runtime, SpawnCommand, Worker, WorkerOptions, WorkerPool};

use crate::admission;
use crate::credentials;
use crate::finding;
use crate::protocol::{Failure, Options};
use crate::routines::Counters;

/// A pool with the options of `driver caller`. The inner error is for the runner.
pub(crate) fn open_pool(
    runtime: &Runtime,
    counters: &Counters,
    options: &Options,
) -> Result<Result<WorkerPool>, Failure> {
    let defaults = PoolOptions::default();
    let settings = PoolOptions {
        spawn: match options.text("spawn") {
            Some("none") => Some(0),
            _ => options.number("spawn")?,
        },
        concurrency: options.number("concurrency")?.unwrap_or(0),
        max_payload: options.number("max_payload")?.unwrap_or(0),
        grace: grace(options.number("grace")?.unwrap_or(0)),
        addresses: options.text("address").map_or_else(Vec::new, |list| {
            list.split(',').map(str::to_owned).collect()
        }),
        tags: options.texts("tag")?,
        lease: options.number("lease")?.unwrap_or(0),
        quorum: options.number("quorum")?.unwrap_or(0),
        quorum_timeout: span(options, "quorum_timeout")?.unwrap_or(defaults.quorum_timeout),
        dispatch_timeout: span(options, "dispatch_timeout")?.unwrap_or(defaults.dispatch_timeout),
        secret: secret(options)?,
        bind: options.text("bind").unwrap_or_default().to_owned(),
        advertise: options.texts("advertise")?,
        allow_plaintext: allow_plaintext(options)?,
        balancer: finding::balancer(options)?,
        identity: identity(options)?,
        ..defaults
    };
    let credentials = counters.credentials.given(options)?;
    let peers = credentials::believed(options)?;
    let command = options.texts("command")?;
    let discovery = finding::discovery(options, "discovery")?;
    let open = || {
        let command = (!command.is_empty()).then(|| SpawnCommand::new(command));
        let settings = PoolOptions {
            command: command.transpose()?,
            discovery: discovery?,
            credentials: credentials?,
            peers: peers?,
            ..settings
        };
        WorkerPool::new(runtime, settings)
    };
    Ok(open())
}

/// A worker with the options of `driver worker`. The inner error is for the runner.
pub(crate) fn start_worker(
    runtime: &Runtime,
    counters: &Arc<Counters>,
    options: &Options,
) -> Result<Result<Worker>, Failure> {
    let settings = worker_options(counters, options)?;
    Ok(settings.and_then(|settings| Worker::start(runtime, settings)))
}

/// The options of `driver worker` as the language has them. The inner error is for the runner.
pub(crate) fn worker_options(
    counters: &Arc<Counters>,
    options: &Options,
) -> Result<Result<WorkerOptions>, Failure> {
    let defaults = WorkerOptions::default();
    let settings = WorkerOptions {
        bind: options.text("bind").map_or(defaults.bind, str::to_owned),
        advertise: options.texts("advertise")?,
        extra: finding::extra(options)?,
        allow_plaintext: allow_plaintext(options)?,
        socket_path: options.text("socket").map(PathBuf::from),
        concurrency: options.number("concurrency")?.unwrap_or(0),
        max_payload: options.number("max_payload")?.unwrap_or(0),
        secret: secret(options)?,
        tags: options.texts("tag")?,
        admit: (options.text("admit") == Some("tags")).then(|| admission::by_tags(counters)),
        identity: identity(options)?,
        peer_limits: credentials::peer_limits(options)?,
        ..WorkerOptions::default()
    };
    let publish = finding::discovery(options, "publish")?;
    let credentials = counters.credentials.given(options)?;
    let callers = credentials::patterns(options, "caller_name")?;
    let routine_callers = credentials::allowed(options)?;
    let peers = credentials::patterns(options, "peer")?;
    let stoppers = credentials::patterns(options, "stopper")?;
    let together = || {
        Ok(WorkerOptions {
            publish: publish?,
            credentials: credentials?,
            callers: callers?,
            routine_callers: routine_callers?,
            peers: peers?,
            stoppers: stoppers?,
            ..settings
        })
    };
    Ok(together())
}

fn identity(options: &Options) -> Result<String, Failure> {
    Ok(options.texts("identity")?.pop().unwrap_or_default())
}

/// Milliseconds as the protocol has them: negative is for ever.
pub(crate) fn grace(milliseconds: i64) -> Grace {
    match milliseconds {
        0 => Grace::Now,
        some => u64::try_from(some).map_or(Grace::Forever, |some| {
            Grace::For(Duration::from_millis(some))
        }),
    }
}

fn allow_plaintext(options: &Options) -> Result<bool, Failure> {
    Ok(options.number("allow_plaintext")? == Some(1))
}

fn secret(options: &Options) -> Result<Option<Vec<u8>>, Failure> {
    Ok(options
        .texts("secret")?
        .into_iter()
        .next()
        .map(String::into_bytes))
}

fn span(options: &Options, key: &str) -> Result<Option<Duration>, Failure> {
    Ok(options.number(key)?.map(Duration::from_millis))
}
