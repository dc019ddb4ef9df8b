//! How large and how deep a value may be.

/// How large and how deep a value may be, for [`encode`](crate::encode()) and
/// [`decode`](crate::decode()) alike.
///
/// The same limits on both sides mean that what one may send the other can read. Memory follows
/// from `bytes`: a decoded value takes at most a fixed multiple of its encoding (one [`Value`]
/// per byte, at the very worst).
///
/// [`Value`]: crate::Value
///
/// ```
/// use wool_values::{ErrorKind, Limits, Value, encode};
///
/// let limits = Limits::default().with_bytes(8);
/// let error = encode(&Value::from("too long for that"), &limits).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TooLarge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    depth: usize,
    bytes: usize,
}

impl Limits {
    /// Containers that may enclose one another unless said otherwise.
    pub const DEFAULT_DEPTH: usize = 128;
    /// The deepest that can be asked for. Decoding recurses, and a thread's stack is finite.
    pub const MAX_DEPTH: usize = 256;
    /// The largest encoding, in bytes, unless said otherwise: 64 MiB.
    pub const DEFAULT_BYTES: usize = 64 << 20;

    /// Sets how many containers (list, tuple, map, set, named) may enclose one another. A scalar
    /// needs 0, a list of scalars 1. More than [`Limits::MAX_DEPTH`] counts as that.
    #[must_use]
    pub const fn with_depth(mut self, depth: usize) -> Self {
        self.depth = if depth > Self::MAX_DEPTH {
            Self::MAX_DEPTH
        } else {
            depth
        };
        self
    }

    /// Sets how many bytes the whole encoding may take.
    #[must_use]
    pub const fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many containers may enclose one another.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// How many bytes the whole encoding may take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: Self::DEFAULT_DEPTH,
            bytes: Self::DEFAULT_BYTES,
        }
    }
}
