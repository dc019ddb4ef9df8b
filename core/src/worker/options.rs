//! How a worker is set up.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use crate::admission::Admission;
use crate::discovery::Discovery;
use crate::error::{Error, ErrorKind, Result};
use crate::peer_limits::PeerLimits;
use crate::pool::WorkerPool;
use crate::tls::{Credentials, Peers};

/// How a worker is set up.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// `"host:port"`; port 0 picks a free one.
    pub bind: String,
    /// Also serves on a Unix socket at this path, readable by this user only.
    pub socket_path: Option<PathBuf>,
    /// Tasks that may run at once; those beyond are refused as busy, and callers try elsewhere. 0 = 1,024.
    pub concurrency: u32,
    /// Binding beyond loopback without TLS has to be asked for.
    pub allow_plaintext: bool,
    /// Callers must present it. `None`: whoever reaches the address may call, unless `publish` says otherwise. Empty: they
    /// may in any case.
    pub secret: Option<Vec<u8>>,
    /// Largest arguments and items accepted, bytes. 0 = 256 MiB.
    pub max_payload: u64,
    /// How others reach it, where that is not what it is bound to, in its record: `"host"`, `"host:port"`, IPv6 hosts in
    /// brackets. Empty = the address that it is bound to. Bound to all addresses of the machine (`"0.0.0.0:0"`), a worker
    /// on the LAN is reached at those of its networks; another discovery has to be told.
    pub advertise: Vec<String>,
    /// Labels by which pools choose.
    pub tags: Vec<String>,
    /// What else its record says of it, for others.
    pub extra: BTreeMap<String, String>,
    /// Where pools find this worker; `None` = nowhere. A worker that is found locally, and nowhere else, asks its callers
    /// for the secret in its record: without `secret`, one that is drawn by lot.
    pub publish: Option<Discovery>,
    /// What it presents to its callers, and which of them it believes; `None` = no TLS. With them it may bind beyond loopback.
    pub credentials: Option<Credentials>,
    /// The name that it claims in its record, and that its certificate holds: a DNS name or a URI (SPIFFE). Pools whose
    /// `peers` accept it take that instead of the name or address that they dialled. Empty = none.
    pub identity: String,
    /// Whom it lets in, by their certificates' names; `None` = all whose certificates are good. Sessions over its Unix
    /// socket present no certificate: there, the secret decides.
    pub callers: Option<Peers>,
    /// Who may call what, beside `callers`: each routine that is named here, or by `"prefix.*"`, is for these alone. The first
    /// that fits a routine counts.
    pub routine_callers: Vec<(String, Peers)>,
    /// As [`crate::PoolOptions::peers`], for the pools by which its tasks call on.
    pub peers: Option<Peers>,
    /// Who may stop it from elsewhere (`wool.v1.Control`), by their certificates' names; `None` = nobody.
    pub stoppers: Option<Peers>,
    /// What one peer may take of it.
    pub peer_limits: PeerLimits,
    /// Decides which calls are taken, beside the limit; `None` = all are.
    pub admit: Option<Arc<dyn Admission>>,
    /// By which tasks call whose caller's pool cannot be used here: it is one of another machine, or cannot be
    /// described.
    pub pool: Option<WorkerPool>,
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions {
            bind: "127.0.0.1:0".to_owned(),
            socket_path: None,
            concurrency: 0,
            allow_plaintext: false,
            secret: None,
            max_payload: 0,
            advertise: Vec::new(),
            tags: Vec::new(),
            extra: BTreeMap::new(),
            publish: None,
            credentials: None,
            identity: String::new(),
            callers: None,
            routine_callers: Vec::new(),
            peers: None,
            stoppers: None,
            peer_limits: PeerLimits::default(),
            admit: None,
            pool: None,
        }
    }
}

const DEFAULT_CONCURRENCY: u32 = 1024;

impl WorkerOptions {
    /// Tasks at once.
    pub(super) fn concurrency(&self) -> u32 {
        match self.concurrency {
            0 => DEFAULT_CONCURRENCY,
            most => most,
        }
    }

    /// Whether they are enough for what is asked of them.
    pub(super) fn check_credentials(&self) -> Result<()> {
        let by_names = [
            ("callers", self.callers.is_some()),
            ("routine_callers", !self.routine_callers.is_empty()),
            ("stoppers", self.stoppers.is_some()),
        ];
        let asked = [&self.callers, &self.stoppers, &self.peers];
        let asked = asked.into_iter().flatten();
        let of_routines = self.routine_callers.iter().map(|(_, callers)| callers);
        if asked.chain(of_routines).any(Peers::is_asked) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a check that has to be asked is for the peers of a pool; a worker's own check of its callers is its \
                 admission hook",
            ));
        }
        let by_names = by_names.iter().find(|(_, given)| *given);
        let asks = match &self.credentials {
            Some(credentials) => {
                let material = credentials.current();
                material.server()?;
                material.is_mutual()
            }
            None => false,
        };
        match by_names {
            Some((option, _)) if !asks => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{option} names callers by their certificates, and this worker asks for none: give it credentials that \
                     are mutual"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What to bind.
    pub(super) fn resolve(&self) -> Result<SocketAddr> {
        let invalid = |problem: String| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the address \"{}\" cannot be bound: {problem}; use \"host:port\", e.g. \"127.0.0.1:0\"",
                    self.bind
                ),
            )
        };
        let address = self
            .bind
            .to_socket_addrs()
            .map_err(|error| invalid(error.to_string()))?
            .next()
            .ok_or_else(|| invalid("the host has no address".to_owned()))?;
        if !is_loopback(address.ip()) && !self.allow_plaintext && self.credentials.is_none() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "{address} is reachable from other machines, and without TLS everybody there could call: \
                 give it credentials, bind to loopback, or set allow_plaintext",
                ),
            ));
        }
        Ok(address)
    }
}

pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
