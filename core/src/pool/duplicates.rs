//! Members that turn out to be the same worker: one has the session, the others wait for their turn.

use std::collections::HashMap;
use std::sync::Arc;

use super::member::{Link, Member};
use super::{PoolShared, lock};

/// The workers that a member has a session to, by uid.
#[derive(Default)]
pub(super) struct Uids {
    held: HashMap<String, Held>,
}

struct Held {
    by: Arc<Member>,
    /// Those that would reach it, too.
    duplicates: Vec<Arc<Member>>,
}

impl PoolShared {
    /// A worker said in its hello who it is. False: another member has a session to it, and this one is marked as its
    /// duplicate, to be told when that ends.
    pub(super) fn take_uid(&self, uid: &str, member: &Arc<Member>) -> bool {
        let mut uids = lock(&self.uids);
        let Some(held) = uids.held.get_mut(uid) else {
            let held = Held {
                by: Arc::clone(member),
                duplicates: Vec::new(),
            };
            uids.held.insert(uid.to_owned(), held);
            return true;
        };
        if held.by.id == member.id {
            return true;
        }
        held.duplicates.retain(|other| other.id != member.id);
        held.duplicates.push(Arc::clone(member));
        member.set(Link::Duplicate {
            uid: uid.to_owned(),
            problem: format!(
                "it is worker {uid}, which the pool has already as {}",
                held.by.name()
            ),
        });
        false
    }

    /// The member's session ends, or the member leaves: its duplicates try again. To be called before it is seen to be down,
    /// so that calls wait for them.
    pub(super) fn give_up_uid(&self, member: &Member) {
        let mut uids = lock(&self.uids);
        let given_up = uids.held.extract_if(|_, held| held.by.id == member.id);
        let duplicates: Vec<_> = given_up.flat_map(|(_, held)| held.duplicates).collect();
        for held in uids.held.values_mut() {
            held.duplicates.retain(|other| other.id != member.id);
        }
        // Under the lock: one of them may take it this moment.
        for duplicate in duplicates {
            if duplicate.is_duplicate() {
                duplicate.set(Link::Connecting);
            }
            duplicate.try_again();
        }
    }
}
