//! Workers at addresses that are known.

use std::sync::Arc;

use super::{DiscoveryEvent, DiscoverySink, Found, Subscribed, WorkerRecord};
use crate::connect::Address;
use crate::error::{Error, ErrorKind, Result};

/// Workers at addresses that are known, for [`crate::StackedDiscovery`] beside others; alone, they are
/// [`crate::PoolOptions::addresses`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticDiscovery {
    addresses: Arc<[String]>,
}

impl StaticDiscovery {
    /// Addresses are `"host:port"` or `"unix:/path"`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no address, or for none.
    pub fn new<T: Into<String>>(addresses: impl IntoIterator<Item = T>) -> Result<StaticDiscovery> {
        let addresses: Arc<[String]> = addresses.into_iter().map(Into::into).collect();
        if addresses.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a static discovery has at least one address",
            ));
        }
        for address in &*addresses {
            Address::parse(address, true)?;
        }
        Ok(StaticDiscovery { addresses })
    }

    /// The addresses.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    pub(super) fn subscribe(&self, sink: DiscoverySink) -> Box<dyn Subscribed> {
        for address in &*self.addresses {
            sink(DiscoveryEvent::Found(Box::new(Found {
                record: WorkerRecord::at(address).to_wire(),
                trusted: true,
            })));
        }
        sink(DiscoveryEvent::Scanned);
        Box::new(Told)
    }
}

/// All has been told.
struct Told;

impl Subscribed for Told {}
