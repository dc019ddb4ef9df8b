//! A server that says what a test wants.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, ResourceRecord, TYPE};

/// Ended when dropped.
pub(super) struct Fake {
    address: String,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Answers each question with so many datagrams.
    pub(super) fn start(
        mut answers: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> (Fake, u16) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let wait = Duration::from_millis(10);
        socket.set_read_timeout(Some(wait)).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while !until.load(Ordering::Acquire) {
                let Ok((length, from)) = socket.recv_from(&mut bytes) else {
                    continue;
                };
                for answer in answers(&bytes[..length]) {
                    // Who asked may have gone.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        let fake = Fake {
            address: format!("127.0.0.1:{port}"),
            ended,
            thread: Some(thread),
        };
        (fake, port)
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// The right answer: as many addresses of IPv4, from 127.0.0.1 on, and none of IPv6.
pub(super) fn right(question: &[u8], addresses: u8) -> Vec<u8> {
    let question = Packet::parse(question).unwrap();
    let mut reply = question.clone().into_reply();
    let asked = &question.questions[0];
    if asked.qtype == QTYPE::TYPE(TYPE::A) {
        reply.answers = (1..=addresses)
            .map(|last| {
                let address = u32::from_be_bytes([127, 0, 0, last]);
                let data = RData::A(A { address });
                ResourceRecord::new(asked.qname.clone(), CLASS::IN, 300, data)
            })
            .collect();
    }
    reply.build_bytes_vec().unwrap()
}

/// That the answer is too large for a datagram.
pub(super) fn cut(question: &[u8]) -> Vec<u8> {
    let mut reply = Packet::parse(question).unwrap().into_reply();
    reply.set_flags(PacketFlag::TRUNCATION);
    reply.build_bytes_vec().unwrap()
}
