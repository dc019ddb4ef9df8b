use super::wool_slice_t;
use safer_ffi::derive_ReprC;

/// What a value is.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_value_kind_t {
    /// Nothing.
    WOOL_VALUE_NULL = 1,
    /// `boolean`, 0 or 1.
    WOOL_VALUE_BOOL = 2,
    /// `integer`.
    WOOL_VALUE_INT = 3,
    /// `unsigned_integer`, above INT64_MAX.
    WOOL_VALUE_UINT = 4,
    /// `number`.
    WOOL_VALUE_FLOAT = 5,
    /// `bytes`, UTF-8.
    WOOL_VALUE_STRING = 6,
    /// `bytes`.
    WOOL_VALUE_BYTES = 7,
    /// `count` elements follow.
    WOOL_VALUE_LIST = 8,
    /// `count` pairs of key and value follow.
    WOOL_VALUE_MAP = 9,
    /// `count` elements follow.
    WOOL_VALUE_TUPLE = 10,
    /// `count` distinct elements follow.
    WOOL_VALUE_SET = 11,
    /// `integer` seconds since 1970-01-01T00:00Z, and `nanos`.
    WOOL_VALUE_TIMESTAMP = 12,
    /// `integer` days since 1970-01-01.
    WOOL_VALUE_DATE = 13,
    /// `integer` nanoseconds since midnight.
    WOOL_VALUE_TIME = 14,
    /// `integer` seconds, and `nanos`, which always add: -0.5 s is -1 s and 500,000,000 ns.
    WOOL_VALUE_DURATION = 15,
    /// `bytes`: its canonical text, e.g. "12.50".
    WOOL_VALUE_DECIMAL = 16,
    /// `bytes`: 16 of them.
    WOOL_VALUE_UUID = 17,
    /// `integer` is the sign, -1 or 1; `bytes` the magnitude, big-endian. Beyond 64 bits.
    WOOL_VALUE_BIGINT = 18,
    /// `bytes`: the type's name; one value follows.
    WOOL_VALUE_NAMED = 19,
}

/// One value, or the head of a container whose contents follow. Which fields count is said at the kinds.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_value_t {
    /// A wool_value_kind_t.
    pub kind: i32,
    /// BOOL
    pub boolean: i32,
    /// INT, TIMESTAMP, DATE, TIME, DURATION, BIGINT
    pub integer: i64,
    /// UINT
    pub unsigned_integer: u64,
    /// FLOAT
    pub number: f64,
    /// STRING, BYTES, DECIMAL, UUID, BIGINT, NAMED. Valid until the reader is freed.
    pub bytes: wool_slice_t,
    /// LIST, MAP, TUPLE, SET
    pub count: usize,
    /// TIMESTAMP, DURATION
    pub nanos: u32,
}
