//! What several sources say, as one. A plain state machine: it is told what each says, and answers what is to be told.

use std::collections::BTreeMap;

use super::by;
use crate::discovery::{DiscoveryEvent, Found, TurnedAway};
use crate::error::Error;

pub(super) struct Merge {
    titles: Vec<String>,
    sources: Vec<Source>,
    /// What each source says of a worker, by the worker's key and the source's place.
    known: BTreeMap<String, BTreeMap<usize, Said>>,
    /// All sources have looked around, and that has been told.
    scanned: bool,
    /// Whose failure was told last, if it has not recovered since.
    failing: Option<usize>,
}

#[derive(Default)]
struct Source {
    scanned: bool,
    failure: Option<Error>,
}

#[derive(Clone)]
enum Said {
    Found(Box<Found>),
    TurnedAway(TurnedAway),
}

impl Merge {
    /// Of so many sources as there are titles.
    pub(super) fn new(titles: Vec<String>) -> Merge {
        Merge {
            sources: titles.iter().map(|_| Source::default()).collect(),
            titles,
            known: BTreeMap::new(),
            scanned: false,
            failing: None,
        }
    }

    pub(super) fn titles(&self) -> &[String] {
        &self.titles
    }

    /// The sources that have said something of the worker.
    pub(super) fn who_knows(&self, key: &str) -> Vec<usize> {
        let said = self.known.get(key);
        said.map_or_else(Vec::new, |said| said.keys().copied().collect())
    }

    pub(super) fn hear(&mut self, source: usize, event: DiscoveryEvent) -> Vec<DiscoveryEvent> {
        match event {
            DiscoveryEvent::Found(found) => {
                let key = found.key().to_owned();
                self.say(source, key, Some(Said::Found(found)))
            }
            DiscoveryEvent::TurnedAway(turned_away) => {
                let key = turned_away.key.clone();
                self.say(source, key, Some(Said::TurnedAway(turned_away)))
            }
            DiscoveryEvent::Gone { key } => self.say(source, key, None),
            DiscoveryEvent::Scanned => self.scanned(source),
            DiscoveryEvent::Failed(error) => {
                self.sources[source].failure = Some(error);
                self.fails(source).into_iter().collect()
            }
        }
    }

    /// Tells of the worker when it is this source that is believed, before or after.
    fn say(&mut self, source: usize, key: String, says: Option<Said>) -> Vec<DiscoveryEvent> {
        let said = self.known.entry(key.clone()).or_default();
        let before = believed(said);
        match says {
            Some(says) => said.insert(source, says),
            None => said.remove(&source),
        };
        let now = believed(said);
        if [before, now]
            .iter()
            .all(|believed| *believed != Some(source))
        {
            if said.is_empty() {
                self.known.remove(&key);
            }
            return Vec::new();
        }
        let event = match now.and_then(|now| said.get(&now)) {
            Some(Said::Found(found)) => DiscoveryEvent::Found(found.clone()),
            Some(Said::TurnedAway(turned_away)) => DiscoveryEvent::TurnedAway(turned_away.clone()),
            None => {
                self.known.remove(&key);
                DiscoveryEvent::Gone { key }
            }
        };
        vec![event]
    }

    fn scanned(&mut self, source: usize) -> Vec<DiscoveryEvent> {
        self.sources[source].scanned = true;
        let recovered = self.sources[source].failure.take().is_some();
        let fails = self
            .sources
            .iter()
            .position(|source| source.failure.is_some());
        let mut events = Vec::new();
        if !self.scanned && self.sources.iter().all(|source| source.scanned) {
            self.scanned = true;
            events.push(DiscoveryEvent::Scanned);
            // Which has said that all is well: it is not, where another fails.
            events.extend(fails.and_then(|fails| self.fails(fails)));
        } else if recovered && self.failing == Some(source) {
            self.failing = None;
            match fails {
                Some(fails) => events.extend(self.fails(fails)),
                None if self.scanned => events.push(DiscoveryEvent::Scanned),
                None => {}
            }
        }
        events
    }

    fn fails(&mut self, source: usize) -> Option<DiscoveryEvent> {
        let error = self.sources[source].failure.as_ref()?;
        self.failing = Some(source);
        Some(DiscoveryEvent::Failed(by(&self.titles[source], error)))
    }
}

/// The earliest source that has found the worker, or else the earliest that has turned it away.
fn believed(said: &BTreeMap<usize, Said>) -> Option<usize> {
    let found = said.iter().find(|(_, said)| matches!(said, Said::Found(_)));
    found
        .or_else(|| said.first_key_value())
        .map(|(source, _)| *source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::TurnedAwayReason;
    use crate::error::ErrorKind;
    use crate::wire::WorkerRecord;

    fn merge(sources: usize) -> Merge {
        Merge::new(
            (0..sources)
                .map(|source| format!("source {source}"))
                .collect(),
        )
    }

    /// What is told, in short: `+uid@address`, `!uid`, `-uid`, `scanned`, `failed: message`.
    fn told(events: Vec<DiscoveryEvent>) -> Vec<String> {
        let each = events.into_iter().map(|event| match event {
            DiscoveryEvent::Found(found) => {
                format!("+{}@{}", found.key(), found.record.addresses[0])
            }
            DiscoveryEvent::TurnedAway(turned_away) => format!("!{}", turned_away.key),
            DiscoveryEvent::Gone { key } => format!("-{key}"),
            DiscoveryEvent::Scanned => "scanned".to_owned(),
            DiscoveryEvent::Failed(error) => format!("failed: {}", error.message()),
        });
        each.collect()
    }

    fn found(uid: &str, address: &str) -> DiscoveryEvent {
        DiscoveryEvent::Found(Box::new(Found {
            record: WorkerRecord {
                uid: uid.to_owned(),
                addresses: vec![address.to_owned()],
                ..WorkerRecord::default()
            },
            trusted: false,
        }))
    }

    fn turned_away(key: &str) -> DiscoveryEvent {
        DiscoveryEvent::TurnedAway(TurnedAway {
            key: key.to_owned(),
            reason: TurnedAwayReason::Unreadable,
            message: String::new(),
        })
    }

    fn gone(key: &str) -> DiscoveryEvent {
        DiscoveryEvent::Gone {
            key: key.to_owned(),
        }
    }

    fn failed(message: &str) -> DiscoveryEvent {
        DiscoveryEvent::Failed(Error::new(ErrorKind::Discovery, message))
    }

    /// Plays what sources say, and compares with what is told of each.
    fn play(sources: usize, steps: Vec<(usize, DiscoveryEvent, &[&str])>) {
        let mut merge = merge(sources);
        for (step, (source, event, expected)) in steps.into_iter().enumerate() {
            assert_eq!(told(merge.hear(source, event)), expected, "step {step}");
        }
        assert!(merge.known.values().all(|said| !said.is_empty()));
    }

    #[test]
    fn of_one_worker_the_earliest_source_is_believed() {
        play(
            2,
            vec![
                (1, found("a", "second:1"), &["+a@second:1"]),
                (0, found("a", "first:1"), &["+a@first:1"]),
                (1, found("a", "second:2"), &[]),
                (0, found("a", "first:2"), &["+a@first:2"]),
                (0, gone("a"), &["+a@second:2"]),
                (1, gone("a"), &["-a"]),
                (1, gone("a"), &[]),
            ],
        );
    }

    #[test]
    fn what_a_later_source_loses_is_not_told_while_an_earlier_one_has_it() {
        play(
            3,
            vec![
                (0, found("a", "first:1"), &["+a@first:1"]),
                (1, found("a", "second:1"), &[]),
                (2, found("b", "third:1"), &["+b@third:1"]),
                (1, gone("a"), &[]),
                (1, gone("b"), &[]),
                (0, gone("a"), &["-a"]),
                (2, gone("b"), &["-b"]),
            ],
        );
    }

    #[test]
    fn who_turns_a_worker_away_does_not_hide_who_has_found_it() {
        play(
            2,
            vec![
                (0, turned_away("a"), &["!a"]),
                (1, found("a", "second:1"), &["+a@second:1"]),
                (0, turned_away("a"), &[]),
                (0, gone("a"), &[]),
                (0, turned_away("a"), &[]),
                (1, turned_away("a"), &["!a"]),
                (0, found("a", "first:1"), &["+a@first:1"]),
                (0, turned_away("a"), &["!a"]),
                (0, gone("a"), &["!a"]),
                (1, gone("a"), &["-a"]),
            ],
        );
    }

    #[test]
    fn a_first_look_is_over_when_all_have_looked() {
        play(
            3,
            vec![
                (1, DiscoveryEvent::Scanned, &[]),
                (1, DiscoveryEvent::Scanned, &[]),
                (0, DiscoveryEvent::Scanned, &[]),
                (2, DiscoveryEvent::Scanned, &["scanned"]),
                (0, DiscoveryEvent::Scanned, &[]),
            ],
        );
    }

    #[test]
    fn one_that_fails_is_named_until_it_works_again() {
        play(
            2,
            vec![
                (0, failed("broken"), &["failed: source 0: broken"]),
                (1, found("a", "second:1"), &["+a@second:1"]),
                (1, DiscoveryEvent::Scanned, &[]),
                (0, DiscoveryEvent::Scanned, &["scanned"]),
                (1, failed("cut"), &["failed: source 1: cut"]),
                (1, DiscoveryEvent::Scanned, &["scanned"]),
            ],
        );
    }

    #[test]
    fn a_failure_is_told_until_none_fails() {
        play(
            2,
            vec![
                (0, DiscoveryEvent::Scanned, &[]),
                (0, failed("a"), &["failed: source 0: a"]),
                (
                    1,
                    DiscoveryEvent::Scanned,
                    &["scanned", "failed: source 0: a"],
                ),
                (1, failed("b"), &["failed: source 1: b"]),
                (1, DiscoveryEvent::Scanned, &["failed: source 0: a"]),
                (1, failed("c"), &["failed: source 1: c"]),
                (0, DiscoveryEvent::Scanned, &[]),
                (1, DiscoveryEvent::Scanned, &["scanned"]),
            ],
        );
    }

    #[test]
    fn those_are_asked_for_a_worker_who_know_it() {
        let mut merge = merge(3);
        merge.hear(0, found("a", "first:1"));
        merge.hear(2, found("a", "third:1"));
        merge.hear(1, found("b", "second:1"));
        assert_eq!(merge.who_knows("a"), [0, 2]);
        assert_eq!(merge.who_knows("c"), [0; 0]);
        merge.hear(0, gone("a"));
        assert_eq!(merge.who_knows("a"), [2]);
    }
}
