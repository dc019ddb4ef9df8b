//! A worker's place in a namespace: its locked file, which says that it lives, and later holds its record.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::libc;
use nix::sys::stat::Mode;
use nix::sys::uio::pwrite;
use nix::unistd::{UnlinkatFlags, ftruncate, unlinkat};

use super::record::{self, Here};
use super::root::{self, Root};
use super::{lock, names};
use crate::discovery::Announced;
use crate::discovery::advertised::on_this_machine;
use crate::discovery::fork::{HeldFd, Origin, Quiet};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::WorkerRecord;

/// As many bytes has the path of a Unix socket at most.
const LONGEST_SOCKET_PATH: usize = 107;
/// Others can get in the way of a new file for a moment: a fork, or somebody who takes it for a dead one's.
const PATIENCE: Duration = Duration::from_secs(5);

/// Held by the worker, withdrawn when dropped.
pub(in crate::discovery) struct Announcement {
    root: Root,
    namespace: String,
    bare: String,
    socket: Option<PathBuf>,
    next_number: u64,
    /// Until a record is shown.
    unshown: Option<LockedFile>,
    shown: Option<LockedFile>,
    origin: Origin,
}

/// A worker's file with its lock. Given up when dropped; its name, if it still has one, stays.
struct LockedFile {
    file: HeldFd,
    directory: OwnedFd,
    name: String,
}

impl Announced for Announcement {
    fn socket_path(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    fn holds_secret(&self) -> bool {
        true
    }

    fn publish(&mut self, record: &WorkerRecord) -> Result<()> {
        self.origin.check()?;
        let record = WorkerRecord {
            addresses: on_this_machine(&record.addresses),
            ..record.clone()
        };
        let bytes = record::encode(&record, &Here::find()?)?;
        let file = match self.unshown.take() {
            Some(file) if file.has_name() => file,
            _ => self.make_file()?,
        };
        match self.show(file, &bytes) {
            Ok(file) => {
                // The one before is given up only now that this one has its name.
                self.shown = Some(file);
                Ok(())
            }
            Err((file, error)) => {
                // Without a record to show it still says that the worker, and its socket, live.
                if self.shown.is_none() {
                    self.unshown = Some(file);
                } else {
                    file.remove();
                }
                Err(error)
            }
        }
    }
}

impl Announcement {
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no uid, else as [`Root::find`].
    pub(super) fn new(root: Root, namespace: &str, uid: &str) -> Result<Announcement> {
        let bare = names::bare(uid)?;
        let socket = root.namespace_path(namespace).join(names::socket(&bare));
        let mut announcement = Announcement {
            root,
            namespace: namespace.to_owned(),
            bare,
            socket: (socket.as_os_str().len() <= LONGEST_SOCKET_PATH).then_some(socket),
            next_number: 0,
            unshown: None,
            shown: None,
            origin: Origin::here()?,
        };
        announcement.unshown = Some(announcement.make_file()?);
        Ok(announcement)
    }

    fn show(&self, file: LockedFile, bytes: &[u8]) -> Result<LockedFile, (LockedFile, Error)> {
        let shown = file
            .write(bytes)
            .and_then(|()| renameat(&file.directory, &*file.name, &file.directory, &*self.bare));
        match shown {
            Ok(()) => Ok(LockedFile {
                name: self.bare.clone(),
                ..file
            }),
            Err(errno) => {
                let error = root::failed("written", &self.path(&file.name), errno);
                Err((file, error))
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.namespace_path(&self.namespace).join(name)
    }

    /// Makes a file, locks it, and makes sure that nobody has removed it before it was locked and that no
    /// forked child has got it.
    fn make_file(&mut self) -> Result<LockedFile> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(file) = self.try_make_file()? {
                return Ok(file);
            }
            std::thread::yield_now();
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!(
                "no file could be locked in {} for {} s: the process forks without a pause, or others \
                 remove the files there",
                self.root.namespace_path(&self.namespace).display(),
                PATIENCE.as_secs()
            ),
        ))
    }

    fn try_make_file(&mut self) -> Result<Option<LockedFile>> {
        let Some(quiet) = Quiet::now()? else {
            return Ok(None);
        };
        let directory = self.root.open_namespace(&self.namespace)?;
        let name = names::unshown(&self.bare, self.next_number);
        self.next_number += 1;
        let flags =
            OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = match openat(&directory, &*name, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(file) => file,
            // The directory was empty, and somebody has removed it; or there is a file of an earlier try.
            Err(Errno::ENOENT | Errno::EEXIST) => return Ok(None),
            Err(errno) => return Err(root::failed("made", &self.path(&name), errno)),
        };
        let file = match HeldFd::new(file) {
            Ok(file) => LockedFile {
                file,
                directory,
                name,
            },
            Err(error) => {
                let _ = unlinkat(&directory, &*name, UnlinkatFlags::NoRemoveDir);
                return Err(error);
            }
        };
        if !quiet.lasted() {
            file.remove();
            return Ok(None);
        }
        match lock::take(&file.file) {
            Ok(true) if file.has_name() => Ok(Some(file)),
            Ok(_) => {
                file.remove();
                Ok(None)
            }
            Err(errno) => {
                let error = root::failed("locked", &self.path(&file.name), errno);
                file.remove();
                Err(error)
            }
        }
    }
}

impl Drop for Announcement {
    /// Takes the name away before the lock: nobody finds a file that only looks dead.
    fn drop(&mut self) {
        // A forked child has no say in its parent's worker.
        if !self.origin.is_here() {
            return;
        }
        let mut directory = None;
        for file in [self.shown.take(), self.unshown.take()]
            .into_iter()
            .flatten()
        {
            directory = Some(file.remove());
        }
        if let Some(directory) = directory {
            // Callers keep their connections; with the socket's name in it the directory would stay.
            let socket = names::socket(&self.bare);
            let _ = unlinkat(&directory, &*socket, UnlinkatFlags::NoRemoveDir);
            self.root.remove_if_empty(&self.namespace);
        }
    }
}

impl LockedFile {
    fn has_name(&self) -> bool {
        lock::has_name(&self.file).unwrap_or(false)
    }

    fn write(&self, bytes: &[u8]) -> nix::Result<()> {
        ftruncate(&self.file, 0)?;
        let mut written = 0;
        while written < bytes.len() {
            match pwrite(&self.file, &bytes[written..], written as libc::off_t) {
                Ok(count) => written += count,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Takes its name, then gives it up. Answers with its directory.
    fn remove(self) -> OwnedFd {
        // Somebody may have tidied up already.
        let _ = unlinkat(&self.directory, &*self.name, UnlinkatFlags::NoRemoveDir);
        lock::give_up(&self.file);
        self.directory
    }
}
