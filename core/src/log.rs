//! Where the library's own messages go: to the host, never to its stdout or stderr.

use std::sync::Arc;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken.
    Error = 1,
    /// Something is odd and was worked around.
    Warn = 2,
    /// Life of workers, pools, connections.
    Info = 3,
    /// Everything else.
    Debug = 4,
}

/// Receives level, target (the part of the library that speaks) and message. It is called on any of
/// wool's threads; it must not block and must not call back into the runtime.
pub type LogSink = Arc<dyn Fn(Level, &str, &str) + Send + Sync>;

/// A sink with the most detailed level that it wants.
#[derive(Clone)]
pub(crate) struct Logger {
    sink: Option<LogSink>,
    most_detailed: Level,
}

impl Logger {
    pub(crate) fn new(sink: Option<LogSink>, most_detailed: Level) -> Logger {
        Logger {
            sink,
            most_detailed,
        }
    }

    /// The message is built only if somebody listens.
    pub(crate) fn log(&self, level: Level, target: &str, message: impl FnOnce() -> String) {
        if let Some(sink) = &self.sink
            && level <= self.most_detailed
        {
            sink(level, target, &message());
        }
    }
}
