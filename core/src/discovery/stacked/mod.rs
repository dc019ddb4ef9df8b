//! Several discoveries as one.

mod announcement;
mod merge;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::announcement::Announcement;
use self::merge::Merge;
use super::{Announced, Discovery, DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Several discoveries at once: a pool finds what any of them finds, and a worker is published by all of them that can
/// publish.
///
/// A worker that is published by others beside a local one is for whoever reaches it: no secret is drawn by lot for it. One
/// that it is given is in its local record; other callers present it by [`crate::PoolOptions::secret`].
#[derive(Clone, Debug)]
pub struct StackedDiscovery {
    discoveries: Arc<[Discovery]>,
}

impl StackedDiscovery {
    /// Of two that know the same worker (by its uid, or by its first address where its record has none) the earlier one is
    /// believed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for none.
    pub fn new(discoveries: impl IntoIterator<Item = Discovery>) -> Result<StackedDiscovery> {
        let discoveries: Arc<[Discovery]> = discoveries.into_iter().collect();
        if discoveries.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a stack of discoveries has at least one",
            ));
        }
        Ok(StackedDiscovery { discoveries })
    }

    /// Those that it is made of.
    pub fn discoveries(&self) -> &[Discovery] {
        &self.discoveries
    }

    pub(super) fn subscribe(
        &self,
        runtime: &Runtime,
        sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        let merge = Arc::new(Mutex::new(Merge::new(self.titles())));
        let mut sources = Vec::with_capacity(self.discoveries.len());
        for (source, discovery) in self.discoveries.iter().enumerate() {
            let merging = Arc::clone(&merge);
            let sink = Arc::clone(&sink);
            let subscribed = discovery.subscribe(
                runtime,
                Arc::new(move |event| {
                    // Held while it is told: what one source says after another is told after it.
                    let mut merge = lock(&merging);
                    for event in merge.hear(source, event) {
                        sink(event);
                    }
                }),
            );
            let title = &lock(&merge).titles()[source].clone();
            sources.push(subscribed.map_err(|error| by(title, &error))?);
        }
        Ok(Box::new(Subscription { merge, sources }))
    }

    pub(super) fn announce(&self, runtime: &Runtime, uid: &str) -> Result<Box<dyn Announced>> {
        let mut parts = Vec::new();
        self.gather(runtime, uid, &mut parts)?;
        Ok(Box::new(Announcement::new(parts)?))
    }

    /// Places in all that can publish; in those of stacks within, too.
    fn gather(&self, runtime: &Runtime, uid: &str, parts: &mut Vec<Part>) -> Result<()> {
        for (discovery, title) in self.discoveries.iter().zip(self.titles()) {
            if let Discovery::Stacked(inner) = discovery {
                inner
                    .gather(runtime, uid, parts)
                    .map_err(|error| by(&title, &error))?;
                continue;
            }
            match discovery.announce(runtime, uid) {
                Ok(announced) => parts.push(Part { title, announced }),
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => return Err(by(&title, &error)),
            }
        }
        Ok(())
    }

    fn titles(&self) -> Vec<String> {
        let count = self.discoveries.len();
        let each = self.discoveries.iter().enumerate();
        each.map(|(index, discovery)| {
            format!("discovery {} of {count} ({})", index + 1, Kind(discovery))
        })
        .collect()
    }
}

/// A worker's place in one of the discoveries.
struct Part {
    /// What people call the discovery.
    title: String,
    announced: Box<dyn Announced>,
}

/// The same error, naming the discovery.
fn by(title: &str, error: &Error) -> Error {
    Error::new(error.kind(), format!("{title}: {}", error.message()))
}

/// What people call a discovery.
struct Kind<'a>(&'a Discovery);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Discovery::Local(local) => write!(f, "local, {}", local.namespace()),
            Discovery::Lan(lan) => match lan.namespace() {
                Some(namespace) => write!(f, "LAN, {namespace}"),
                None => f.write_str("LAN"),
            },
            Discovery::Static(_) => f.write_str("static"),
            Discovery::Dns(dns) => write!(f, "DNS, {}", dns.name()),
            Discovery::Stacked(_) => f.write_str("a stack"),
            Discovery::Custom(_) => f.write_str("custom"),
        }
    }
}

struct Subscription {
    merge: Arc<Mutex<Merge>>,
    /// Each ends when dropped, and tells nothing afterwards.
    sources: Vec<Box<dyn Subscribed>>,
}

impl Subscribed for Subscription {
    fn suspect(&self, key: &str) {
        let who = lock(&self.merge).who_knows(key);
        for source in who {
            self.sources[source].suspect(key);
        }
    }
}

fn lock(merge: &Mutex<Merge>) -> MutexGuard<'_, Merge> {
    merge.lock().unwrap_or_else(PoisonError::into_inner)
}
