//! How a process knows that it was spawned to be a worker: an environment variable that describes its
//! standard input. Processes that it starts inherit the variable, but have another standard input.

use std::fmt;
use std::os::fd::AsFd;
use std::str::FromStr;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Pid, getpid, getppid};

use crate::error::Result;
use crate::ids;

/// The environment variable that holds the ticket.
pub(super) const VARIABLE: &str = "WOOL_SPAWNED";

/// Descriptors below are those that programs count on; a worker's control socket goes above them.
pub(super) const HIGH: i32 = 100;

/// Proves that the variable and the socket belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce(u128);

impl Nonce {
    pub(super) fn random() -> Result<Nonce> {
        Ok(Nonce(u128::from_be_bytes(ids::random()?)))
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub(super) fn is(self, bytes: &[u8]) -> bool {
        self.bytes() == bytes
    }
}

/// `<nonce>:<inode of the socket>:<pid of the spawner>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) nonce: Nonce,
    inode: u64,
    spawner: i32,
}

impl Ticket {
    /// The ticket of a process whose standard input this will be.
    pub(super) fn new(nonce: Nonce, socket: impl AsFd) -> std::io::Result<Ticket> {
        Ok(Ticket {
            nonce,
            inode: fstat(socket)?.st_ino,
            spawner: getpid().as_raw(),
        })
    }

    /// This process's, if it has one.
    pub(super) fn of_this_process() -> Option<Ticket> {
        std::env::var(VARIABLE).ok()?.parse().ok()
    }

    /// Whether this is the control socket.
    pub(super) fn admits(&self, descriptor: impl AsFd) -> bool {
        fstat(descriptor).is_ok_and(|stat| {
            SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFSOCK
                && stat.st_ino == self.inode
        })
    }

    /// Whether a worker was wanted here, and its control socket got lost on the way: the program, or a wrapper
    /// above it, was started by the spawner without it.
    pub(super) fn was_lost(&self) -> bool {
        let mut pid = getppid();
        if pid.as_raw() == self.spawner {
            return true;
        }
        while pid.as_raw() > 1 && pid.as_raw() != self.spawner {
            if self.is_kept_by(pid) {
                return true;
            }
            match parent(pid) {
                Ok(parent) => pid = parent,
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether the process still has the control socket where it got it, or where a shell puts aside what it
    /// redirects. A worker, which may start programs of its own, has it elsewhere.
    fn is_kept_by(&self, pid: Pid) -> bool {
        let socket = format!("socket:[{}]", self.inode);
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        descriptors.flatten().any(|descriptor| {
            let number = descriptor.file_name().to_string_lossy().parse::<i32>();
            number.is_ok_and(|number| number < HIGH)
                && std::fs::read_link(descriptor.path())
                    .is_ok_and(|link| link.as_os_str() == socket.as_str())
        })
    }
}

fn parent(pid: Pid) -> std::io::Result<Pid> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let parent = parent.and_then(|pid| pid.trim().parse().ok());
    Ok(Pid::from_raw(parent.ok_or(Errno::ESRCH)?))
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}:{}:{}", self.nonce.0, self.inode, self.spawner)
    }
}

/// What cannot be read is no ticket.
#[derive(Debug)]
pub(super) struct Unreadable;

impl FromStr for Ticket {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Ticket, Unreadable> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(Unreadable);
        let ticket = Ticket {
            nonce: Nonce(u128::from_str_radix(part()?, 16).map_err(|_| Unreadable)?),
            inode: part()?.parse().map_err(|_| Unreadable)?,
            spawner: part()?.parse().map_err(|_| Unreadable)?,
        };
        match parts.next() {
            None => Ok(ticket),
            Some(_) => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_ticket_admits_its_own_socket_only() {
        let (socket, other) = UnixStream::pair().unwrap();
        let ticket = Ticket::new(Nonce::random().unwrap(), &socket).unwrap();
        let read: Ticket = ticket.to_string().parse().unwrap();
        assert_eq!(read, ticket);
        assert!(read.admits(&socket));
        assert!(read.admits(socket.try_clone().unwrap()));
        assert!(!read.admits(&other));
        assert!(!read.admits(std::fs::File::open("/dev/null").unwrap()));
    }

    #[test]
    fn anything_else_is_no_ticket() {
        for text in ["", "1", "ab:1", "xy:1:2", "ab:1:2:3", "ab:-1:2", "ab::"] {
            assert!(text.parse::<Ticket>().is_err(), "{text}");
        }
        let longest = format!("{:x}0:1:2", u128::MAX);
        assert!(longest.parse::<Ticket>().is_err());
    }
}
