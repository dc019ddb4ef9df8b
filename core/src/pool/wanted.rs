//! Calls that are for one worker only.

use std::sync::{Arc, PoisonError};

use super::PoolShared;
use super::member::{Link, Member};
use crate::error::{Error, ErrorKind};
use crate::session::Dispatch;

/// How a member stands to the worker that a call is for.
pub(super) enum Stand {
    /// It is that worker, and takes calls.
    There,
    /// It may be that worker, or become it again, once it is connected.
    MayCome,
    /// It is another, or takes no calls any more.
    Other,
}

impl Member {
    /// A worker at a fixed address has not said who it is before it is connected, and after a break another may be there.
    pub(super) fn stand(&self, link: &Link, uid: &str) -> Stand {
        let known = self.uid.as_str();
        if !known.is_empty() && known != uid {
            return Stand::Other;
        }
        match link {
            Link::Up { state, .. } if state.is_worker(uid) && !state.draining() => Stand::There,
            Link::Down {
                last: Some(state), ..
            } if state.is_worker(uid) && state.draining() => Stand::Other,
            // Whoever has the session is that worker; without one, this becomes it.
            Link::Up { .. } | Link::Duplicate { .. } => Stand::Other,
            Link::Connecting | Link::Down { .. } => Stand::MayCome,
        }
    }

    fn takes_calls(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*link, Link::Up { state, .. } if !state.draining())
    }

    fn is_worker(&self, uid: &str) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        self.uid == uid
            || match &*link {
                Link::Up { state, .. } => state.is_worker(uid),
                Link::Down { last, .. } => last.as_ref().is_some_and(|state| state.is_worker(uid)),
                Link::Duplicate { uid: other, .. } => other == uid,
                Link::Connecting => false,
            }
    }
}

impl PoolShared {
    /// There is no worker to broadcast to.
    pub(super) fn nobody_serves(&self, routine: &str, members: &[Arc<Member>]) -> Error {
        let (kind, message) = if members.iter().any(|member| member.takes_calls()) {
            let kind = ErrorKind::RoutineNotFound;
            let message = format!(
                "no connected worker serves {routine} as a routine that answers once: is it registered there?"
            );
            (kind, message)
        } else {
            let message = format!("{routine} was called nowhere: {}", self.story());
            (ErrorKind::NoWorkersAvailable, message)
        };
        Error::new(kind, message).with_retryable(true)
    }

    /// A call's worker does not belong to the pool, or takes no calls any more.
    pub(super) fn worker_gone(&self, dispatch: &Dispatch, uid: &str) -> Error {
        self.without_worker(dispatch, uid, "")
    }

    /// A call's worker might have come, and has not.
    pub(super) fn worker_late(&self, dispatch: &Dispatch, uid: &str) -> Error {
        self.without_worker(dispatch, uid, " within the dispatch timeout")
    }

    fn without_worker(&self, dispatch: &Dispatch, uid: &str, when: &str) -> Error {
        let members = self.members();
        let why = match members.iter().find(|member| member.is_worker(uid)) {
            Some(member) => member.story(),
            None => format!(
                "none of the pool's {} workers is known as it",
                members.len()
            ),
        };
        let message = format!(
            "{} is for worker {uid} only, which does not take it{when}: {why}; \
             call a worker that the pool's status names, or let the pool choose",
            dispatch.routine
        );
        Error::new(ErrorKind::NoWorkersAvailable, message)
    }
}
