//! Workers on the local network, announced and found by DNS-SD over multicast DNS.
//!
//! Threads: `wool-lan` and `mDNS_daemon`, one of each for the networks that are used, while there are subscriptions or
//! announcements on them. The first one calls the sinks.

mod announcement;
mod browse;
mod daemon;
mod engine;
mod interfaces;
mod json;
mod known;
mod looks;
mod md5;
mod service_type;
mod sighting;
#[cfg(test)]
mod tests;
mod txt;

use std::sync::Arc;

use self::announcement::Announcement;
use self::daemon::Daemon;
use self::engine::Order;
use self::interfaces::Filter;
use self::service_type::service_type;
use super::listener::Listener;
use super::{Announced, DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::ids;
use crate::runtime::Runtime;

/// Workers on the local network, found without configuration (Zeroconf: DNS-SD over multicast DNS).
///
/// Anybody on the network can announce what he likes: workers that are found this way are never told the pool's secret. What a
/// worker says of itself there is short: tags and what else is in its record have about 240 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanDiscovery {
    namespace: Option<String>,
    interfaces: Vec<String>,
}

const LONGEST_NAMESPACE: usize = 128;

impl LanDiscovery {
    /// Those that are published without a namespace, on all networks of this machine.
    pub fn new() -> LanDiscovery {
        LanDiscovery::default()
    }

    /// Those that are published under a name: 1 to 128 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for another length.
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Result<LanDiscovery> {
        let namespace = namespace.into();
        if !(1..=LONGEST_NAMESPACE).contains(&namespace.len()) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a namespace of {} bytes is none: use 1 to {LONGEST_NAMESPACE}",
                    namespace.len()
                ),
            ));
        }
        self.namespace = Some(namespace);
        Ok(self)
    }

    /// Only on these network interfaces, each by its name (`"eth0"`) or an address of it. Loopback counts only where it is
    /// named.
    #[must_use]
    pub fn on_interfaces<T: Into<String>>(
        mut self,
        interfaces: impl IntoIterator<Item = T>,
    ) -> LanDiscovery {
        self.interfaces = interfaces.into_iter().map(Into::into).collect();
        self
    }

    /// The namespace, if there is one.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The interfaces; empty = all but loopback.
    pub fn interfaces(&self) -> &[String] {
        &self.interfaces
    }

    /// # Errors
    /// [`ErrorKind::Discovery`] when an interface is not there or the network cannot be listened to, [`ErrorKind::Io`],
    /// [`ErrorKind::Forked`].
    pub(super) fn subscribe(
        &self,
        _runtime: &Runtime,
        sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        Ok(Box::new(self.subscription(sink)?))
    }

    /// # Errors
    /// As [`LanDiscovery::subscribe`].
    pub(super) fn announce(&self, _runtime: &Runtime, uid: &str) -> Result<Box<dyn Announced>> {
        Ok(Box::new(self.announcement(uid)?))
    }

    fn subscription(&self, sink: DiscoverySink) -> Result<Subscription> {
        let daemon = Daemon::on(Filter::find(&self.interfaces)?)?;
        let listener = Arc::new(Listener::new(sink));
        let service_type = service_type(self.namespace());
        daemon.order(Order::Listen {
            service_type: service_type.clone(),
            listener: Arc::clone(&listener),
            namespace: self.namespace.clone(),
        });
        Ok(Subscription {
            daemon,
            service_type,
            listener,
        })
    }

    fn announcement(&self, uid: &str) -> Result<Announcement> {
        let uid = ids::uid(uid)?;
        let daemon = Daemon::on(Filter::find(&self.interfaces)?)?;
        let service_type = service_type(self.namespace());
        Ok(Announcement::new(
            daemon,
            service_type,
            self.namespace.clone(),
            &uid,
        ))
    }
}

/// Ends when dropped: no event begins afterwards. Waits for the sink if that is being called just now, unless by itself.
struct Subscription {
    daemon: Arc<Daemon>,
    service_type: String,
    listener: Arc<Listener>,
}

impl Subscribed for Subscription {
    fn suspect(&self, key: &str) {
        self.daemon.order(Order::Suspect {
            service_type: self.service_type.clone(),
            key: key.to_owned(),
        });
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // A forked child has no thread that would call the sink.
        if self.daemon.check_origin().is_ok() {
            self.listener.end();
            self.daemon.order(Order::Sweep);
        }
    }
}
