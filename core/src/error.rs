//! What can go wrong, as one closed list of kinds, and errors as they travel.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use wool_values::ValueError;

use crate::payload::Payload;
use crate::wire;

/// What kind of failure an [`Error`] or [`Fault`] is. The numbers are part of the ABI and of the wire;
/// retired ones are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument of the call that returned the error is not acceptable.
    InvalidArgument = 1,
    /// No candidate was found within the dispatch timeout.
    NoWorkersAvailable = 2,
    /// Every worker that was found says that it does not serve the routine.
    RoutineNotFound = 3,
    /// The name is taken.
    AlreadyExists = 4,
    /// A worker refused the task for a reason that has no kind of its own.
    Rejected = 5,
    /// A limit is reached; later it may work.
    Busy = 6,
    /// The connection to the worker was lost after it may have started the task.
    WorkerLost = 7,
    /// The routine raised an error; [`Error::fault`] tells it.
    TaskFailed = 8,
    /// The task was cancelled.
    Cancelled = 9,
    /// The call's budget of time is used up.
    DeadlineExceeded = 10,
    /// A wait ended before what it waited for.
    Timeout = 11,
    /// A payload is larger than the peer or this side accepts.
    PayloadTooLarge = 12,
    /// A value cannot be encoded or decoded.
    Codec = 13,
    /// The peers could not agree to talk: version, identity.
    Handshake = 14,
    /// The peer does not allow it.
    PermissionDenied = 15,
    /// The peer broke the protocol.
    Protocol = 16,
    /// A discovery failed.
    Discovery = 17,
    /// A worker process could not be started.
    SpawnFailed = 18,
    /// The operating system refused.
    Io = 19,
    /// This build or the peer does not offer it.
    Unsupported = 20,
    /// What was called has been closed.
    Closed = 21,
    /// The process was forked after the runtime began.
    Forked = 22,
    /// A panic was caught.
    Panic = 23,
    /// A defect of this library.
    Internal = 24,
}

/// Every kind with its name, in the order of the numbers.
const KINDS: [(ErrorKind, &str); 24] = [
    (ErrorKind::InvalidArgument, "INVALID_ARGUMENT"),
    (ErrorKind::NoWorkersAvailable, "NO_WORKERS_AVAILABLE"),
    (ErrorKind::RoutineNotFound, "ROUTINE_NOT_FOUND"),
    (ErrorKind::AlreadyExists, "ALREADY_EXISTS"),
    (ErrorKind::Rejected, "REJECTED"),
    (ErrorKind::Busy, "BUSY"),
    (ErrorKind::WorkerLost, "WORKER_LOST"),
    (ErrorKind::TaskFailed, "TASK_FAILED"),
    (ErrorKind::Cancelled, "CANCELLED"),
    (ErrorKind::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (ErrorKind::Timeout, "TIMEOUT"),
    (ErrorKind::PayloadTooLarge, "PAYLOAD_TOO_LARGE"),
    (ErrorKind::Codec, "CODEC"),
    (ErrorKind::Handshake, "HANDSHAKE"),
    (ErrorKind::PermissionDenied, "PERMISSION_DENIED"),
    (ErrorKind::Protocol, "PROTOCOL"),
    (ErrorKind::Discovery, "DISCOVERY"),
    (ErrorKind::SpawnFailed, "SPAWN_FAILED"),
    (ErrorKind::Io, "IO"),
    (ErrorKind::Unsupported, "UNSUPPORTED"),
    (ErrorKind::Closed, "CLOSED"),
    (ErrorKind::Forked, "FORKED"),
    (ErrorKind::Panic, "PANIC"),
    (ErrorKind::Internal, "INTERNAL"),
];

impl ErrorKind {
    /// The number on the wire and (negated) in the ABI.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The kind of a number; `None` for one that this version does not know.
    pub fn from_number(number: u32) -> Option<ErrorKind> {
        KINDS
            .iter()
            .map(|(kind, _)| *kind)
            .find(|kind| kind.number() == number)
    }

    /// The name in every language, e.g. `"ROUTINE_NOT_FOUND"`.
    pub fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("INTERNAL", |(_, name)| name)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not work: a kind to act on, a message to read, and the remote story if there is one.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    retryable: bool,
    detail: Arc<Detail>,
}

struct Detail {
    message: String,
    fault: Option<Fault>,
}

impl Error {
    /// An error of this side.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            retryable: false,
            detail: Arc::new(Detail {
                message: message.into(),
                fault: None,
            }),
        }
    }

    /// The error that a remote fault becomes at the caller.
    pub fn from_fault(fault: Fault) -> Error {
        let message = if fault.type_name.is_empty() {
            fault.message.clone()
        } else {
            format!("{}: {}", fault.type_name, fault.message)
        };
        Error {
            kind: fault.kind,
            retryable: false,
            detail: Arc::new(Detail {
                message,
                fault: Some(fault),
            }),
        }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, where, and what to do.
    pub fn message(&self) -> &str {
        &self.detail.message
    }

    /// The error as the worker raised it, when it came from a worker.
    pub fn fault(&self) -> Option<&Fault> {
        self.detail.fault.as_ref()
    }

    /// Whether the task certainly never started, so that calling again cannot run it twice.
    pub fn retryable(&self) -> bool {
        self.retryable
    }

    /// The same error, marked with whether the task certainly never started.
    pub fn with_retryable(mut self, retryable: bool) -> Error {
        self.retryable = retryable;
        self
    }
}

/// Whether the task certainly never started, so that calling again cannot run it twice: [`Error::retryable`], to be passed
/// on as a function.
pub fn retryable(error: &Error) -> bool {
    error.retryable()
}

/// Kind and message in one line. `{:#}` adds, for a person to read, where the worker raised it and what caused it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail.message)?;
        match self.fault() {
            Some(fault) if f.alternate() => fault.write_story(f),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.detail.message)
            .field("retryable", &self.retryable)
            .field("fault", &self.detail.fault)
            .finish()
    }
}

impl std::error::Error for Error {}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Error {
        Error::new(ErrorKind::Codec, error.to_string())
    }
}

/// An error as it travels from a routine to its caller.
///
/// It does not implement [`std::error::Error`], so that every error does convert into it and `?` works
/// in routines:
///
/// ```
/// # use wool::Fault;
/// fn parse(text: &str) -> Result<i64, Fault> {
///     Ok(text.parse::<i64>()?)
/// }
/// assert_eq!(parse("x").unwrap_err().type_name, "ParseIntError");
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    /// [`ErrorKind::TaskFailed`] for what a routine raises.
    pub kind: ErrorKind,
    /// Type name in the language that raised it, e.g. `"ValueError"`.
    pub type_name: String,
    /// What it says.
    pub message: String,
    /// Where it was raised: lines, outermost first.
    pub traceback: Vec<String>,
    /// The error's own data.
    pub value: Option<Box<Payload>>,
    /// What caused it.
    pub cause: Option<Box<Fault>>,
    /// The language that raised it, e.g. `"rust"`; empty when libwool itself did.
    pub language: String,
}

/// What of a fault travels at most; longer texts end with a note that says so.
const LONGEST_MESSAGE: usize = 64 * 1024;
const LONGEST_NAME: usize = 1024;
const MOST_LINES: usize = 256;
const MOST_CAUSES: usize = 16;

impl Fault {
    /// A failure of a routine, with the place of the call as its traceback.
    #[track_caller]
    pub fn new(type_name: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault {
            kind: ErrorKind::TaskFailed,
            type_name: type_name.into(),
            message: message.into(),
            traceback: vec![Location::caller().to_string()],
            value: None,
            cause: None,
            language: "rust".to_owned(),
        }
    }

    /// A failure that libwool itself reports in the routine's place.
    pub fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Fault {
        Fault {
            kind,
            type_name: String::new(),
            message: message.into(),
            traceback: Vec::new(),
            value: None,
            cause: None,
            language: String::new(),
        }
    }

    pub(crate) fn add_causes(&mut self, mut source: Option<&(dyn std::error::Error + 'static)>) {
        let mut slot = &mut self.cause;
        for _ in 0..MOST_CAUSES {
            let Some(cause) = source else { break };
            let inner = slot.insert(Box::new(Fault {
                traceback: Vec::new(),
                ..Fault::new("", cause.to_string())
            }));
            slot = &mut inner.cause;
            source = cause.source();
        }
    }

    pub(crate) fn into_wire(self) -> wire::Fault {
        self.into_wire_above(MOST_CAUSES)
    }

    fn into_wire_above(mut self, causes_left: usize) -> wire::Fault {
        shorten(&mut self.message, LONGEST_MESSAGE);
        shorten(&mut self.type_name, LONGEST_NAME);
        if self.traceback.len() > MOST_LINES {
            let left_out = self.traceback.len() - MOST_LINES;
            self.traceback.truncate(MOST_LINES);
            self.traceback.push(format!("({left_out} more lines)"));
        }
        for line in &mut self.traceback {
            shorten(line, LONGEST_NAME);
        }
        // A fault is one frame, outside the windows: data that would make it large stays behind.
        let value = self.value.filter(|value| value.len() <= LONGEST_MESSAGE);
        let cause = self
            .cause
            .filter(|_| causes_left > 0)
            .map(|cause| Box::new(cause.into_wire_above(causes_left - 1)));
        wire::Fault {
            kind: self.kind.number(),
            r#type: self.type_name,
            message: self.message,
            traceback: self.traceback,
            value: value.map(|value| wire::FaultValue {
                codec: value.codec() as i32,
                data: value.into_bytes(),
            }),
            cause,
            language: self.language,
            context: None,
        }
    }

    pub(crate) fn from_wire(fault: wire::Fault) -> Fault {
        Fault {
            kind: ErrorKind::from_number(fault.kind).unwrap_or(ErrorKind::TaskFailed),
            type_name: fault.r#type,
            message: fault.message,
            traceback: fault.traceback,
            value: fault.value.and_then(|value| {
                let codec = crate::payload::Codec::from_number(value.codec)?;
                Some(Box::new(Payload::new(codec, value.data)))
            }),
            // Depth is bounded by the protobuf decoder's own limit of 100 nested messages.
            cause: fault.cause.map(|cause| Box::new(Fault::from_wire(*cause))),
            language: fault.language,
        }
    }
}

/// Type and message. `{:#}` adds, for a person to read, where it was raised and what caused it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.type_name.is_empty() {
            f.write_str(&self.message)?;
        } else {
            write!(f, "{}: {}", self.type_name, self.message)?;
        }
        if f.alternate() {
            self.write_story(f)?;
        }
        Ok(())
    }
}

impl<E: std::error::Error + 'static> From<E> for Fault {
    #[track_caller]
    fn from(error: E) -> Fault {
        // What a call of the routine's own failed with is passed on as it came.
        if let Some(error) = (&error as &dyn std::any::Any).downcast_ref::<Error>()
            && let Some(fault) = error.fault()
        {
            return fault.clone();
        }
        let mut fault = Fault::new(short_type_name::<E>(), error.to_string());
        if let Some(value) = (&error as &dyn std::any::Any).downcast_ref::<ValueError>()
            && value.is_argument()
        {
            // So it is called in every language.
            fault.type_name = "ArgumentError".to_owned();
        }
        fault.add_causes(error.source());
        fault
    }
}

/// `core::num::ParseIntError` is told as `ParseIntError`.
fn short_type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain)
}

/// Cuts a text that is longer than this many bytes, with a note that says so.
pub(crate) fn shorten(text: &mut String, most: usize) {
    if text.len() <= most {
        return;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let left_out = text.len() - end;
    text.truncate(end);
    text.push_str(&format!(" ... ({left_out} more bytes)"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that functions which answer with one are not told that it is large.
    #[test]
    fn a_fault_fits_in_two_cache_lines() {
        assert!(size_of::<Fault>() < 128);
    }

    #[test]
    fn every_kind_has_its_number_and_name() {
        for (index, (kind, name)) in KINDS.iter().enumerate() {
            assert_eq!(kind.number() as usize, index + 1);
            assert_eq!(ErrorKind::from_number(kind.number()), Some(*kind));
            assert_eq!(kind.name(), *name);
        }
        assert_eq!(ErrorKind::from_number(0), None);
        assert_eq!(ErrorKind::from_number(25), None);
    }

    #[test]
    fn a_huge_fault_travels_shortened() {
        let mut fault = Fault::new("Big", "é".repeat(10 << 20));
        fault.traceback = vec!["line".to_owned(); 10_000];
        let wire = fault.into_wire();
        assert!(wire.message.len() < LONGEST_MESSAGE + 64);
        assert!(wire.message.ends_with("more bytes)"));
        assert_eq!(wire.traceback.len(), MOST_LINES + 1);
    }

    #[test]
    fn causes_follow_the_source_chain_and_end() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }
        impl std::error::Error for Endless {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&Endless)
            }
        }
        let fault = Fault::from(Endless);
        assert_eq!(fault.type_name, "Endless");
        assert!(fault.traceback[0].contains("error.rs"));
        let depth = std::iter::successors(fault.cause.as_deref(), |f| f.cause.as_deref()).count();
        assert_eq!(depth, MOST_CAUSES);
    }
}
