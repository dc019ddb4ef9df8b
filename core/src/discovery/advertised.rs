//! The addresses in a record of a worker that is bound to all addresses of its machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::error::{Error, ErrorKind, Result};

/// Whether the text is a wildcard with a port: it can be bound, and nobody can be told to dial it.
pub(super) fn is_wildcard(address: &str) -> bool {
    address
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().to_canonical().is_unspecified())
}

/// The addresses as peers on this machine dial them: loopback in place of wildcards.
pub(super) fn on_this_machine(addresses: &[String]) -> Vec<String> {
    let dialled = |text: &String| match text.parse::<SocketAddr>() {
        Ok(address) if is_wildcard(text) => {
            let loopback: IpAddr = match address.ip().to_canonical() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            SocketAddr::new(loopback, address.port()).to_string()
        }
        _ => text.clone(),
    };
    addresses.iter().map(dialled).collect()
}

/// For discoveries that take addresses as they are.
///
/// # Errors
/// [`ErrorKind::Discovery`] for a wildcard among them.
pub(super) fn refuse_wildcard(addresses: &[String]) -> Result<()> {
    let Some(wildcard) = addresses.iter().find(|address| is_wildcard(address)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::Discovery,
        format!(
            "the worker is bound to {wildcard}, all addresses of its machine, and this discovery cannot know which of \
             them others reach: say it with `advertise`, e.g. \"worker-1.example.com\""
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_known_in_both_families() {
        for wildcard in ["0.0.0.0:7000", "[::]:7000", "[::ffff:0.0.0.0]:7000"] {
            assert!(is_wildcard(wildcard), "{wildcard}");
        }
        for address in ["127.0.0.1:7000", "[::1]:7000", "host:7000", "0.0.0.0", ""] {
            assert!(!is_wildcard(address), "{address}");
        }
    }

    #[test]
    fn on_this_machine_a_wildcard_is_loopback() {
        let bound = ["0.0.0.0:1", "[::]:2", "192.0.2.1:3", "host:4"].map(str::to_owned);
        let dialled = ["127.0.0.1:1", "[::1]:2", "192.0.2.1:3", "host:4"];
        assert_eq!(on_this_machine(&bound), dialled);
    }

    #[test]
    fn elsewhere_it_is_refused_with_what_to_do() {
        refuse_wildcard(&["192.0.2.1:7000".to_owned()]).expect("an address");
        let error = refuse_wildcard(&["0.0.0.0:7000".to_owned()]).expect_err("a wildcard");
        assert_eq!(error.kind(), ErrorKind::Discovery);
        assert!(error.message().contains("advertise"), "{error}");
    }
}
