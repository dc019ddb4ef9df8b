//! The addresses in a worker's record: what it was told to advertise, or what it is bound to, which may be all addresses of its
//! machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connect::Address;
use crate::error::{Error, ErrorKind, Result};

/// What the record of a worker gives as its addresses.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for what cannot be advertised.
pub(crate) fn advertised(advertise: &[String], bound: SocketAddr) -> Result<Vec<String>> {
    if advertise.is_empty() {
        return Ok(vec![bound.to_string()]);
    }
    let each = advertise.iter();
    each.map(|text| with_port(text, bound.port())).collect()
}

/// `text` with the port that it leaves out.
fn with_port(text: &str, port: u16) -> Result<String> {
    let invalid = |problem: &str| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "\"{text}\" cannot be advertised: {problem}; use \"host\" or \"host:port\", IPv6 hosts in brackets"
            ),
        )
    };
    let bare = text.trim_matches(['[', ']']);
    let is_ip = bare.parse::<IpAddr>().is_ok();
    let address = match text.rsplit_once(':') {
        _ if is_ip && bare.contains(':') => format!("[{bare}]:{port}"),
        Some((host, "0")) => format!("{host}:{port}"),
        Some(_) => text.to_owned(),
        None => format!("{text}:{port}"),
    };
    if text.starts_with("unix:") || Address::parse(&address, true).is_err() {
        return Err(invalid("it is no host"));
    }
    if is_wildcard(&address) {
        return Err(invalid("nobody can reach a worker at every address"));
    }
    Ok(address)
}

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
    fn what_is_advertised_gets_the_port_that_it_leaves_out() {
        let bound = "0.0.0.0:7000".parse().expect("an address");
        let one = |text: &str| advertised(&[text.to_owned()], bound);
        for (text, wanted) in [
            ("host", "host:7000"),
            ("host:443", "host:443"),
            ("host:0", "host:7000"),
            ("192.0.2.1", "192.0.2.1:7000"),
            ("2001:db8::1", "[2001:db8::1]:7000"),
            ("[2001:db8::1]", "[2001:db8::1]:7000"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ] {
            assert_eq!(one(text).expect(text), [wanted]);
        }
        for text in ["", "unix:/a", "a/b", "0.0.0.0", "[::]:443"] {
            let error = one(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
        assert_eq!(
            advertised(&[], bound).expect("what it is bound to"),
            ["0.0.0.0:7000"]
        );
    }

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
