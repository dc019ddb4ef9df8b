//! Panic messages go to the host's log, never to its stderr.

use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, Once, Weak};

use wool_core::Level;

use crate::callback::Gate;
use crate::guard::panic_text;
use crate::runtime::Log;

static LOGS: Mutex<Vec<Weak<Gate<Log>>>> = Mutex::new(Vec::new());

/// Sends what panics say to this log, too. The hook is the library's own: a shared library has its own copy of
/// Rust's standard library, so no other Rust code in the process is touched.
pub(crate) fn forward_to(log: &Arc<Gate<Log>>) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| std::panic::set_hook(Box::new(report)));
    if let Ok(mut logs) = LOGS.lock() {
        logs.retain(|log| log.strong_count() > 0);
        logs.push(Arc::downgrade(log));
    }
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(|place| format!(" at {}:{}", place.file(), place.line()));
    let message = format!(
        "panicked{}: {}",
        place.unwrap_or_default(),
        panic_text(panic.payload())
    );
    // A panic while the list is held must not wait for itself.
    let Ok(logs) = LOGS.try_lock() else { return };
    let logs: Vec<_> = logs.iter().filter_map(Weak::upgrade).collect();
    for log in logs {
        log.call(|log| log.say(Level::Error, "panic", &message));
    }
}
