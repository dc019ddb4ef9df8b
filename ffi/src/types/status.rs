use safer_ffi::derive_ReprC;
use std::ffi::CStr;

use wool_core::ErrorKind;

/// What a function answers. Errors are negative; their numbers are those of the wire, negated, and a
/// retired one is never used again. A later version may answer with numbers that are not listed here:
/// treat an unknown negative one as WOOL_ERR_INTERNAL.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_status_t {
    /// It worked.
    WOOL_OK = 0,
    /// The stream, the values: there are no more.
    WOOL_END = 1,
    /// Nothing yet: the time given was up first. What was asked for stays asked.
    WOOL_PENDING = 2,
    /// An argument is not acceptable: NULL, a stale handle, a name that is none, a wait inside a callback.
    WOOL_ERR_INVALID_ARGUMENT = -1,
    /// No candidate was found within the dispatch timeout.
    WOOL_ERR_NO_WORKERS_AVAILABLE = -2,
    /// Every worker that was found says that it does not serve the routine.
    WOOL_ERR_ROUTINE_NOT_FOUND = -3,
    /// The name is taken.
    WOOL_ERR_ALREADY_EXISTS = -4,
    /// A worker refused the task for a reason that has no number of its own.
    WOOL_ERR_REJECTED = -5,
    /// A limit is reached: a queue's slots, a worker's tasks. Later it may work.
    WOOL_ERR_BUSY = -6,
    /// The connection to the worker was lost after it may have started the task.
    WOOL_ERR_WORKER_LOST = -7,
    /// The routine failed; the wool_error_t tells its story.
    WOOL_ERR_TASK_FAILED = -8,
    /// The task was cancelled.
    WOOL_ERR_CANCELLED = -9,
    /// The call's budget of time is used up.
    WOOL_ERR_DEADLINE_EXCEEDED = -10,
    /// A wait ended before what it waited for.
    WOOL_ERR_TIMEOUT = -11,
    /// A payload is larger than the peer or this side accepts.
    WOOL_ERR_PAYLOAD_TOO_LARGE = -12,
    /// A value cannot be encoded or decoded.
    WOOL_ERR_CODEC = -13,
    /// The peers could not agree to talk: version, identity.
    WOOL_ERR_HANDSHAKE = -14,
    /// It is not allowed.
    WOOL_ERR_PERMISSION_DENIED = -15,
    /// The peer broke the protocol.
    WOOL_ERR_PROTOCOL = -16,
    /// A discovery failed.
    WOOL_ERR_DISCOVERY = -17,
    /// A worker process could not be started.
    WOOL_ERR_SPAWN_FAILED = -18,
    /// The operating system refused.
    WOOL_ERR_IO = -19,
    /// This build or the peer does not offer it.
    WOOL_ERR_UNSUPPORTED = -20,
    /// What was called has been closed.
    WOOL_ERR_CLOSED = -21,
    /// This process was forked after the library had begun to work: nothing works here any more.
    WOOL_ERR_FORKED = -22,
    /// A panic was caught.
    WOOL_ERR_PANIC = -23,
    /// A defect of this library.
    WOOL_ERR_INTERNAL = -24,
}

use wool_status_t::*;

/// Every error's status beside its kind in the core, and its name.
const ERRORS: [(wool_status_t, ErrorKind, &CStr); 24] = [
    (
        WOOL_ERR_INVALID_ARGUMENT,
        ErrorKind::InvalidArgument,
        c"INVALID_ARGUMENT",
    ),
    (
        WOOL_ERR_NO_WORKERS_AVAILABLE,
        ErrorKind::NoWorkersAvailable,
        c"NO_WORKERS_AVAILABLE",
    ),
    (
        WOOL_ERR_ROUTINE_NOT_FOUND,
        ErrorKind::RoutineNotFound,
        c"ROUTINE_NOT_FOUND",
    ),
    (
        WOOL_ERR_ALREADY_EXISTS,
        ErrorKind::AlreadyExists,
        c"ALREADY_EXISTS",
    ),
    (WOOL_ERR_REJECTED, ErrorKind::Rejected, c"REJECTED"),
    (WOOL_ERR_BUSY, ErrorKind::Busy, c"BUSY"),
    (WOOL_ERR_WORKER_LOST, ErrorKind::WorkerLost, c"WORKER_LOST"),
    (WOOL_ERR_TASK_FAILED, ErrorKind::TaskFailed, c"TASK_FAILED"),
    (WOOL_ERR_CANCELLED, ErrorKind::Cancelled, c"CANCELLED"),
    (
        WOOL_ERR_DEADLINE_EXCEEDED,
        ErrorKind::DeadlineExceeded,
        c"DEADLINE_EXCEEDED",
    ),
    (WOOL_ERR_TIMEOUT, ErrorKind::Timeout, c"TIMEOUT"),
    (
        WOOL_ERR_PAYLOAD_TOO_LARGE,
        ErrorKind::PayloadTooLarge,
        c"PAYLOAD_TOO_LARGE",
    ),
    (WOOL_ERR_CODEC, ErrorKind::Codec, c"CODEC"),
    (WOOL_ERR_HANDSHAKE, ErrorKind::Handshake, c"HANDSHAKE"),
    (
        WOOL_ERR_PERMISSION_DENIED,
        ErrorKind::PermissionDenied,
        c"PERMISSION_DENIED",
    ),
    (WOOL_ERR_PROTOCOL, ErrorKind::Protocol, c"PROTOCOL"),
    (WOOL_ERR_DISCOVERY, ErrorKind::Discovery, c"DISCOVERY"),
    (
        WOOL_ERR_SPAWN_FAILED,
        ErrorKind::SpawnFailed,
        c"SPAWN_FAILED",
    ),
    (WOOL_ERR_IO, ErrorKind::Io, c"IO"),
    (WOOL_ERR_UNSUPPORTED, ErrorKind::Unsupported, c"UNSUPPORTED"),
    (WOOL_ERR_CLOSED, ErrorKind::Closed, c"CLOSED"),
    (WOOL_ERR_FORKED, ErrorKind::Forked, c"FORKED"),
    (WOOL_ERR_PANIC, ErrorKind::Panic, c"PANIC"),
    (WOOL_ERR_INTERNAL, ErrorKind::Internal, c"INTERNAL"),
];

impl wool_status_t {
    pub(crate) fn of(kind: ErrorKind) -> wool_status_t {
        ERRORS
            .iter()
            .find(|(_, listed, _)| *listed == kind)
            .map_or(WOOL_ERR_INTERNAL, |(status, ..)| *status)
    }
}

/// The kind of an error's number; `None` for one that is no error.
pub(crate) fn kind_of(status: i32) -> Option<ErrorKind> {
    ERRORS
        .iter()
        .find(|(listed, ..)| *listed as i32 == status)
        .map(|(_, kind, _)| *kind)
}

/// The name of a number.
pub(crate) fn name_of(status: i32) -> &'static CStr {
    let listed = |wanted: wool_status_t| wanted as i32 == status;
    if listed(WOOL_OK) {
        return c"OK";
    }
    if listed(WOOL_END) {
        return c"END";
    }
    if listed(WOOL_PENDING) {
        return c"PENDING";
    }
    ERRORS
        .iter()
        .find(|(error, ..)| listed(*error))
        .map_or(c"UNKNOWN", |(.., name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_the_negated_numbers_of_the_wire() {
        for (status, kind, name) in ERRORS {
            assert_eq!(status as i32, -i32::try_from(kind.number()).unwrap());
            assert_eq!(wool_status_t::of(kind), status);
            assert_eq!(kind_of(status as i32), Some(kind));
            assert_eq!(name_of(status as i32), name);
            assert_eq!(name.to_str(), Ok(kind.name()));
        }
        assert_eq!(ErrorKind::from_number(ERRORS.len() as u32 + 1), None);
        assert_eq!(kind_of(0), None);
        assert_eq!(name_of(1), c"END");
        assert_eq!(name_of(-25), c"UNKNOWN");
    }
}
