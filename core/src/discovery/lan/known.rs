//! What is known under a service type, and who is told of it. A plain state machine: no network, no clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::sighting::Reading;
use crate::discovery::listener::Listener;
use crate::discovery::{DiscoveryEvent, Found, TurnedAway, TurnedAwayReason};
use crate::error::{Error, ErrorKind};

/// As many workers are known at once. Whoever is known stays; those that come when all places are taken are left alone.
pub(super) const MOST: usize = 4096;

#[derive(Default)]
pub(super) struct Known {
    entries: BTreeMap<String, Entry>,
    audience: Vec<Member>,
    /// Sightings that were left alone since all places were taken.
    left_alone: u64,
    /// Whether the network cannot be listened to.
    failing: bool,
    /// Before it, there is nothing for [`Known::expire`] to do.
    deadline: Option<Instant>,
}

struct Entry {
    /// Its name on the network, as it is written there.
    fullname: String,
    reading: Reading,
    /// Nobody is told before.
    silent_until: Option<Instant>,
    /// It goes then, unless it is seen again.
    doubted_until: Option<Instant>,
}

struct Member {
    listener: Arc<Listener>,
    namespace: Option<String>,
    /// Whether it was told that the first look around is over.
    scanned: bool,
}

impl Known {
    /// Adds a listener, and tells it all that is known.
    pub(super) fn add(&mut self, listener: Arc<Listener>, namespace: Option<String>) {
        for entry in self.entries.values() {
            if entry.silent_until.is_none() {
                listener.tell(event(&entry.reading, namespace.as_deref()));
            }
        }
        self.audience.push(Member {
            listener,
            namespace,
            scanned: false,
        });
    }

    /// Leaves out who has ended. False when nobody is left.
    pub(super) fn has_audience(&mut self) -> bool {
        self.audience.retain(|member| !member.listener.has_ended());
        !self.audience.is_empty()
    }

    /// Something is there: new, changed, or as it was. With `silent_until`, what is new is told only then, and what was
    /// known stays as it was.
    pub(super) fn seen(
        &mut self,
        key: String,
        fullname: &str,
        reading: Reading,
        silent_until: Option<Instant>,
    ) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.doubted_until = None;
            let is_told = entry.silent_until.is_none();
            if silent_until.is_some() || (is_told && entry.reading == reading) {
                return;
            }
            entry.silent_until = None;
            fullname.clone_into(&mut entry.fullname);
            entry.reading = reading;
            tell(&self.audience, &entry.reading);
            return;
        }
        if self.entries.len() >= MOST {
            self.left_alone += 1;
            if self.left_alone == 1 {
                self.tell_full();
            }
            return;
        }
        if silent_until.is_none() {
            tell(&self.audience, &reading);
        }
        self.remind(silent_until);
        let entry = Entry {
            fullname: fullname.to_owned(),
            reading,
            silent_until,
            doubted_until: None,
        };
        self.entries.insert(key, entry);
    }

    /// It is not there any more. False if it was not known.
    pub(super) fn gone(&mut self, key: &str) -> bool {
        let Some(entry) = self.entries.remove(key) else {
            return false;
        };
        if entry.silent_until.is_none() {
            for member in &self.audience {
                member.listener.tell(DiscoveryEvent::Gone {
                    key: key.to_owned(),
                });
            }
        }
        true
    }

    /// Its name on the network.
    pub(super) fn fullname(&self, key: &str) -> Option<&str> {
        Some(&self.entries.get(key)?.fullname)
    }

    /// Whether there was no place for some, and now there is: they have to be looked for.
    pub(super) fn has_place_again(&mut self) -> bool {
        // Not for each place that one by one falls free.
        if self.left_alone == 0 || self.entries.len() > MOST / 4 * 3 {
            return false;
        }
        self.left_alone = 0;
        for member in &self.audience {
            if member.scanned {
                member.listener.tell(DiscoveryEvent::Scanned);
            }
        }
        true
    }

    /// What is known must be seen again until then.
    pub(super) fn doubt_all(&mut self, until: Instant) {
        for entry in self.entries.values_mut() {
            entry.doubted_until.get_or_insert(until);
        }
        self.remind(Some(until));
    }

    /// When [`Known::expire`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.deadline
    }

    /// Tells what was kept silent for long enough, and takes away what was not seen again.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        let is_over = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        let gone: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_over(entry.doubted_until))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.gone(&key);
        }
        let mut next: Option<Instant> = None;
        for entry in self.entries.values_mut() {
            if is_over(entry.silent_until) {
                entry.silent_until = None;
                tell(&self.audience, &entry.reading);
            }
            let times = [entry.silent_until, entry.doubted_until, next];
            next = times.into_iter().flatten().min();
        }
        self.deadline = next;
    }

    /// The first look around is over.
    pub(super) fn scanned(&mut self) {
        let waiting = self.audience.iter_mut().filter(|member| !member.scanned);
        let mut told = false;
        for member in waiting {
            member.scanned = true;
            member.listener.tell(DiscoveryEvent::Scanned);
            told = true;
        }
        if told && self.left_alone > 0 {
            self.tell_full();
        }
    }

    pub(super) fn is_scanned_for_all(&self) -> bool {
        self.audience.iter().all(|member| member.scanned)
    }

    /// The network cannot be listened to at present.
    pub(super) fn failed(&mut self, error: &Error) {
        self.failing = true;
        self.tell_failure(error);
    }

    /// After it had failed, or not.
    pub(super) fn works_again(&mut self) {
        if !std::mem::take(&mut self.failing) {
            return;
        }
        for member in self.audience.iter().filter(|member| member.scanned) {
            member.listener.tell(DiscoveryEvent::Scanned);
        }
    }

    fn tell_failure(&self, error: &Error) {
        for member in &self.audience {
            member.listener.tell(DiscoveryEvent::Failed(error.clone()));
        }
    }

    fn tell_full(&self) {
        self.tell_failure(&Error::new(
            ErrorKind::Discovery,
            format!(
                "{MOST} workers are announced on the network, and no more are looked at: use namespaces; if they are not \
                 yours, somebody floods the network"
            ),
        ));
    }

    fn remind(&mut self, time: Option<Instant>) {
        self.deadline = [self.deadline, time].into_iter().flatten().min();
    }
}

fn tell(audience: &[Member], reading: &Reading) {
    for member in audience {
        member
            .listener
            .tell(event(reading, member.namespace.as_deref()));
    }
}

/// What a reading is to whoever looks in this namespace.
fn event(reading: &Reading, wanted: Option<&str>) -> DiscoveryEvent {
    match reading {
        Reading::TurnedAway(turned_away) => DiscoveryEvent::TurnedAway(turned_away.clone()),
        Reading::Record { record, namespace } if namespace.as_deref() == wanted => {
            DiscoveryEvent::Found(Box::new(Found {
                record: (**record).clone(),
                trusted: false,
            }))
        }
        Reading::Record { record, namespace } => DiscoveryEvent::TurnedAway(TurnedAway {
            key: record.uid.clone(),
            reason: TurnedAwayReason::Namespace,
            message: format!(
                "it is of {}, and is looked for in {}, which has the same short name on the network",
                quoted(namespace.as_deref()),
                quoted(wanted)
            ),
        }),
    }
}

fn quoted(namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || "no namespace".to_owned(),
        |name| format!("namespace \"{name}\""),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::wire::WorkerRecord;

    /// Keeps what a listener is told, in words.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Heard {
        fn listener(&self) -> Arc<Listener> {
            let heard = Arc::clone(&self.0);
            Arc::new(Listener::new(Arc::new(move |event| {
                heard.lock().unwrap().push(match event {
                    DiscoveryEvent::Found(found) => {
                        assert!(!found.trusted);
                        format!("found {} {}", found.record.uid, found.record.pid)
                    }
                    DiscoveryEvent::TurnedAway(away) => {
                        format!("away {} {}", away.key, away.reason)
                    }
                    DiscoveryEvent::Gone { key } => format!("gone {key}"),
                    DiscoveryEvent::Scanned => "scanned".to_owned(),
                    DiscoveryEvent::Failed(_) => "failed".to_owned(),
                });
            })))
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn record(uid: &str, pid: u32) -> Reading {
        Reading::Record {
            record: Box::new(WorkerRecord {
                uid: uid.to_owned(),
                pid,
                ..WorkerRecord::default()
            }),
            namespace: None,
        }
    }

    fn known() -> (Known, Heard) {
        let mut known = Known::default();
        let heard = Heard::default();
        known.add(heard.listener(), None);
        (known, heard)
    }

    fn see(known: &mut Known, uid: &str, pid: u32) {
        known.seen(uid.to_owned(), uid, record(uid, pid), None);
    }

    #[test]
    fn what_is_new_changes_and_goes_is_told_once() {
        let (mut known, heard) = known();
        see(&mut known, "a", 1);
        see(&mut known, "a", 1);
        assert_eq!(heard.take(), ["found a 1"]);
        see(&mut known, "a", 2);
        assert_eq!(heard.take(), ["found a 2"]);
        assert!(known.gone("a"));
        assert!(!known.gone("a"));
        assert_eq!(heard.take(), ["gone a"]);
    }

    #[test]
    fn who_comes_later_is_told_what_is_known() {
        let (mut known, first) = known();
        see(&mut known, "a", 1);
        known.scanned();
        let second = Heard::default();
        known.add(second.listener(), None);
        assert!(!known.is_scanned_for_all());
        known.scanned();
        assert!(known.is_scanned_for_all());
        assert_eq!(first.take(), ["found a 1", "scanned"]);
        assert_eq!(second.take(), ["found a 1", "scanned"]);
    }

    #[test]
    fn namespaces_with_the_same_short_name_are_kept_apart() {
        let mut known = Known::default();
        let [none, farm, other] = [None, Some("farm"), Some("other")].map(|namespace| {
            let heard = Heard::default();
            known.add(heard.listener(), namespace.map(str::to_owned));
            heard
        });
        let Reading::Record { record, .. } = record("a", 1) else {
            panic!("a record");
        };
        let namespace = Some("farm".to_owned());
        let reading = Reading::Record { record, namespace };
        known.seen("a".to_owned(), "a", reading, None);
        assert_eq!(none.take(), ["away a namespace"]);
        assert_eq!(farm.take(), ["found a 1"]);
        assert_eq!(other.take(), ["away a namespace"]);
    }

    #[test]
    fn what_is_incomplete_is_told_when_nothing_better_came() {
        let (mut known, heard) = known();
        let now = Instant::now();
        let soon = now + Duration::from_secs(3);
        for uid in ["a", "b", "c"] {
            known.seen(uid.to_owned(), uid, record(uid, 0), Some(soon));
        }
        see(&mut known, "b", 1);
        // One that was whole before stays so.
        known.seen("b".to_owned(), "b", record("b", 0), Some(soon));
        assert!(known.gone("c"));
        known.expire(now);
        assert_eq!(heard.take(), ["found b 1"]);
        assert_eq!(known.due(), Some(soon));
        known.expire(soon);
        assert_eq!(heard.take(), ["found a 0"]);
        assert_eq!(known.due(), None);
    }

    #[test]
    fn what_is_doubted_goes_unless_it_is_seen() {
        let (mut known, heard) = known();
        let now = Instant::now();
        let until = now + Duration::from_secs(30);
        see(&mut known, "a", 1);
        see(&mut known, "b", 1);
        known.doubt_all(until);
        see(&mut known, "a", 1);
        known.expire(until - Duration::from_millis(1));
        assert_eq!(heard.take(), ["found a 1", "found b 1"]);
        known.expire(until);
        assert_eq!(heard.take(), ["gone b"]);
    }

    #[test]
    fn a_flood_takes_no_place_of_those_that_are_known() {
        let (mut known, heard) = known();
        see(&mut known, "real", 1);
        known.scanned();
        for number in 0..10_000 {
            see(&mut known, &format!("forged-{number}"), 1);
        }
        assert_eq!(known.entries.len(), MOST);
        let told = heard.take();
        assert_eq!(told.len(), MOST + 2);
        assert_eq!(told.last().map(String::as_str), Some("failed"));
        see(&mut known, "real", 2);
        assert_eq!(heard.take(), ["found real 2"]);
        assert!(!known.has_place_again());
        for number in 0..2_000 {
            known.gone(&format!("forged-{number}"));
        }
        heard.take();
        assert!(known.has_place_again());
        assert!(!known.has_place_again());
        assert_eq!(heard.take(), ["scanned"]);
        see(&mut known, "late", 1);
        assert_eq!(heard.take(), ["found late 1"]);
    }

    #[test]
    fn a_failure_is_told_and_so_is_its_end() {
        let (mut known, heard) = known();
        known.works_again();
        known.scanned();
        known.failed(&Error::new(ErrorKind::Discovery, "no network"));
        known.works_again();
        known.works_again();
        assert_eq!(heard.take(), ["scanned", "failed", "scanned"]);
    }

    #[test]
    fn who_has_ended_is_left_out() {
        let mut known = Known::default();
        let heard = Heard::default();
        let listener = heard.listener();
        known.add(Arc::clone(&listener), None);
        assert!(known.has_audience());
        listener.end();
        assert!(!known.has_audience());
        see(&mut known, "a", 1);
        assert_eq!(heard.take(), [""; 0]);
    }
}
