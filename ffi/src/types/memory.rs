use safer_ffi::derive_ReprC;
use std::ffi::c_void;

/// Borrowed bytes or UTF-8 text, not terminated. As an argument they are valid during the call; as a result,
/// as long as the function says. `ptr` may be NULL when `len` is 0.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_slice_t {
    /// The first byte.
    pub ptr: *const u8,
    /// How many there are.
    pub len: usize,
}

/// Bytes that belong to whoever received them, when `owner` is not NULL: give them back with
/// wool_bytes_free. With `owner` NULL they are borrowed, as the function says that made them so.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_bytes_t {
    /// The first byte.
    pub ptr: *const u8,
    /// How many there are.
    pub len: usize,
    /// What keeps them; of no interest but for being NULL or not.
    pub owner: *mut c_void,
}

/// How a payload's bytes are to be read.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_codec_t {
    /// A value: see wool_value_builder_new and wool_value_reader_new.
    WOOL_CODEC_MSGPACK = 1,
    /// Bytes that mean themselves.
    WOOL_CODEC_RAW = 2,
}

/// An encoded value, borrowed. Functions that take one copy it.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_payload_t {
    /// The bytes.
    pub data: wool_slice_t,
    /// A wool_codec_t.
    pub codec: i32,
}

/// Frees what `user_data` points at. Called exactly once, when it is certain that the callbacks given with it
/// will not be called again - also when registering them failed. On any thread; must not block.
pub type wool_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A call's handle, 0 never being one. Handles carry a generation: one whose call is over is stale, for ever,
/// and harmless.
pub type wool_call_t = u64;

/// A stream's handle, as the caller sees it. See wool_call_t.
pub type wool_stream_t = u64;

/// A task's handle, as the routine sees it. It is stale once the task is answered. See wool_call_t.
pub type wool_task_t = u64;

/// A value of a call's context. Borrowed.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_context_value_t {
    /// Whose name it is, e.g. "shop".
    pub namespace_: wool_slice_t,
    /// What it is called there.
    pub name: wool_slice_t,
    /// The value, WOOL_CODEC_MSGPACK.
    pub value: wool_payload_t,
}
