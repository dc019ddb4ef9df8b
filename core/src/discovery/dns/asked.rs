//! What a DNS discovery is given to look up.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, ErrorKind, Result};

/// A name in DNS, as text with at most one dot at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The addresses of a host, which all have workers at this port.
    Host { name: String, port: u16 },
    /// SRV records.
    Service { name: String },
}

/// Of a name in DNS, as text without the dot at its end.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

impl Asked {
    /// # Errors
    /// [`ErrorKind::InvalidArgument`].
    pub(super) fn parse(text: &str) -> Result<Asked> {
        let invalid = |problem: fmt::Arguments<'_>| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{text:?} cannot be looked up in DNS: {problem}; use \"host.example.com:port\", or \
                     \"_service._tcp.example.com\" for SRV records"
                ),
            )
        };
        let is_address = text.starts_with('[') || text.parse::<IpAddr>().is_ok();
        let (name, port) = match text.rsplit_once(':') {
            _ if is_address => {
                return Err(invalid(format_args!(
                    "it is an address, which a static discovery takes"
                )));
            }
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        if name.parse::<IpAddr>().is_ok() {
            return Err(invalid(format_args!(
                "it is an address, which a static discovery takes"
            )));
        }
        check_name(name).map_err(|problem| invalid(format_args!("{problem}")))?;
        let is_service = is_service(name);
        let name = name.to_ascii_lowercase();
        match port.map(str::parse::<u16>) {
            Some(_) if is_service => Err(invalid(format_args!(
                "the ports of a service are in its SRV records"
            ))),
            Some(Ok(0)) => Err(invalid(format_args!("port 0 is nobody's"))),
            Some(Ok(port)) => Ok(Asked::Host { name, port }),
            Some(Err(_)) => Err(invalid(format_args!(
                "the port is not a number up to 65535"
            ))),
            None if is_service => Ok(Asked::Service { name }),
            None => Err(invalid(format_args!("there is no port"))),
        }
    }
}

/// Whether it begins as names of SRV records do, e.g. with `_wool._tcp`.
fn is_service(name: &str) -> bool {
    let mut labels = name.split('.');
    let service = labels.next().is_some_and(|label| label.starts_with('_'));
    service
        && labels
            .next()
            .is_some_and(|label| label.eq_ignore_ascii_case("_tcp"))
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err("there is no name");
    }
    if !name.is_ascii() {
        return Err("it is not ASCII: names beyond are written as \"xn--...\"");
    }
    if name.len() > LONGEST_NAME {
        return Err("a name has at most 253 characters");
    }
    for label in name.split('.') {
        if !(1..=LONGEST_LABEL).contains(&label.len()) {
            return Err("between dots are 1 to 63 characters");
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !label.bytes().all(fits) || label.starts_with('-') || label.ends_with('-') {
            return Err("a name is made of letters, digits, \"-\" within, and \"_\"");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_ports_and_services_have_none() {
        let host = |name: &str, port| Asked::Host {
            name: name.to_owned(),
            port,
        };
        let service = |name: &str| Asked::Service {
            name: name.to_owned(),
        };
        let cases = [
            ("workers:7000", host("workers", 7000)),
            ("Workers.Example.COM.:1", host("workers.example.com.", 1)),
            ("my_workers:65535", host("my_workers", 65535)),
            ("xn--bcher-kva.example:9", host("xn--bcher-kva.example", 9)),
            ("_wool._tcp.example.com", service("_wool._tcp.example.com")),
            (
                "_wool._TCP.example.com.",
                service("_wool._tcp.example.com."),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Asked::parse(text).expect(text), expected);
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_named() {
        let long_label = format!("{}.example:1", "a".repeat(64));
        let long_name = format!("{}example:1", "abcdefg.".repeat(32));
        let cases = [
            ("", "no name"),
            (":1", "no name"),
            (".:1", "no name"),
            ("workers", "no port"),
            ("_wool.example.com", "no port"),
            ("workers:", "port is not a number"),
            ("workers:http", "port is not a number"),
            ("workers:0", "port 0"),
            ("workers:65536", "port is not a number"),
            ("_wool._tcp.example.com:7000", "in its SRV records"),
            ("127.0.0.1:7000", "static discovery"),
            ("127.0.0.1", "static discovery"),
            ("[::1]:7000", "static discovery"),
            ("::1", "static discovery"),
            ("a..b:1", "between dots"),
            ("a b:1", "made of letters"),
            ("-a:1", "made of letters"),
            ("a/b:1", "made of letters"),
            ("bücher.example:1", "not ASCII"),
            (&long_label, "between dots"),
            (&long_name, "at most 253"),
        ];
        for (text, problem) in cases {
            let error = Asked::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(problem), "{error}");
        }
    }
}
