//! The routines of a runtime, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};
use crate::routine::Routine;
use crate::wire;

/// Longest name of a routine, bytes.
const LONGEST_NAME: usize = 512;

pub(crate) struct Registry {
    routines: RwLock<BTreeMap<Arc<str>, Arc<Routine>>>,
    /// Counts changes; workers tell their callers of each.
    changes: watch::Sender<u64>,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        Registry {
            routines: RwLock::default(),
            changes: watch::Sender::new(0),
        }
    }

    pub(crate) fn check_name(name: &str) -> Result<()> {
        let problem = if name.is_empty() {
            "is empty"
        } else if name.len() > LONGEST_NAME {
            "has more than 512 bytes"
        } else if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            "holds white space or control characters"
        } else {
            return Ok(());
        };
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "the routine name \"{shown}\" {problem}: use a dotted name such as \"calc.add\""
            ),
        ))
    }

    pub(crate) fn register(&self, routine: Routine) -> Result<()> {
        let mut routines = self
            .routines
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if routines.contains_key(&routine.name) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("a routine named \"{}\" is registered already", routine.name),
            ));
        }
        routines.insert(Arc::clone(&routine.name), Arc::new(routine));
        drop(routines);
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Routine>> {
        let routines = self.routines.read().unwrap_or_else(PoisonError::into_inner);
        routines.get(name).map(Arc::clone)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn describe(&self) -> Vec<wire::Routine> {
        let routines = self.routines.read().unwrap_or_else(PoisonError::into_inner);
        routines
            .values()
            .map(|routine| wire::Routine {
                name: routine.name.as_ref().to_owned(),
                kind: routine.kind.to_wire(),
                parameters: routine.parameters.to_vec(),
                doc: routine.doc.clone(),
            })
            .collect()
    }

    /// Drops all routines, and with them what the host gave for them.
    pub(crate) fn clear(&self) {
        let routines = std::mem::take(
            &mut *self
                .routines
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        drop(routines);
    }
}
