//! The admission hook of a worker: the host decides which calls it takes.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::context::Context;
use crate::error::{Fault, Result, shorten};
use crate::routine::{caught, panic_text};
use crate::runtime::Runtime;
use crate::session::WorkerCommand;
use crate::wire::rejected::Reason;

/// What the host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The task begins.
    Accept,
    /// As if the worker's limit were reached: the caller tries another worker, or this one later. It reads the
    /// message if its time runs out on that.
    Busy(String),
    /// The call ends as [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied), with this message.
    Refuse(String),
}

/// What becomes of a call that waited for its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Decided(Decision),
    /// The hook did not decide; why.
    Failed(String),
}

/// A call that waits to be let in.
#[derive(Debug, Clone)]
pub struct AdmissionInfo {
    /// The routine that is called.
    pub routine: Arc<str>,
    /// The caller's label.
    pub tag: Arc<str>,
    /// What rides along with the call.
    pub context: Context,
    /// How many other tasks are in flight on this worker, those that wait for their answer included.
    pub in_flight: u64,
    /// The names that the caller's certificate holds, DNS names and URIs; none without TLS.
    pub peer: Arc<[String]>,
}

/// Decides which calls a worker takes. Each call is asked about once, when it has come, its routine is known and
/// the worker has a place for it; it holds that place while it waits.
pub trait Admission: Send + Sync + 'static {
    /// Called once, when the worker starts, e.g. to start the threads that the hook needs.
    ///
    /// # Errors
    /// Fails the start of the worker.
    fn prepare(&self, runtime: &Runtime) -> Result<()> {
        let _ = runtime;
        Ok(())
    }

    /// Asks. Called on the I/O thread: hand the question to where it is decided, never decide slowly here.
    fn ask(&self, request: AdmissionRequest);

    /// The worker has stopped: nothing is asked any more, and no answer is waited for. Called once, on the I/O
    /// thread; must not block.
    fn stopped(&self) {}
}

impl fmt::Debug for dyn Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}

/// A question, answered once. Dropped without an answer, the hook has failed. When nobody waits for the answer any
/// more - the caller has left, its time is up, the worker stops - an answer is harmless.
pub struct AdmissionRequest {
    info: AdmissionInfo,
    number: u64,
    runtime: Runtime,
    /// Gone with the answer.
    session: Option<mpsc::UnboundedSender<WorkerCommand>>,
    /// The session holds the other end as long as it waits for the answer.
    waited_for: oneshot::Receiver<Infallible>,
}

/// Held by the session while a call waits for its answer.
pub(crate) type Waiting = oneshot::Sender<Infallible>;

impl AdmissionRequest {
    pub(crate) fn new(
        info: AdmissionInfo,
        number: u64,
        runtime: Runtime,
        session: mpsc::UnboundedSender<WorkerCommand>,
    ) -> (AdmissionRequest, Waiting) {
        let (waiting, waited_for) = oneshot::channel();
        let request = AdmissionRequest {
            info,
            number,
            runtime,
            session: Some(session),
            waited_for,
        };
        (request, waiting)
    }

    /// What is asked about.
    pub fn info(&self) -> &AdmissionInfo {
        &self.info
    }

    /// The routine that is called.
    pub fn routine(&self) -> &str {
        &self.info.routine
    }

    /// The caller's label.
    pub fn tag(&self) -> &str {
        &self.info.tag
    }

    /// What rides along with the call.
    pub fn context(&self) -> &Context {
        &self.info.context
    }

    /// How many other tasks are in flight on this worker, those that wait for their answer included.
    pub fn in_flight(&self) -> u64 {
        self.info.in_flight
    }

    /// The worker's runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_abandoned(&mut self) -> bool {
        // The other end never sends: it is held, or dropped.
        self.waited_for.is_terminated()
            || self.waited_for.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    /// Ends when nobody waits for the answer any more.
    pub async fn abandoned(&mut self) {
        if !self.waited_for.is_terminated() {
            // An error: that the other end was dropped is what is waited for.
            let _ = (&mut self.waited_for).await;
        }
    }

    /// Lets the call in.
    pub fn accept(self) {
        self.decide(Decision::Accept);
    }

    /// As if the worker's limit were reached: see [`Decision::Busy`].
    pub fn busy(self, message: impl Into<String>) {
        self.decide(Decision::Busy(message.into()));
    }

    /// Does not let the call in: see [`Decision::Refuse`].
    pub fn refuse(self, message: impl Into<String>) {
        self.decide(Decision::Refuse(message.into()));
    }

    /// The hook could not decide. The call ends as [`ErrorKind::Rejected`](crate::ErrorKind::Rejected).
    pub fn fail(mut self, message: impl Into<String>) {
        self.answer(Verdict::Failed(message.into()));
    }

    /// Answers.
    pub fn decide(mut self, decision: Decision) {
        self.answer(Verdict::Decided(decision));
    }

    fn answer(&mut self, verdict: Verdict) {
        if let Some(session) = self.session.take() {
            let number = self.number;
            // A session that has ended waits for no answer.
            let _ = session.send(WorkerCommand::Admission { number, verdict });
        }
    }
}

impl Drop for AdmissionRequest {
    fn drop(&mut self) {
        self.answer(Verdict::Failed("it ended without an answer".to_owned()));
    }
}

/// What a rejection may say, in bytes.
const LONGEST_MESSAGE: usize = 64 * 1024;

impl Verdict {
    fn of(decided: Result<Decision, Fault>) -> Verdict {
        match decided {
            Ok(decision) => Verdict::Decided(decision),
            Err(fault) => Verdict::Failed(fault.to_string()),
        }
    }

    /// Why the call is not let in; `None`: it is.
    pub(crate) fn rejection(self) -> Option<(Reason, String)> {
        let (reason, mut message) = match self {
            Verdict::Decided(Decision::Accept) => return None,
            Verdict::Decided(Decision::Busy(message)) => (Reason::Busy, message),
            Verdict::Decided(Decision::Refuse(message)) => (Reason::PermissionDenied, message),
            Verdict::Failed(why) => (
                Reason::AdmissionFailed,
                format!("the admission hook failed: {why}"),
            ),
        };
        shorten(&mut message, LONGEST_MESSAGE);
        Some((reason, message))
    }
}

/// A hook that is a function of the host's. A panic or an error in it fails the call that it was asked about, and
/// nothing else.
///
/// ```
/// use std::sync::Arc;
/// use wool::{AdmissionHook, Decision, WorkerOptions};
///
/// let options = WorkerOptions {
///     admit: Some(Arc::new(AdmissionHook::new(|call| async move {
///         Ok(match &*call.tag {
///             "batch" if call.in_flight >= 4 => Decision::Busy("enough of batches".to_owned()),
///             "guest" => Decision::Refuse(format!("{} is not for guests", call.routine)),
///             _ => Decision::Accept,
///         })
///     }))),
///     ..WorkerOptions::default()
/// };
/// # let _ = options;
/// ```
pub struct AdmissionHook {
    function: Function,
}

enum Function {
    Async(Box<dyn Fn(AdmissionRequest) + Send + Sync>),
    Blocking(Arc<dyn Fn(AdmissionInfo) -> Result<Decision, Fault> + Send + Sync>),
}

impl AdmissionHook {
    /// An async function. It runs on the runtime's task threads; its future is dropped when nobody waits for the
    /// answer any more.
    pub fn new<F, R>(function: F) -> AdmissionHook
    where
        F: Fn(AdmissionInfo) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Decision, Fault>> + Send + 'static,
    {
        let function = Arc::new(function);
        let ask = move |mut request: AdmissionRequest| {
            let function = Arc::clone(&function);
            let runtime = request.runtime().clone();
            runtime.spawn_task(async move {
                let info = request.info().clone();
                // The first poll of the function's own body happens inside, so that its panics are caught.
                let body = caught(async move { function(info).await });
                let decided = tokio::select! {
                    decided = body => Some(decided),
                    () = request.abandoned() => None,
                };
                match decided {
                    Some(Ok(decided)) => request.answer(Verdict::of(decided)),
                    Some(Err(panic)) => request.fail(panicked(&panic.message)),
                    None => {}
                }
            });
        };
        AdmissionHook {
            function: Function::Async(Box::new(ask)),
        }
    }

    /// A plain function, which may block: it runs on threads that are there for admission alone, up to 64 calls at
    /// once. Questions that nobody waits for any more are not asked.
    pub fn blocking<F>(function: F) -> AdmissionHook
    where
        F: Fn(AdmissionInfo) -> Result<Decision, Fault> + Send + Sync + 'static,
    {
        AdmissionHook {
            function: Function::Blocking(Arc::new(function)),
        }
    }
}

impl Admission for AdmissionHook {
    fn prepare(&self, runtime: &Runtime) -> Result<()> {
        match self.function {
            Function::Async(_) => runtime.start_task_threads(),
            Function::Blocking(_) => runtime.start_admission_threads(),
        }
    }

    fn ask(&self, request: AdmissionRequest) {
        match &self.function {
            Function::Async(ask) => ask(request),
            Function::Blocking(function) => {
                let (function, mut request) = (Arc::clone(function), request);
                request.runtime().clone().run_admission(move || {
                    if !request.is_abandoned() {
                        decide_blocking(&*function, request);
                    }
                });
            }
        }
    }
}

fn decide_blocking(
    function: &(dyn Fn(AdmissionInfo) -> Result<Decision, Fault> + Send + Sync),
    mut request: AdmissionRequest,
) {
    let info = request.info().clone();
    // Unwind safe: what the function shares between its calls is its own affair, as in any thread.
    let decided = std::panic::AssertUnwindSafe(|| Verdict::of(function(info)));
    request.answer(match std::panic::catch_unwind(decided) {
        Ok(verdict) => verdict,
        Err(panic) => Verdict::Failed(panicked(&panic_text(&*panic))),
    });
}

fn panicked(message: &str) -> String {
    format!("it panicked: {message}")
}
