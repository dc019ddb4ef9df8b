//! An engine whose daemon is replaced: nobody outside notices.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use mdns_sd::ServiceInfo;
use tokio::sync::mpsc;

use super::super::browse::Heard;
use super::super::engine::{Engine, Order};
use super::super::interfaces::Filter;
use super::super::service_type::service_type;
use super::{Told, WATCHDOG, alone, publish, sink, uid};
use crate::discovery::DiscoveryEvent;
use crate::discovery::listener::Listener;

struct Driven {
    engine: Engine,
    orders: mpsc::UnboundedReceiver<Order>,
    wanted: mpsc::UnboundedSender<Order>,
    events: mpsc::Receiver<Heard>,
}

impl Driven {
    fn new() -> Driven {
        let filter = Filter::find(&["lo".to_owned()]).unwrap();
        let (engine, events) = Engine::new(filter).unwrap();
        let (wanted, orders) = mpsc::unbounded_channel();
        Driven {
            engine,
            orders,
            wanted,
            events,
        }
    }

    /// The next that a listener is told.
    async fn told(&mut self, told: &Receiver<DiscoveryEvent>) -> DiscoveryEvent {
        loop {
            match told.try_recv() {
                Ok(event) => return event,
                Err(TryRecvError::Disconnected) => panic!("nobody tells"),
                Err(TryRecvError::Empty) => {}
            }
            assert!(self.engine.turn(&mut self.orders, &mut self.events).await);
        }
    }
}

#[test]
fn a_daemon_that_is_replaced_is_not_missed() {
    let discovery = alone();
    let outside = Told::of(&discovery);
    outside.scanned();
    let [theirs, ours, late] = [uid(), uid(), uid()];
    let _theirs = publish(&discovery, &theirs);
    assert_eq!(outside.found().uid, theirs);

    let service_type = service_type(discovery.namespace());
    let (sink, events) = sink();
    let listen = Order::Listen {
        service_type: service_type.clone(),
        listener: Arc::new(Listener::new(sink)),
        namespace: discovery.namespace().map(str::to_owned),
    };
    let host = format!("{ours}.local.");
    let namespace = discovery.namespace().unwrap();
    let txt = [("wool", "1.0"), ("doors", "session"), ("ns", namespace)];
    let service =
        ServiceInfo::new(&service_type, &ours, &host, "127.0.0.1", 7000, &txt[..]).unwrap();
    let (done, registered) = sync_channel(1);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let play = async {
        let mut driven = Driven::new();
        driven.wanted.send(listen).unwrap();
        let found = driven.told(&events).await;
        assert!(matches!(found, DiscoveryEvent::Found(found) if found.record.uid == theirs));
        let scanned = driven.told(&events).await;
        assert!(matches!(scanned, DiscoveryEvent::Scanned), "{scanned:?}");
        let register = Order::Register {
            service: Box::new(service),
            done,
        };
        driven.wanted.send(register).unwrap();
        let found = driven.told(&events).await;
        assert!(matches!(found, DiscoveryEvent::Found(found) if found.record.uid == ours));
        registered.recv().unwrap().unwrap();
        assert_eq!(outside.found().uid, ours);

        driven.engine.replace().await;
        let _late = publish(&discovery, &late);
        let found = driven.told(&events).await;
        assert!(matches!(found, DiscoveryEvent::Found(found) if found.record.uid == late));
        assert_eq!(outside.found().uid, late);
        // The new daemon has what the old one announced: it can say goodbye for it.
        let (unregistered, gone) = tokio::sync::oneshot::channel();
        let fullname = format!("{ours}.{service_type}");
        let unregister = Order::Unregister {
            fullname,
            done: unregistered,
        };
        driven.wanted.send(unregister).unwrap();
        let gone_here = driven.told(&events).await;
        assert!(matches!(gone_here, DiscoveryEvent::Gone { key } if key == ours));
        gone.await.unwrap();
        assert_eq!(outside.gone(), ours);
    };
    runtime
        .block_on(async { tokio::time::timeout(WATCHDOG, play).await })
        .expect("it hangs");
}
