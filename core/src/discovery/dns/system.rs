//! What this machine is set up with: the servers that its programs ask, and the names that it knows without them.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use resolv_conf::{Config, ScopedIp};

/// How names are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct System {
    pub(super) servers: Vec<SocketAddr>,
    /// Names are tried in these domains, too.
    search: Vec<String>,
    /// A name with so many dots is tried as it is first.
    dots: usize,
    /// Host names, lower case, and their addresses.
    hosts: Vec<(String, IpAddr)>,
}

const PORT: u16 = 53;
const CONFIGURATION: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// Of a list for spam or of a development machine; what is beyond is not looked at.
const MOST_HOSTS: usize = 100_000;
/// As many domains are searched by other programs.
const MOST_DOMAINS: usize = 32;

impl System {
    /// Blocks.
    pub(super) fn read() -> System {
        let read = |path: &str| std::fs::read(path).unwrap_or_default();
        System::parse(&read(CONFIGURATION), &read(HOSTS))
    }

    /// Only these servers, and complete names.
    pub(super) fn of(servers: Vec<SocketAddr>) -> System {
        System {
            servers,
            ..System::default()
        }
    }

    fn parse(configuration: &[u8], hosts: &[u8]) -> System {
        // Other programs, too, leave out what they cannot read.
        let (config, _) = Config::parse_with_errors(configuration);
        let search = config.get_last_search_or_domain().cloned();
        System {
            servers: config
                .get_nameservers_or_local()
                .into_iter()
                .map(server)
                .collect(),
            search: search.take(MOST_DOMAINS).collect(),
            dots: config.ndots as usize,
            hosts: parse_hosts(&String::from_utf8_lossy(hosts)),
        }
    }

    /// The addresses that this machine itself knows of a host.
    pub(super) fn of_host(&self, name: &str) -> Vec<IpAddr> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let known = self.hosts.iter().filter(|(host, _)| host == name);
        known.map(|(_, address)| *address).collect()
    }

    /// The complete names that a name may stand for, in the order in which they are tried.
    pub(super) fn complete(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let dots = name.matches('.').count();
        let mut names: Vec<String> = self
            .search
            .iter()
            .map(|domain| domain.trim_matches('.'))
            .filter(|domain| !domain.is_empty())
            .map(|domain| format!("{name}.{domain}."))
            .collect();
        let at = if dots >= self.dots { 0 } else { names.len() };
        names.insert(at, format!("{name}."));
        names
    }
}

fn server(server: ScopedIp) -> SocketAddr {
    match server {
        ScopedIp::V4(ip) => SocketAddr::from((ip, PORT)),
        ScopedIp::V6(ip, scope) => {
            let scope = scope.map_or(0, |scope| interface(&scope));
            SocketAddrV6::new(ip, PORT, 0, scope).into()
        }
    }
}

/// The number of a network interface that is named; 0 = there is none.
fn interface(name: &str) -> u32 {
    name.parse().unwrap_or_else(|_| {
        let path = format!("/sys/class/net/{name}/ifindex");
        let number = std::fs::read_to_string(path).unwrap_or_default();
        number.trim().parse().unwrap_or(0)
    })
}

fn parse_hosts(text: &str) -> Vec<(String, IpAddr)> {
    let mut hosts = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
            continue;
        };
        hosts.extend(words.map(|host| (host.to_ascii_lowercase(), address)));
        if hosts.len() >= MOST_HOSTS {
            break;
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tried_as_other_programs_try_them() {
        let text = b"nameserver 192.0.2.53\nnameserver 2001:db8::53\nnonsense\n\
                     search one.example two.example.\noptions ndots:2\n";
        let system = System::parse(text, b"");
        let servers = ["192.0.2.53:53", "[2001:db8::53]:53"].map(|text| text.parse().unwrap());
        assert_eq!(system.servers, servers);
        assert_eq!(system.complete("a."), ["a."]);
        let searched = ["a.b.one.example.", "a.b.two.example.", "a.b."];
        assert_eq!(system.complete("a.b"), searched);
        let searched = ["a.b.c.", "a.b.c.one.example.", "a.b.c.two.example."];
        assert_eq!(system.complete("a.b.c"), searched);
    }

    #[test]
    fn without_a_configuration_this_machine_is_asked() {
        let system = System::parse(b"", b"");
        let here: SocketAddr = "127.0.0.1:53".parse().unwrap();
        assert!(system.servers.contains(&here), "{:?}", system.servers);
        assert_eq!(system.complete("a")[0], "a.");
    }

    #[test]
    fn given_servers_are_asked_for_complete_names() {
        let server: SocketAddr = "192.0.2.53:5353".parse().unwrap();
        let system = System::of(vec![server]);
        assert_eq!(system.complete("a"), ["a."]);
        assert!(system.of_host("localhost").is_empty());
    }

    #[test]
    fn hosts_have_several_names_and_addresses() {
        let hosts = b"127.0.0.1\tlocalhost # here\n::1 localhost LOOPBACK\n# 192.0.2.1 no\nnonsense\n\xff\n";
        let system = System::parse(b"", hosts);
        let addresses = ["127.0.0.1", "::1"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(system.of_host("localhost."), addresses);
        assert_eq!(system.of_host("loopback"), addresses[1..]);
        assert!(system.of_host("no").is_empty());
    }
}
