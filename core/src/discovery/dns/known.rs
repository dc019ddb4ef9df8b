//! What is known of a name, and what is told of it. A plain state machine: it is told what each look has found, and answers
//! what is to be told and when to look again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::look::{Looked, Place};
use crate::discovery::{DiscoveryEvent, Found, TurnedAway, TurnedAwayReason, WorkerRecord};
use crate::error::{Error, ErrorKind, Result};

/// Between two looks.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// Between two looks at a name that has nothing: somebody may wait for it.
const LONGEST_OF_NOTHING: Duration = Duration::from_secs(30);
/// Where nobody says how long an answer is good.
const AGE: Duration = Duration::from_secs(5);
/// After the second failed look and those that follow, it doubles up to this.
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(30);

pub(super) struct Known {
    name: String,
    /// The addresses of each place, in the order in which they were found: the first one is what pools know the worker by.
    places: BTreeMap<String, Vec<SocketAddr>>,
    /// The workers that were told, by their keys.
    workers: BTreeMap<String, WorkerRecord>,
    /// What was told to be without a worker, and why.
    without: BTreeMap<String, String>,
    scanned: bool,
    /// Looks with a problem, one after the other.
    failures: u32,
}

impl Known {
    pub(super) fn new(name: String) -> Known {
        Known {
            name,
            places: BTreeMap::new(),
            workers: BTreeMap::new(),
            without: BTreeMap::new(),
            scanned: false,
            failures: 0,
        }
    }

    /// What a look has found, or that no server has answered. New workers are told before the old ones go.
    pub(super) fn hear(&mut self, looked: Result<Looked>) -> (Vec<DiscoveryEvent>, Duration) {
        let looked = match looked {
            Ok(looked) => looked,
            Err(error) => {
                let events = self.fail(error).into_iter().collect();
                return (events, self.pause_after_failure());
            }
        };
        let without = self.without(&looked);
        self.update(looked.places, |address| looked.untold.may_have(address));
        let mut events = self.tell_workers();
        events.extend(self.tell_without(without));
        let age = looked
            .age
            .map_or(AGE, |age| Duration::from_secs(age.into()));
        let longest = if self.workers.is_empty() {
            LONGEST_OF_NOTHING
        } else {
            LONGEST
        };
        let mut pause = age.clamp(SHORTEST, longest);
        let recovered = looked.problem.is_none() && self.failures > 0;
        if !std::mem::replace(&mut self.scanned, true) || recovered {
            events.push(DiscoveryEvent::Scanned);
        }
        match looked.problem {
            Some(problem) => {
                events.extend(self.fail(Error::new(ErrorKind::Discovery, problem)));
                pause = pause.min(self.pause_after_failure());
            }
            None => self.failures = 0,
        }
        (events, pause)
    }

    /// A failure is told when it begins.
    fn fail(&mut self, error: Error) -> Option<DiscoveryEvent> {
        self.failures = self.failures.saturating_add(1);
        (self.failures == 1).then_some(DiscoveryEvent::Failed(error))
    }

    fn pause_after_failure(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.saturating_sub(1));
        SHORTEST.saturating_mul(doubled).min(LONGEST_AFTER_FAILURE)
    }

    /// What is there without a worker, and why.
    fn without(&self, looked: &Looked) -> BTreeMap<String, String> {
        let mut without: BTreeMap<String, String> = looked
            .places
            .iter()
            .filter(|place| place.addresses.is_empty() && place.untold == Default::default())
            .map(|place| {
                let why = "the target of the SRV record has no address in DNS".to_owned();
                (place.name.clone(), why)
            })
            .collect();
        if looked.places.is_empty() && looked.untold == Default::default() {
            let why = if looked.exists {
                "the name has no such records in DNS"
            } else {
                "there is no such name in DNS"
            };
            without.insert(self.name.clone(), why.to_owned());
        }
        without
    }

    /// Takes the places of a look. Addresses that are known stay in their order, so that a worker has the same key as long
    /// as it can.
    fn update(&mut self, places: Vec<Place>, untold: impl Fn(&SocketAddr) -> bool) {
        let mut before = std::mem::take(&mut self.places);
        for place in places {
            let mut addresses = before.remove(&place.name).unwrap_or_default();
            addresses
                .retain(|known| place.addresses.contains(known) || place.untold.may_have(known));
            let mut new = place.addresses;
            new.retain(|address| !addresses.contains(address));
            new.sort_unstable();
            addresses.extend(new);
            self.places.insert(place.name, addresses);
        }
        for (name, mut addresses) in before {
            addresses.retain(&untold);
            if !addresses.is_empty() {
                self.places.insert(name, addresses);
            }
        }
    }

    fn tell_workers(&mut self) -> Vec<DiscoveryEvent> {
        let mut workers = BTreeMap::new();
        for (place, addresses) in &self.places {
            let record = WorkerRecord {
                addresses: addresses.iter().map(SocketAddr::to_string).collect(),
                identity: self.identity(place),
                ..WorkerRecord::default()
            };
            // Two places may lead to the same worker.
            if let Some(key) = record.addresses.first() {
                workers.entry(key.clone()).or_insert(record);
            }
        }
        let before = std::mem::replace(&mut self.workers, workers);
        let mut events = Vec::new();
        for (key, record) in &self.workers {
            if before.get(key) != Some(record) {
                events.push(DiscoveryEvent::Found(Box::new(Found {
                    record: record.to_wire(),
                    trusted: true,
                })));
            }
        }
        let gone = before.into_keys();
        let gone = gone.filter(|key| !self.workers.contains_key(key));
        events.extend(gone.map(|key| DiscoveryEvent::Gone { key }));
        events
    }

    /// The host that was looked up, or the target of the SRV record: names are in certificates where addresses come and go.
    /// It is believed where the pool's `peers` say so, as any other.
    fn identity(&self, place: &str) -> String {
        let text = if self.name.contains(':') {
            &self.name
        } else {
            place
        };
        let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
        host.trim_end_matches('.').to_owned()
    }

    fn tell_without(&mut self, without: BTreeMap<String, String>) -> Vec<DiscoveryEvent> {
        let before = std::mem::replace(&mut self.without, without);
        let mut events = Vec::new();
        for (key, why) in &self.without {
            if before.get(key) != Some(why) {
                events.push(DiscoveryEvent::TurnedAway(TurnedAway {
                    key: key.clone(),
                    reason: TurnedAwayReason::NoAddress,
                    message: why.clone(),
                }));
            }
        }
        let still: BTreeSet<&String> = self.without.keys().collect();
        let gone = before.into_keys().filter(|key| !still.contains(key));
        events.extend(gone.map(|key| DiscoveryEvent::Gone { key }));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::Untold;
    use super::*;

    /// What is told, in short: `+address,address`, `!key: why`, `-key`, `scanned`, `failed: message`.
    fn told(events: Vec<DiscoveryEvent>) -> Vec<String> {
        let each = events.into_iter().map(|event| match event {
            DiscoveryEvent::Found(found) => {
                assert!(found.trusted);
                format!("+{}", found.record.addresses.join(","))
            }
            DiscoveryEvent::TurnedAway(turned_away) => {
                format!("!{}: {}", turned_away.key, turned_away.message)
            }
            DiscoveryEvent::Gone { key } => format!("-{key}"),
            DiscoveryEvent::Scanned => "scanned".to_owned(),
            DiscoveryEvent::Failed(error) => format!("failed: {}", error.message()),
        });
        each.collect()
    }

    fn known() -> Known {
        Known::new("workers:1".to_owned())
    }

    fn place(name: &str, addresses: &[&str]) -> Place {
        Place {
            name: name.to_owned(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            untold: Untold::default(),
        }
    }

    /// Of a host: each address is a place.
    fn host(addresses: &[&str]) -> Looked {
        Looked {
            places: addresses.iter().map(|text| place(text, &[text])).collect(),
            exists: true,
            age: Some(60),
            ..Looked::default()
        }
    }

    fn service(places: Vec<Place>) -> Looked {
        Looked {
            places,
            exists: true,
            age: Some(60),
            ..Looked::default()
        }
    }

    fn failure(message: &str) -> Result<Looked> {
        Err(Error::new(ErrorKind::Discovery, message))
    }

    fn hear(known: &mut Known, looked: Looked) -> Vec<String> {
        told(known.hear(Ok(looked)).0)
    }

    #[test]
    fn workers_are_told_once_and_new_ones_before_the_old_go() {
        let mut known = known();
        let first = hear(&mut known, host(&["192.0.2.2:1", "192.0.2.1:1"]));
        assert_eq!(first, ["+192.0.2.1:1", "+192.0.2.2:1", "scanned"]);
        assert!(hear(&mut known, host(&["192.0.2.1:1", "192.0.2.2:1"])).is_empty());
        let changed = hear(&mut known, host(&["192.0.2.3:1", "192.0.2.1:1"]));
        assert_eq!(changed, ["+192.0.2.3:1", "-192.0.2.2:1"]);
    }

    #[test]
    fn a_worker_is_to_be_the_host_or_the_target_that_was_named() {
        let identities = |name: &str, places: Vec<Place>| -> Vec<String> {
            let mut known = Known::new(name.to_owned());
            let (events, _) = known.hear(Ok(service(places)));
            let identity = |event| match event {
                DiscoveryEvent::Found(found) => Some(found.record.identity),
                _ => None,
            };
            events.into_iter().filter_map(identity).collect()
        };
        let addressed = |name| place(name, &["192.0.2.1:7000"]);
        let of_host = identities("workers.example.:7000", vec![addressed("192.0.2.1:7000")]);
        assert_eq!(of_host, ["workers.example"]);
        let of_service = identities("_wool._tcp.example", vec![addressed("a.example:7000")]);
        assert_eq!(of_service, ["a.example"]);
    }

    #[test]
    fn an_answer_that_there_is_nothing_empties_it_and_is_told() {
        let mut known = known();
        hear(&mut known, host(&["192.0.2.1:1"]));
        let nothing = Looked::default();
        let gone = hear(&mut known, nothing);
        assert_eq!(
            gone,
            ["-192.0.2.1:1", "!workers:1: there is no such name in DNS"]
        );
        let back = hear(&mut known, host(&["192.0.2.1:1"]));
        assert_eq!(back, ["+192.0.2.1:1", "-workers:1"]);
        let empty = hear(&mut known, host(&[]));
        assert_eq!(
            empty,
            [
                "-192.0.2.1:1",
                "!workers:1: the name has no such records in DNS"
            ]
        );
    }

    #[test]
    fn a_failure_is_told_once_and_loses_nobody() {
        let mut known = known();
        hear(&mut known, host(&["192.0.2.1:1"]));
        let pauses: Vec<u64> = (0..7)
            .map(|round| {
                let (events, pause) = known.hear(failure("cut"));
                let expected: &[&str] = if round == 0 { &["failed: cut"] } else { &[] };
                assert_eq!(told(events), expected);
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(hear(&mut known, host(&["192.0.2.1:1"])), ["scanned"]);
        let (events, pause) = known.hear(failure("cut again"));
        assert_eq!(
            (told(events), pause),
            (vec!["failed: cut again".to_owned()], SHORTEST)
        );
    }

    #[test]
    fn a_first_look_that_fails_is_not_over() {
        let mut known = known();
        assert_eq!(told(known.hear(failure("cut")).0), ["failed: cut"]);
        assert_eq!(
            hear(&mut known, host(&["192.0.2.1:1"])),
            ["+192.0.2.1:1", "scanned"]
        );
    }

    #[test]
    fn the_next_look_comes_when_answers_have_aged_within_bounds() {
        let pause = |looked: Looked| known().hear(Ok(looked)).1.as_secs();
        let aged = |age, addresses: &[&str]| Looked {
            age,
            ..host(addresses)
        };
        let one = ["192.0.2.1:1"];
        assert_eq!(pause(aged(Some(0), &one)), 1);
        assert_eq!(pause(aged(Some(17), &one)), 17);
        assert_eq!(pause(aged(Some(86_400), &one)), 300);
        assert_eq!(pause(aged(None, &one)), 5);
        assert_eq!(pause(aged(Some(86_400), &[])), 30);
        assert_eq!(pause(aged(None, &[])), 5);
    }

    #[test]
    fn a_target_is_one_worker_whose_key_stays_while_its_first_address_does() {
        let mut known = known();
        let told = |known: &mut Known, addresses: &[&str]| {
            hear(known, service(vec![place("a:1", addresses)]))
        };
        let first = told(&mut known, &["[2001:db8::1]:1", "192.0.2.5:1"]);
        assert_eq!(first, ["+192.0.2.5:1,[2001:db8::1]:1", "scanned"]);
        let more = told(
            &mut known,
            &["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.5:1"],
        );
        assert_eq!(more, ["+192.0.2.5:1,[2001:db8::1]:1,192.0.2.1:1"]);
        let renumbered = told(&mut known, &["192.0.2.1:1"]);
        assert_eq!(renumbered, ["+192.0.2.1:1", "-192.0.2.5:1"]);
    }

    #[test]
    fn a_target_that_cannot_be_looked_up_stays_and_is_told() {
        let mut known = known();
        let both = vec![
            place("a:1", &["192.0.2.1:1"]),
            place("b:1", &["192.0.2.2:1"]),
        ];
        hear(&mut known, service(both));
        let half = || Looked {
            problem: Some("b is not answered".to_owned()),
            places: vec![
                place("a:1", &["192.0.2.1:1"]),
                Place {
                    untold: Untold::ALL,
                    ..place("b:1", &[])
                },
            ],
            ..service(Vec::new())
        };
        let (events, pause) = known.hear(Ok(half()));
        assert_eq!(told(events), ["failed: b is not answered"]);
        assert_eq!(pause, SHORTEST);
        assert!(hear(&mut known, half()).is_empty());
        let without = hear(
            &mut known,
            service(vec![place("a:1", &["192.0.2.1:1"]), place("b:1", &[])]),
        );
        let why = "!b:1: the target of the SRV record has no address in DNS";
        assert_eq!(without, ["-192.0.2.2:1", why, "scanned"]);
        let gone = hear(&mut known, service(vec![place("a:1", &["192.0.2.1:1"])]));
        assert_eq!(gone, ["-b:1"]);
    }

    #[test]
    fn what_one_family_is_not_told_of_stays() {
        let mut known = known();
        hear(
            &mut known,
            host(&["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"]),
        );
        let half = Looked {
            untold: Untold {
                four: false,
                six: true,
            },
            ..host(&["192.0.2.1:1"])
        };
        assert_eq!(hear(&mut known, half), ["-192.0.2.2:1"]);
        assert_eq!(
            hear(&mut known, host(&["192.0.2.1:1"])),
            ["-[2001:db8::1]:1"]
        );
    }

    #[test]
    fn two_targets_at_one_address_are_one_worker() {
        let mut known = known();
        let both = || {
            vec![
                place("a:1", &["192.0.2.1:1"]),
                place("b:1", &["192.0.2.1:1"]),
            ]
        };
        assert_eq!(
            hear(&mut known, service(both())),
            ["+192.0.2.1:1", "scanned"]
        );
        assert!(hear(&mut known, service(vec![place("b:1", &["192.0.2.1:1"])])).is_empty());
    }
}
