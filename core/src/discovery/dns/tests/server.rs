//! A DNS server of the system's packages, for one test.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use super::super::message::{self, Kind, Reply};
use super::WATCHDOG;

/// dnsmasq, which knows all of the domain `test`; what it says is good for a second. Ended when dropped.
pub(super) struct Dnsmasq {
    folder: PathBuf,
    port: u16,
    services: Vec<String>,
    process: Option<Child>,
}

impl Dnsmasq {
    /// With a file of hosts, and services as `"name,target,port"`. `None`: there is no dnsmasq here, which has been said.
    pub(super) fn start(hosts: &str, services: &[&str]) -> Option<Dnsmasq> {
        let version = Command::new(program()).arg("--version").output();
        if let Err(error) = version {
            let why = format!("dnsmasq cannot be run ({error}): install the package dnsmasq-base");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            skipped(&why);
            return None;
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wool-dns-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut server = Dnsmasq {
            folder,
            port: 0,
            services: services.iter().map(|&text| text.to_owned()).collect(),
            process: None,
        };
        server.write_hosts(hosts);
        let until = Instant::now() + WATCHDOG;
        // Somebody may take the port before the server does.
        while server.process.is_none() {
            assert!(Instant::now() < until, "dnsmasq does not start");
            server.port = free_port();
            server.process = server.run();
        }
        Some(server)
    }

    /// As a discovery takes it.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Has other hosts from now on.
    pub(super) fn set_hosts(&self, hosts: &str) {
        self.write_hosts(hosts);
        kill(self.pid(), Signal::SIGHUP).unwrap();
    }

    /// Ends; [`Dnsmasq::start_again`] comes back at the same port.
    pub(super) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            process.wait().unwrap();
        }
    }

    pub(super) fn start_again(&mut self, services: &[&str]) {
        self.stop();
        self.services = services.iter().map(|&text| text.to_owned()).collect();
        let until = Instant::now() + WATCHDOG;
        while self.process.is_none() {
            assert!(Instant::now() < until, "dnsmasq does not start again");
            self.process = self.run();
        }
    }

    fn pid(&self) -> Pid {
        let process = self.process.as_ref().expect("it runs");
        Pid::from_raw(process.id().try_into().unwrap())
    }

    fn write_hosts(&self, hosts: &str) {
        let new = self.folder.join("new");
        std::fs::write(&new, hosts).unwrap();
        std::fs::rename(new, self.folder.join("hosts")).unwrap();
    }

    /// `None`: it has ended at once.
    fn run(&self) -> Option<Child> {
        let mut command = Command::new(program());
        let path = |name: &str| self.folder.join(name).display().to_string();
        command
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
            ])
            .args(["--no-hosts", "--local=/test/", "--local-ttl=1"])
            .args(["--listen-address=127.0.0.1", "--bind-interfaces"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--addn-hosts={}", path("hosts")))
            .arg(format!("--pid-file={}", path("pid")))
            .args(
                self.services
                    .iter()
                    .map(|text| format!("--srv-host={text}")),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if Uid::effective().is_root() {
            command.arg("--user=root");
        }
        let mut process = command.spawn().unwrap();
        while process.try_wait().unwrap().is_none() {
            if self.answers() {
                return Some(process);
            }
        }
        None
    }

    fn answers(&self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        socket.connect(server).unwrap();
        let wait = Duration::from_millis(20);
        socket.set_read_timeout(Some(wait)).unwrap();
        let question = message::question(1, "ready.test", Kind::A).unwrap();
        let mut bytes = [0; 512];
        match socket.send(&question).and_then(|_| socket.recv(&mut bytes)) {
            Ok(length) => matches!(
                message::read(&bytes[..length], 1, "ready.test", Kind::A),
                Reply::Answer(_)
            ),
            Err(_) => {
                std::thread::sleep(wait);
                false
            }
        }
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where Debian has it, users do not look.
fn program() -> &'static str {
    let there = "/usr/sbin/dnsmasq";
    if std::path::Path::new(there).exists() {
        there
    } else {
        "dnsmasq"
    }
}

/// One that nobody serves just now, by UDP and by TCP.
fn free_port() -> u16 {
    loop {
        let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = datagrams.local_addr().unwrap().port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Who runs the tests is to see it: what is printed by the macros would be kept from them.
fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").unwrap();
}
