//! Servers that are not as they should be.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::channel;

use super::super::system::System;
use super::fake::{Fake, cut, right};
use super::{Listening, WATCHDOG};

const NAME: &str = "sheep.test:7000";

/// Of a server that is not there.
fn dead() -> String {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().to_string()
}

#[test]
fn the_next_server_is_asked_when_one_is_dead() {
    let (fake, _) = Fake::start(|question| vec![right(question, 1)]);
    let listening = Listening::new(NAME, &[dead(), fake.address()]);
    listening.expect(&["+127.0.0.1:7000", "scanned"]);
    listening.end();
}

#[test]
fn the_next_server_is_asked_when_one_cannot_say() {
    let (broken, _) = Fake::start(|question| {
        let mut reply = right(question, 2);
        // SERVFAIL
        reply[3] = reply[3] & 0xf0 | 2;
        vec![reply]
    });
    let (fake, _) = Fake::start(|question| vec![right(question, 1)]);
    let listening = Listening::new(NAME, &[broken.address(), fake.address()]);
    listening.expect(&["+127.0.0.1:7000", "scanned"]);
    listening.end();
}

#[test]
fn that_all_servers_are_dead_is_told() {
    let servers = [dead(), dead()];
    let listening = Listening::new(NAME, &servers);
    let failure = listening.expect_failure();
    assert!(
        failure.contains("sheep.test cannot be looked up"),
        "{failure}"
    );
    assert!(failure.contains(&servers[1]), "{failure}");
    listening.end();
}

#[test]
fn what_is_no_answer_does_not_hide_the_answer() {
    let (fake, _) = Fake::start(|question| {
        let mut other_id = right(question, 3);
        other_id[0] ^= 0xff;
        let other_name = {
            let mut reply = right(question, 3);
            reply[13] ^= 1;
            reply
        };
        vec![
            Vec::new(),
            b"baa".to_vec(),
            vec![0xff; 500],
            question.to_vec(),
            other_id,
            other_name,
            right(question, 1),
        ]
    });
    let listening = Listening::new(NAME, &[fake.address()]);
    listening.expect(&["+127.0.0.1:7000", "scanned"]);
    listening.end();
}

#[test]
fn who_only_sends_what_is_no_answer_is_told() {
    let (fake, _) = Fake::start(|_| vec![vec![0xff; 100]; 100]);
    let listening = Listening::new(NAME, &[fake.address()]);
    let failure = listening.expect_failure();
    assert!(failure.contains(&fake.address()), "{failure}");
    listening.end();
}

#[test]
fn an_answer_that_is_too_large_for_a_datagram_comes_by_tcp() {
    // Whatever port the datagrams get, somebody may have it by TCP.
    let (fake, listener) = loop {
        let (fake, port) = Fake::start(|question| vec![cut(question)]);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            break (fake, listener);
        }
    };
    let server = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let mut length = [0; 2];
            // Who asks nothing ends it.
            if stream.read_exact(&mut length).is_err() {
                break;
            }
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            let reply = right(&question, 100);
            let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
            // Who asked may have gone.
            let _ = stream.write_all(&[&length, &reply[..]].concat());
        }
    });
    let listening = Listening::new(NAME, &[fake.address()]);
    for _ in 0..100 {
        assert!(listening.next().starts_with("+127.0.0."));
    }
    listening.expect(&["scanned"]);
    listening.end();
    drop(TcpStream::connect(server).unwrap());
    serving.join().unwrap();
}

#[test]
fn a_worker_that_does_not_answer_makes_for_another_look() {
    let addresses = Arc::new(AtomicU8::new(1));
    let known = Arc::clone(&addresses);
    let (fake, _) =
        Fake::start(move |question| vec![right(question, known.load(Ordering::SeqCst))]);
    let listening = Listening::new(NAME, &[fake.address()]);
    listening.expect(&["+127.0.0.1:7000", "scanned"]);
    // Long before the first answer has aged.
    addresses.store(2, Ordering::SeqCst);
    listening.subscription.suspect("127.0.0.1:7000");
    listening.expect(&["+127.0.0.2:7000"]);
    listening.end();
}

#[test]
fn what_this_machine_knows_itself_nobody_is_asked_for() {
    let known = System::read().of_host("localhost");
    if known.is_empty() {
        // It keeps no such file.
        return;
    }
    let listening = Listening::new("localhost:7000", &[]);
    let told = known.iter().map(|ip| SocketAddr::new(*ip, 7000));
    let mut told: Vec<String> = told.map(|address| format!("+{address}")).collect();
    told.sort_unstable();
    told.dedup();
    for event in told {
        assert_eq!(listening.next(), event);
    }
    listening.expect(&["scanned"]);
    listening.end();
}

#[test]
fn a_look_ends_with_the_subscription() {
    let (told, asked) = channel();
    let (silent, _) = Fake::start(move |_| {
        let _ = told.send(());
        Vec::new()
    });
    let listening = Listening::new(NAME, &[silent.address()]);
    asked.recv_timeout(WATCHDOG).unwrap();
    listening.end();
}
