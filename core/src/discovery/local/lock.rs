//! The kernel's lock on a worker's file: as long as the worker's process lives, and no longer.
//!
//! The worker holds a write lock. Whoever looks only asks for it, which disturbs nobody and needs no more
//! than an open file. Whoever removes a dead file takes a read lock first: it does not look like a worker,
//! and no worker can take the file into use meanwhile.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::fstat;

/// Takes the lock of a living worker. False: somebody is about to remove the file.
pub(super) fn take(file: &impl AsFd) -> nix::Result<bool> {
    set(file, libc::F_WRLCK)
}

/// Whether a living worker holds the lock.
pub(super) fn is_taken(file: &impl AsFd) -> nix::Result<bool> {
    let mut lock = whole_file(libc::F_RDLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

/// Keeps the file from being taken into use until it is closed. False: it is in use.
pub(super) fn keep_from_use(file: &impl AsFd) -> nix::Result<bool> {
    set(file, libc::F_RDLCK)
}

/// Gives the lock up in all processes that share the descriptor.
pub(super) fn give_up(file: &impl AsFd) {
    // It fails for a file without locks only; closing does the same.
    let _ = set(file, libc::F_UNLCK);
}

/// Whether the file still has a name.
pub(super) fn has_name(file: &impl AsFd) -> nix::Result<bool> {
    Ok(fstat(file)?.st_nlink > 0)
}

fn set(file: &impl AsFd, kind: i32) -> nix::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(kind))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn whole_file(kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}
