//! What a worker lets its peers do, by the names that their certificates hold.

use super::WorkerShared;

impl WorkerShared {
    /// Whether a caller with these names is let in.
    pub(crate) fn lets_in(&self, names: &[String]) -> bool {
        let callers = self.options.callers.as_ref();
        callers.is_none_or(|callers| callers.accept(names))
    }

    /// Whether a caller with these names may call a routine.
    pub(crate) fn may_call(&self, names: &[String], routine: &str) -> bool {
        let is_for = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => routine.starts_with(prefix),
            None => routine == pattern,
        };
        let mut rules = self.options.routine_callers.iter();
        rules
            .find(|(pattern, _)| is_for(pattern))
            .is_none_or(|(_, callers)| callers.accept(names))
    }

    /// Whether somebody with these names may stop the worker. `None`: no certificate was asked for.
    pub(crate) fn may_stop(&self, names: Option<&[String]>) -> bool {
        let stoppers = self.options.stoppers.as_ref();
        // Who presents nothing is nobody, whatever the patterns.
        let names = names.filter(|names| !names.is_empty());
        stoppers
            .zip(names)
            .is_some_and(|(stoppers, names)| stoppers.accept(names))
    }
}
