//! Wool is a distributed runtime without a scheduler, broker or control plane: a *routine* is a named
//! async function or generator; calling it makes a *task*, which goes straight to one *worker* process
//! and keeps the semantics of a local call. This crate is the runtime's core and its Rust API.
//!
//! ```
//! use wool::{PoolOptions, Routine, Runtime, Worker, WorkerPool};
//!
//! # fn main() -> wool::Result<()> {
//! let runtime = Runtime::new(Default::default())?;
//! runtime.register(Routine::unary("calc.add", |_task, arguments| async move {
//!     let (a, b): (i64, i64) = arguments.extract()?;
//!     Ok(a + b)
//! }))?;
//! let worker = Worker::start(&runtime, Default::default())?;
//! let pool = WorkerPool::new(
//!     &runtime,
//!     PoolOptions { addresses: vec![worker.address().to_owned()], ..Default::default() },
//! )?;
//! # let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # executor.block_on(async {
//! let sum = pool.call("calc.add", (1, 2)).await?;
//! assert_eq!(sum.as_i64(), Some(3));
//! # Ok::<_, wool::Error>(())
//! # })?;
//! runtime.close_blocking(None)
//! # }
//! ```
//!
//! Futures and streams of this crate run on any executor. `ARCHITECTURE.md` in the repository maps the
//! modules; `proto/` holds the wire contract.

#[cfg(not(target_os = "linux"))]
compile_error!("libwool runs on Linux; other systems are refused until their parts are written");

mod accept;
mod admission;
mod ambient;
mod application;
mod blocking;
mod broadcast;
mod call;
mod callers_pool;
mod client;
mod codec;
mod connect;
mod context;
mod discovery;
mod entry;
mod error;
mod fan_out;
mod ids;
mod latch;
mod log;
mod map;
mod nested;
mod on_io_thread;
mod parts;
mod payload;
mod peer_limits;
mod place;
mod pool;
mod registry;
mod routine;
mod run;
mod runtime;
mod server;
mod session;
mod signals;
mod spawn;
mod stagger;
mod state;
mod sync;
mod task;
mod task_events;
mod tasks;
mod tcp;
mod threads;
mod tls;
mod wire;
mod worker;

pub use admission::{Admission, AdmissionHook, AdmissionInfo, AdmissionRequest, Decision};
pub use ambient::{current_context, current_task};
pub use application::ApplicationError;
pub use broadcast::{Broadcast, BroadcastCall};
pub use call::{CallHandle, CallObserver, CallRequest, Outcome, items_to_ask};
pub use client::{Call, CallFuture, ResultStream, StreamCall, call, stream};
pub use context::{Context, ContextValue};
pub use discovery::{
    CustomDiscovery, Discovery, DnsDiscovery, LanDiscovery, Listing, LocalDiscovery, Publication,
    StackedDiscovery, StaticDiscovery, Subscriber, TurnedAway, TurnedAwayReason, WorkerRecord,
};
pub use entry::{run_main, run_main_async};
pub use error::{Error, ErrorKind, Fault, Result, retryable};
pub use fan_out::{FanOut, MapProgress, Next, Progress};
pub use ids::Uuid;
pub use log::{Level, LogSink};
pub use map::Map;
pub use on_io_thread::OnIoThread;
pub use payload::{Codec, Payload};
pub use peer_limits::PeerLimits;
pub use pool::{
    Balancer, Choice, ChoiceWorker, LoadBalancer, PoolOptions, PoolStatus, ProcessState,
    ProcessStatus, RoutineStatus, WorkerOrigin, WorkerPool, WorkerState, WorkerStatus,
};
pub use routine::{Routine, RoutineKind, Service, Step, StreamClosed, TaskControl, Yielder};
pub use runtime::{Runtime, RuntimeOptions};
pub use spawn::{SpawnCommand, serve_if_spawned, serve_if_spawned_with};
pub use task::{Task, TaskContext, TaskInfo};
pub use task_events::{
    DEFAULT_TASK_EVENTS, Iteration, TaskEvent, TaskEventKind, TaskEventSink, TaskEvents, TaskSide,
};
pub use tls::{Credentials, CredentialsOptions, PeerCheck, PeerRequest, Peers, Pem};
pub use wool_macros::main;
pub use wool_values as value;
pub use wool_values::{
    Arguments, FromValue, IntoInput, IntoValue, Serde, Value, args, from_value, to_value,
};
pub use worker::{Grace, Worker, WorkerOptions};
