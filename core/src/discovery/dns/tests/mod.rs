//! Looks at real servers: Debian's dnsmasq, and others that are not as they should be.

mod fake;
mod odd_servers;
mod real_server;
mod server;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use super::DnsDiscovery;
use crate::discovery::{Discovery, DiscoveryEvent, Subscribed};
use crate::runtime::Runtime;

/// No test takes this long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Somebody who is told of a name.
struct Listening {
    runtime: Runtime,
    events: Receiver<String>,
    subscription: Box<dyn Subscribed>,
}

impl Listening {
    fn new(name: &str, servers: &[String]) -> Listening {
        let runtime = Runtime::new(Default::default()).unwrap();
        let dns = DnsDiscovery::new(name).unwrap().by_servers(servers);
        let (told, events) = channel();
        let sink = move |event| {
            let _ = told.send(in_short(event));
        };
        let subscription = Discovery::Dns(dns.unwrap())
            .subscribe(&runtime, Arc::new(sink))
            .unwrap();
        Listening {
            runtime,
            events,
            subscription,
        }
    }

    fn next(&self) -> String {
        self.events.recv_timeout(WATCHDOG).expect("the test hangs")
    }

    /// The next events must be these.
    fn expect(&self, events: &[&str]) {
        for event in events {
            assert_eq!(self.next(), *event);
        }
    }

    /// The next event must be that nobody answers.
    fn expect_failure(&self) -> String {
        let event = self.next();
        assert!(event.starts_with("failed: "), "{event}");
        event
    }

    /// Ends, and nothing else has been told.
    fn end(self) {
        drop(self.subscription);
        assert_eq!(self.events.try_recv(), Err(TryRecvError::Disconnected));
        self.runtime.close_blocking(Some(WATCHDOG)).unwrap();
    }
}

/// `+address,address`, `!key: why`, `-key`, `scanned`, `failed: message`.
fn in_short(event: DiscoveryEvent) -> String {
    match event {
        DiscoveryEvent::Found(found) => format!("+{}", found.record.addresses.join(",")),
        DiscoveryEvent::TurnedAway(turned_away) => {
            format!("!{}: {}", turned_away.key, turned_away.message)
        }
        DiscoveryEvent::Gone { key } => format!("-{key}"),
        DiscoveryEvent::Scanned => "scanned".to_owned(),
        DiscoveryEvent::Failed(error) => format!("failed: {}", error.message()),
    }
}
