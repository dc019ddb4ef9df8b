//! Somebody else's mDNS on loopback: writes what it likes, answers when it likes.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mdns_sd::MDNS_PORT;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket, sockopt,
};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
const FLUSH: u16 = 0x8000;

/// A record of a worker that may not be there at all.
#[derive(Clone)]
pub(super) struct Forgery {
    pub(super) service_type: String,
    pub(super) label: String,
    pub(super) port: u16,
    pub(super) txt: Vec<String>,
}

impl Forgery {
    pub(super) fn packet(&self) -> Vec<u8> {
        let fullname = format!("{}.{}", self.label, self.service_type);
        let host = format!("{}.local.", self.label);
        let mut srv = vec![0, 0, 0, 0];
        srv.extend(self.port.to_be_bytes());
        srv.extend(name(&host));
        let mut txt = Vec::new();
        for text in &self.txt {
            txt.push(u8::try_from(text.len()).unwrap());
            txt.extend(text.as_bytes());
        }
        if txt.is_empty() {
            txt.push(0);
        }
        let records = [
            answer(&self.service_type, PTR, 0, &name(&fullname)),
            answer(&fullname, SRV, FLUSH, &srv),
            answer(&fullname, TXT, FLUSH, &txt),
            answer(&host, A, FLUSH, &[127, 0, 0, 1]),
        ];
        // An answer with authority; four records.
        let head = [0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        [&head[..], &records.concat()].concat()
    }
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.trim_end_matches('.').split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn answer(of: &str, kind: u16, class: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = name(of);
    bytes.extend(kind.to_be_bytes());
    bytes.extend((class | 1).to_be_bytes());
    bytes.extend(120_u32.to_be_bytes());
    bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    bytes.extend(data);
    bytes
}

/// Writes to the group on loopback.
pub(super) struct Forger(UdpSocket);

impl Forger {
    pub(super) fn new() -> Forger {
        // The source's address picks the interface.
        Forger(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    pub(super) fn send(&self, packet: &[u8]) {
        self.0.send_to(packet, (GROUP, MDNS_PORT)).unwrap();
    }
}

/// Answers questions for one record, and says nothing else. Ends when dropped.
pub(super) struct Answering {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    pub(super) fn start(forgery: &Forgery) -> Answering {
        let questions = listening();
        let ends = Arc::new(AtomicBool::new(false));
        let packet = forgery.packet();
        let label = forgery.label.clone().into_bytes();
        let thread = std::thread::spawn({
            let ends = Arc::clone(&ends);
            move || {
                let forger = Forger::new();
                let mut buffer = [0; 9000];
                while !ends.load(Ordering::SeqCst) {
                    let Ok(length) = questions.recv(&mut buffer) else {
                        continue;
                    };
                    let bytes = &buffer[..length];
                    let is_question = bytes.get(2).is_some_and(|flags| flags & 0x80 == 0);
                    let mut windows = bytes.windows(label.len());
                    if is_question && windows.any(|window| window == label) {
                        forger.send(&packet);
                    }
                }
            }
        });
        Answering {
            ends,
            thread: Some(thread),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listening() -> UdpSocket {
    let bound = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    setsockopt(&bound, sockopt::ReuseAddr, &true).unwrap();
    setsockopt(&bound, sockopt::ReusePort, &true).unwrap();
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, MDNS_PORT);
    bind(bound.as_raw_fd(), &SockaddrIn::from(any)).unwrap();
    let bound = UdpSocket::from(bound);
    bound
        .join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)
        .unwrap();
    bound
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    bound
}
