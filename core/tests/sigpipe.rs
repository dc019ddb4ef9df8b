//! A host that does not ignore SIGPIPE, as those that are not Rust programs, outlives a peer that vanishes.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Peers, block_on};
use nix::sys::signal::{SigHandler, Signal};
use wool::Routine;

#[test]
#[allow(
    unsafe_code,
    reason = "the test puts the process into the state of a host in another language"
)]
fn a_write_to_a_peer_that_has_gone_does_not_end_the_process() {
    // SAFETY: the default action is no function of ours.
    unsafe { nix::sys::signal::signal(Signal::SIGPIPE, SigHandler::SigDfl) }.unwrap();
    let peers = Peers::new(vec![Routine::unary("test.one", |_, _| async { Ok(1) })]);
    for _ in 0..20 {
        // An HTTP/2 preface and settings, then a reset while the worker answers.
        let mut stream = TcpStream::connect(peers.worker.address()).unwrap();
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        // Pings ask for answers that nobody will read.
        for _ in 0..100 {
            if stream.write_all(b"\0\0\x08\x06\0\0\0\0\0ABCDEFGH").is_err() {
                break;
            }
        }
        drop(stream);
    }
    let answer = block_on(async { peers.pool.call("test.one", ()).await }).unwrap();
    assert_eq!(answer.as_i64(), Some(1));
    peers.close();
}
