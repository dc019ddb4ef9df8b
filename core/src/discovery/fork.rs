//! Keeps a forked child from holding what its parent holds.
//!
//! A child inherits the parent's open files, and with them their locks: while it lives, a parent that was
//! killed would seem to live. So every descriptor in here is closed in the child before `fork` returns
//! there; `exec` closes it by itself.

#![allow(
    unsafe_code,
    reason = "only a handler of the system is told of a fork, and it may do no more than close descriptors"
)]

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

use nix::libc;
use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};

/// As many descriptors can be held; the handler must not allocate, so their table has a fixed size.
const MOST_HELD: usize = 4096;
const FREE: RawFd = -1;

static HELD: [AtomicI32; MOST_HELD] = [const { AtomicI32::new(FREE) }; MOST_HELD];
static FORKS_BEGUN: AtomicU32 = AtomicU32::new(0);
static FORKS_ENDED: AtomicU32 = AtomicU32::new(0);
/// How many forks lie between this process and the one that the library was loaded in.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A descriptor that forked children do not keep.
#[derive(Debug)]
pub(super) struct HeldFd {
    fd: ManuallyDrop<OwnedFd>,
    slot: usize,
    origin: Origin,
}

/// The process that something was made in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin(u32);

/// A moment at which no fork was under way.
pub(super) struct Quiet(u32);

impl HeldFd {
    /// Holds a descriptor. A fork between its opening and this call may have let it escape to the child:
    /// see [`Quiet`].
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when 4,096 are held, [`ErrorKind::Io`] when the system is out of memory.
    pub(super) fn new(fd: OwnedFd) -> Result<HeldFd> {
        let origin = Origin::here()?;
        let raw = fd.as_raw_fd();
        let slot = HELD
            .iter()
            .position(|slot| slot.compare_exchange(FREE, raw, SeqCst, SeqCst).is_ok())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Busy,
                    format!(
                        "this process announces {MOST_HELD} workers already, which is the most it can; \
                         start more processes"
                    ),
                )
            })?;
        Ok(HeldFd {
            fd: ManuallyDrop::new(fd),
            slot,
            origin,
        })
    }
}

impl AsFd for HeldFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for HeldFd {
    fn drop(&mut self) {
        // In a child the handler has closed it, and its number may be somebody else's.
        if self.origin.is_here() {
            // Before it is closed: its number may be somebody else's a moment later.
            HELD[self.slot].store(FREE, SeqCst);
            // SAFETY: nobody uses it after this drop.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}

impl Origin {
    /// This process.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system is out of memory.
    pub(super) fn here() -> Result<Origin> {
        watch_forks()?;
        Ok(Origin(GENERATION.load(SeqCst)))
    }

    /// False in a forked child of the process that it was made in.
    pub(super) fn is_here(self) -> bool {
        self.0 == GENERATION.load(SeqCst)
    }

    /// # Errors
    /// [`ErrorKind::Forked`] in a forked child.
    pub(super) fn check(self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forked,
            "the process was forked after discovery began, and only the parent can go on with it; start \
             worker processes by exec",
        ))
    }
}

impl Quiet {
    /// This moment, unless a fork is under way.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system is out of memory.
    pub(super) fn now() -> Result<Option<Quiet>> {
        watch_forks()?;
        // In this order: a fork that begins after the second load is seen by `lasted`.
        let ended = FORKS_ENDED.load(SeqCst);
        let begun = FORKS_BEGUN.load(SeqCst);
        Ok((begun == ended).then_some(Quiet(begun)))
    }

    /// Whether no fork has begun since.
    pub(super) fn lasted(&self) -> bool {
        FORKS_BEGUN.load(SeqCst) == self.0
    }
}

fn watch_forks() -> Result<()> {
    static WATCHED: OnceCell<()> = OnceCell::new();
    WATCHED
        .get_or_try_init(|| {
            // SAFETY: the handlers use atomics and close(2) only, and are never unloaded: the library
            // stays in memory once it is loaded.
            let status =
                unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
            match status {
                0 => Ok(()),
                status => Err(Error::new(
                    ErrorKind::Io,
                    format!(
                        "forks cannot be watched: {}",
                        std::io::Error::from_raw_os_error(status)
                    ),
                )),
            }
        })
        .copied()
}

unsafe extern "C" fn before() {
    FORKS_BEGUN.fetch_add(1, SeqCst);
}

unsafe extern "C" fn in_parent() {
    FORKS_ENDED.fetch_add(1, SeqCst);
}

/// Only this thread lives on in the child; everything here must be safe in a signal handler.
unsafe extern "C" fn in_child() {
    for slot in &HELD {
        let fd = slot.swap(FREE, SeqCst);
        if fd != FREE {
            // SAFETY: the table held it, so it was open at the fork, and nothing has run in this process
            // since; whoever owned it in the parent will not close it here (see `HeldFd::drop`).
            unsafe { libc::close(fd) };
        }
    }
    GENERATION.fetch_add(1, SeqCst);
    FORKS_ENDED.store(FORKS_BEGUN.load(SeqCst), SeqCst);
}
