//! Workers on the local network, announced and found by DNS-SD over multicast DNS.

use super::{Announced, DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Workers on the local network, found without configuration (Zeroconf: DNS-SD over multicast DNS).
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

    pub(super) fn subscribe(
        &self,
        _runtime: &Runtime,
        _sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        Err(Error::new(ErrorKind::Unsupported, "no LAN yet"))
    }

    pub(super) fn announce(&self, _runtime: &Runtime, _uid: &str) -> Result<Box<dyn Announced>> {
        Err(Error::new(ErrorKind::Unsupported, "no LAN yet"))
    }
}
