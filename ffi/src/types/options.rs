use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{
    wool_admit_fn, wool_balance_fn, wool_context_value_t, wool_destroy_fn, wool_peer_check_fn,
    wool_slice_t, wool_task_t,
};
use crate::context::wool_context_t;
use crate::credentials::wool_credentials_t;
use crate::discovery::wool_discovery_t;
use crate::pool::wool_pool_t;
use crate::queue::wool_queue_t;
use crate::worker::wool_worker_t;

/// Takes a message of the library. `level`: 1 error, 2 warning, 3 info, 4 debug; `target`: which part of the
/// library speaks. The texts are valid during the call. On any of wool's threads, several at once; must not
/// block, and must call nothing of wool.
pub type wool_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: i32,
        target: wool_slice_t,
        message: wool_slice_t,
    ),
>;

/// How a runtime is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_runtime_options_t {
    /// sizeof(wool_runtime_options_t)
    pub struct_size: usize,
    /// Threads on which routines given as callbacks run; so many run at once. 0 = one per core. (Admission hooks have
    /// threads of their own.)
    pub routine_threads: u32,
    /// The most detailed level that `log` wants; 0 = none.
    pub log_level: i32,
    /// Takes the library's messages, which go nowhere else; may be NULL.
    pub log: wool_log_fn,
    /// Given to `log`.
    pub log_user_data: *mut c_void,
    /// Frees `log_user_data`; may be NULL.
    pub log_destroy: wool_destroy_fn,
    /// The language of the host, which peers are told. Empty = "c".
    pub language: wool_slice_t,
}

/// How a worker is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_worker_options_t {
    /// sizeof(wool_worker_options_t)
    pub struct_size: usize,
    /// "host:port"; port 0 picks a free one. Empty = "127.0.0.1:0".
    pub bind: wool_slice_t,
    /// Also serves on a Unix socket at this path, which is readable by this user only. Empty = none.
    pub socket_path: wool_slice_t,
    /// Tasks that may run at once; those beyond are refused as WOOL_ERR_BUSY, and callers try another worker.
    /// 0 = 1,024.
    pub concurrency: u32,
    /// 1: may bind beyond loopback, where without TLS everybody who reaches the address could call.
    pub allow_plaintext: i32,
    /// Callers must present it. Empty = none.
    pub secret: wool_slice_t,
    /// Largest arguments, results and items, in bytes. 0 = 256 MiB.
    pub max_payload: u64,
    /// Labels by which pools choose.
    pub tags: *const wool_slice_t,
    /// How many there are.
    pub tag_count: usize,
    /// Where pools find this worker; NULL = nowhere. Without `secret`, one that is drawn by lot goes into the record,
    /// and only who can read that may call.
    pub publish: *const wool_discovery_t,
    /// Decides which calls are taken, beside `concurrency`; NULL = all are. Each call is asked about once, when it has
    /// come and has its place, which it holds until the answer. When its caller leaves, its time is up or the worker
    /// stops, the place is free at once, and the answer does no harm any more.
    pub admit: wool_admit_fn,
    /// Given to `admit`.
    pub admit_user_data: *mut c_void,
    /// Frees `admit_user_data`, when the worker has stopped and no callback uses it any more, or before wool_worker_new
    /// returns an error; may be NULL.
    pub admit_destroy: wool_destroy_fn,
    /// Not NULL, with `admit` NULL: the questions come as WOOL_EVENT_ADMISSION on this queue. While it has no room, the
    /// worker is busy; once it is closed, the hook has failed.
    pub admit_queue: *mut wool_queue_t,
    /// The `tag` of these events.
    pub admit_tag: u64,
    /// By which tasks call (wool_task_pool) whose caller's pool cannot be used here, as it is one of another machine or
    /// cannot be described; NULL = they cannot call. It may be freed; the worker keeps it open.
    pub pool: *const wool_pool_t,
    /// How others reach it, in its record, where that is not what it is bound to: "host" or "host:port", IPv6 hosts in
    /// brackets. NULL = the address that it is bound to. Bound to all addresses of the machine ("0.0.0.0:0"), a worker on
    /// the LAN is reached at those of its networks; another discovery has to be told.
    pub advertise: *const wool_slice_t,
    /// How many there are.
    pub advertise_count: usize,
    /// What else its record says of it, for others: a name, its value, the next name and so on.
    pub extra: *const wool_slice_t,
    /// How many slices these are: an even number.
    pub extra_count: usize,
    /// What it presents to its callers, and which of them it believes; NULL = no TLS. With them it may bind beyond loopback.
    pub credentials: *const wool_credentials_t,
    /// The name that it claims in its record, and that its certificate holds: a DNS name or a URI (SPIFFE). Pools whose
    /// `peers` accept it take that instead of the address that they dialled. Empty = none.
    pub identity: wool_slice_t,
    /// Whom it lets in, by patterns for a name of their certificate: "caller.example", "*.example",
    /// "spiffe://example/caller", "spiffe://example/*", "*". None = all whose certificates are good. Over its Unix socket
    /// the secret decides.
    pub callers: *const wool_slice_t,
    /// How many there are.
    pub caller_count: usize,
    /// Who may call what, beside `callers`: pairs of a routine, or "prefix.*", and a pattern as above. A routine that is
    /// named is for those alone.
    pub routine_callers: *const wool_slice_t,
    /// How many slices there are: twice the pairs.
    pub routine_caller_count: usize,
    /// As `peers` of a pool, for those by which its tasks call on.
    pub peers: *const wool_slice_t,
    /// How many there are.
    pub peer_count: usize,
    /// Who may stop it from elsewhere (the gRPC method wool.v1.Control/stop), by patterns as `callers`. None = nobody.
    pub stoppers: *const wool_slice_t,
    /// How many there are.
    pub stopper_count: usize,
    /// What one peer may take of it: whoever presents certificates of the same names, or without names an IP address.
    /// Connections at once; further ones are closed. 0 = 1,024.
    pub peer_connections: u32,
    /// Sessions at once; further ones are refused as WOOL_ERR_BUSY. 0 = 1,024.
    pub peer_sessions: u32,
    /// Tasks at once, over all sessions; further calls are answered as busy. 0 = 65,536.
    pub peer_calls: u32,
    /// Bytes of large payloads that may be on their way to it or held by its tasks, over all sessions. Each session sets
    /// aside what it lets its caller send ahead: 64 MiB, or half of what is left; a payload that is larger than that, its
    /// size. What does not fit is refused. 0 = 64 GiB.
    pub peer_bytes: u64,
}

/// Is told that a worker which is run (wool_worker_run) can be called, on the thread that runs it. `worker` is wool's, and
/// valid during the call: for its address and uid, or to stop it. It may block.
pub type wool_worker_started_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, worker: *mut wool_worker_t)>;

/// How a pool is set up. With nothing said, it starts a worker process per core. With `spawn`, it starts so many; with
/// `discovery` or `addresses` it joins the workers that are there; with both it does both.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_pool_options_t {
    /// sizeof(wool_pool_options_t)
    pub struct_size: usize,
    /// Worker processes to start and to keep up. 0 = one per core, or none where `discovery` or `addresses` are given;
    /// < 0 = none.
    pub spawn: i32,
    /// 1: `command` starts this program again, so the program must have come past wool_serve_if_spawned.
    pub command_is_own: i32,
    /// The program that becomes a worker, and its arguments. NULL = this program, with its own arguments.
    pub command: *const wool_slice_t,
    /// How many there are.
    pub command_count: usize,
    /// Tasks that each of the started workers may run at once. 0 = 1,024.
    pub concurrency: u32,
    /// The most found workers that are admitted; those that the pool starts do not count. 0 = all.
    pub lease: u32,
    /// What the started workers get to finish their tasks when the pool closes, in milliseconds: 0 cancels now,
    /// < 0 waits for ever.
    pub grace_ms: i64,
    /// Where workers are found, and where those that the pool starts are published. NULL = the pool finds only its own.
    pub discovery: *const wool_discovery_t,
    /// Workers at fixed addresses: "host:port" or "unix:/path".
    pub addresses: *const wool_slice_t,
    /// How many there are.
    pub address_count: usize,
    /// Found workers must have all of these labels; the started ones get them.
    pub tags: *const wool_slice_t,
    /// How many there are.
    pub tag_count: usize,
    /// Connected workers that the first call waits for. 0 = it waits for one that takes it.
    pub quorum: u32,
    /// 1: may dial beyond loopback without TLS, and let the started workers listen there.
    pub allow_plaintext: i32,
    /// How long calls wait for the quorum, in milliseconds. 0 = 60,000.
    pub quorum_timeout_ms: u64,
    /// How long a call looks for a worker that takes it, in milliseconds. 0 = 60,000.
    pub dispatch_timeout_ms: u64,
    /// Presented to the workers at `addresses`, and to those that are found elsewhere than on the LAN, unless their record
    /// holds another. Empty = none.
    pub secret: wool_slice_t,
    /// Largest arguments, results and items, in bytes. 0 = 256 MiB.
    pub max_payload: u64,
    /// Where the started workers listen: "host:port", port 0 picking a free one. Empty = "127.0.0.1:0".
    pub bind: wool_slice_t,
    /// How others reach the started workers, as in wool_worker_options_t.
    pub advertise: *const wool_slice_t,
    /// How many there are.
    pub advertise_count: usize,
    /// How calls are spread over the workers, a wool_balancer_t.
    pub balancer: i32,
    /// With WOOL_BALANCER_CUSTOM: chooses a worker for each call. A choice that is never answered keeps its call waiting
    /// up to the dispatch timeout.
    pub balance: wool_balance_fn,
    /// Given to `balance`.
    pub balance_user_data: *mut c_void,
    /// Frees `balance_user_data`, when the pool has closed and no callback uses it any more, or before wool_pool_new
    /// returns an error; may be NULL.
    pub balance_destroy: wool_destroy_fn,
    /// Not NULL, with WOOL_BALANCER_CUSTOM and `balance` NULL: the questions come as WOOL_EVENT_CHOICE on this queue.
    /// While it has no room, and once it is closed, calls are given to the workers in turn.
    pub balance_queue: *mut wool_queue_t,
    /// The `tag` of these events.
    pub balance_tag: u64,
    /// What it presents to workers, and which of them it believes; NULL = no TLS. The workers that it starts get them, too,
    /// never by a disk or an environment.
    pub credentials: *const wool_credentials_t,
    /// The identity of the started workers, as in wool_worker_options_t.
    pub identity: wool_slice_t,
    /// Whose identities are believed, by patterns as `callers` of a worker: a worker whose record claims such a one is
    /// verified by it, wherever it is reached. All others, and without this all, by the address that was dialled.
    pub peers: *const wool_slice_t,
    /// How many there are.
    pub peer_count: usize,
    /// Instead of `peers`: says whether the identity that a worker claims is believed.
    pub peer_check: wool_peer_check_fn,
    /// Given to `peer_check`.
    pub peer_check_user_data: *mut c_void,
    /// Frees `peer_check_user_data`, when the pool has closed and no callback uses it any more, or before wool_pool_new
    /// returns an error; may be NULL.
    pub peer_check_destroy: wool_destroy_fn,
    /// Not NULL, with `peer_check` NULL: the questions come as WOOL_EVENT_PEER_CHECK on this queue. While it has no room, and
    /// once it is closed, the check has failed.
    pub peer_check_queue: *mut wool_queue_t,
    /// The `tag` of these events.
    pub peer_check_tag: u64,
}

/// How a call or stream is made.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_call_options_t {
    /// sizeof(wool_call_options_t)
    pub struct_size: usize,
    /// The budget of time of the whole call or stream, in milliseconds: past it, it ends as
    /// WOOL_ERR_DEADLINE_EXCEEDED here and is cancelled there. 0 = none.
    pub timeout_ms: u64,
    /// How long to look for a worker, in milliseconds. 0 = as the pool does.
    pub dispatch_timeout_ms: u64,
    /// A label, for logs and for the worker.
    pub tag: wool_slice_t,
    /// The budget of time of each step of a stream, in milliseconds, from asking for an item until it comes: past it,
    /// the stream ends as WOOL_ERR_DEADLINE_EXCEEDED here and is cancelled there. 0 = none.
    pub step_timeout_ms: u64,
    /// > 0: the stream is only iterated, and nothing can be sent or thrown to it. wool_stream_wait then keeps up to so
    /// many items asked for ahead of those it has given; with a queue, you do, by wool_stream_next.
    pub prefetch: u32,
    /// Values that ride along, for the worker's admission hook and the routine; of two with one name the later counts.
    /// At most 64 KiB together. May be NULL.
    pub context: *const wool_context_value_t,
    /// How many there are.
    pub context_count: usize,
    /// The task that makes the call; 0 = none. The call carries its id, has at most its time, is cancelled with it, and
    /// takes its context along, unless `bag` says another. While the call is waited for, the task lends its place.
    pub parent: wool_task_t,
    /// A context that the call takes along, and that takes up what the callee changes in it, before the event or return
    /// that brings the outcome or item. NULL = the parent's, if there is one. It may be freed, or shared by many calls.
    /// The values of `context` lie on top of it, for this call alone.
    pub bag: *const wool_context_t,
    /// The uid of the only worker that may have the call, as wool_pool_status tells it. One that is not of the pool, or
    /// drains, is WOOL_ERR_NO_WORKERS_AVAILABLE: at once, or when the dispatch timeout is up while it may still come. A
    /// busy one is waited for. Empty = the pool chooses.
    pub worker_uid: wool_slice_t,
}
