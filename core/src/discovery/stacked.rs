//! Several discoveries as one.

use std::sync::Arc;

use super::{Announced, Discovery, DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Several discoveries at once: a pool finds what any of them finds, and a worker is published by all of them.
#[derive(Clone, Debug)]
pub struct StackedDiscovery {
    discoveries: Arc<[Discovery]>,
}

impl StackedDiscovery {
    /// Of two that know the same worker (by its uid) the earlier one is believed.
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
        _runtime: &Runtime,
        _sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        Err(Error::new(ErrorKind::Unsupported, "no stack yet"))
    }

    pub(super) fn announce(&self, _runtime: &Runtime, _uid: &str) -> Result<Box<dyn Announced>> {
        Err(Error::new(ErrorKind::Unsupported, "no stack yet"))
    }
}
