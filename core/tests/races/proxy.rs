//! A way to a worker that can be cut.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes bytes on, to and fro. Its threads end with their connections, and with the process.
pub(crate) struct Proxy {
    address: String,
    connections: Arc<Mutex<Vec<[TcpStream; 2]>>>,
}

impl Proxy {
    pub(crate) fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap().to_string(),
            connections: Arc::default(),
        };
        let (target, connections) = (target.to_owned(), Arc::clone(&proxy.connections));
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                // The worker has stopped: so ends whoever comes now.
                let Ok(far) = TcpStream::connect(&target) else {
                    continue;
                };
                for stream in [&near, &far] {
                    stream.set_nodelay(true).unwrap();
                }
                pass(&near, &far);
                pass(&far, &near);
                connections.lock().unwrap().push([near, far]);
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Cuts all connections that there are.
    pub(crate) fn cut(&self) {
        for stream in self.connections.lock().unwrap().drain(..).flatten() {
            // It may be over already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        // However it ends, so ends the other direction.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
