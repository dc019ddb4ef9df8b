//! Workers behind a name in DNS.

use std::net::SocketAddr;

use super::{DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Workers behind a name in DNS, such as a headless service: it is looked up again when what was found has aged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsDiscovery {
    name: String,
    servers: Vec<String>,
}

impl DnsDiscovery {
    /// `"host:port"`: a worker at each address (A, AAAA) of the host, at this port. `"_wool._tcp.example.com"`, without a
    /// port: a worker for each SRV record of the name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no such name.
    pub fn new(name: impl Into<String>) -> Result<DnsDiscovery> {
        let name = name.into();
        Ok(DnsDiscovery {
            name,
            servers: Vec::new(),
        })
    }

    /// Asks these servers, `"address:port"`, instead of those that the system is set up with.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no address with a port.
    pub fn by_servers<T: Into<String>>(
        mut self,
        servers: impl IntoIterator<Item = T>,
    ) -> Result<DnsDiscovery> {
        self.servers = servers.into_iter().map(Into::into).collect();
        for server in &self.servers {
            server.parse::<SocketAddr>().map_err(|_| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "\"{server}\" is not the address of a DNS server: use \"192.0.2.53:53\""
                    ),
                )
            })?;
        }
        Ok(self)
    }

    /// What is looked up.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who is asked; empty = the system's servers.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    pub(super) fn subscribe(
        &self,
        _runtime: &Runtime,
        _sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        Err(Error::new(ErrorKind::Unsupported, "no DNS yet"))
    }
}
