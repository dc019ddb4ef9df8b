//! The directory that all namespaces of a user are in. It is this user's alone: whoever could write there
//! could pass for a worker, and the records in it hold secrets.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, lstat, mkdirat};
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, geteuid, mkdir, unlinkat};

use crate::error::{Error, ErrorKind, Result};

const SHARED_MEMORY: &str = "/dev/shm";
const RUNTIME_DIRECTORY: &str = "XDG_RUNTIME_DIR";
const OTHERS: u32 = 0o077;

/// A directory that was good when it was last looked at. It is opened anew for each use: it may be removed
/// and made again at any time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Root {
    path: PathBuf,
}

/// Why a directory cannot be used.
#[derive(Debug)]
enum Unusable {
    /// Nothing like that is to be had there; another place may do.
    NotHere(Error),
    /// Something is wrong that the user has to know of.
    Wrong(Error),
}

impl Root {
    /// The user's own directory within the given one; or in shared memory, or else in the runtime directory.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a directory that is not this user's alone,
    /// [`ErrorKind::Discovery`] where none can be had.
    pub(super) fn find(directory: Option<&Path>) -> Result<Root> {
        if let Some(directory) = directory {
            return Root::at(of_user_in(directory)).map_err(Unusable::into_error);
        }
        Root::of_user(
            Path::new(SHARED_MEMORY),
            std::env::var_os(RUNTIME_DIRECTORY),
        )
    }

    pub(super) fn of_user(
        shared_memory: &Path,
        runtime_directory: Option<OsString>,
    ) -> Result<Root> {
        let first = match Root::at(of_user_in(shared_memory)) {
            Ok(root) => return Ok(root),
            Err(Unusable::Wrong(error)) => return Err(error),
            Err(Unusable::NotHere(error)) => error,
        };
        let second = match runtime_directory.map(PathBuf::from) {
            None => format!("{RUNTIME_DIRECTORY} is not set"),
            Some(path) if !path.is_absolute() => {
                format!(
                    "{RUNTIME_DIRECTORY} is no absolute path: {}",
                    path.display()
                )
            }
            Some(path) => match Root::at(path.join("wool")) {
                Ok(root) => return Ok(root),
                Err(Unusable::Wrong(error)) => return Err(error),
                Err(Unusable::NotHere(error)) => error.message().to_owned(),
            },
        };
        Err(Error::new(
            ErrorKind::Discovery,
            format!(
                "there is no place for the records of local workers: {}; {second}. Mount a tmpfs at \
                 {SHARED_MEMORY}, set {RUNTIME_DIRECTORY}, or name a directory with in_directory",
                first.message()
            ),
        ))
    }

    fn at(path: PathBuf) -> Result<Root, Unusable> {
        let directory = open_or_make(&path)?;
        faccessat(
            &directory,
            ".",
            AccessFlags::W_OK | AccessFlags::X_OK,
            AtFlags::AT_EACCESS,
        )
        .map_err(|errno| unusable("written to", &path, errno))?;
        Ok(Root { path })
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn namespace_path(&self, namespace: &str) -> PathBuf {
        self.path.join(namespace)
    }

    /// Opens the directory, which is made when it has gone.
    ///
    /// # Errors
    /// As [`Root::find`].
    pub(super) fn open(&self) -> Result<OwnedFd> {
        open_or_make(&self.path).map_err(Unusable::into_error)
    }

    /// Opens a namespace's directory, which is made when it is not there.
    ///
    /// # Errors
    /// As [`Root::find`].
    pub(super) fn open_namespace(&self, namespace: &str) -> Result<OwnedFd> {
        let path = self.namespace_path(namespace);
        let mut opened = Err(Errno::ENOENT);
        for _ in 0..TRIES {
            // Somebody may have removed this very directory, which was empty, since it was opened.
            let root = self.open()?;
            opened = opened_or_made(
                || openat(&root, namespace, DIRECTORY, Mode::empty()),
                || mkdirat(&root, namespace, Mode::S_IRWXU),
            );
            if !matches!(opened, Err(Errno::ENOENT)) {
                break;
            }
        }
        let directory = opened.map_err(|errno| failed("opened", &path, errno))?;
        check(&directory, &path)?;
        Ok(directory)
    }

    /// Opens a namespace's directory; `None` when it is not there.
    pub(super) fn open_namespace_if_there(&self, namespace: &str) -> Result<Option<OwnedFd>> {
        let path = self.namespace_path(namespace);
        match open(&path, DIRECTORY, Mode::empty()) {
            Ok(directory) => {
                check(&directory, &path)?;
                Ok(Some(directory))
            }
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(failed("opened", &path, errno)),
        }
    }

    /// Removes a namespace's directory if nothing is in it, and then the one above, if nothing else is in that.
    pub(super) fn remove_if_empty(&self, namespace: &str) {
        let Ok(root) = open(&self.path, DIRECTORY, Mode::empty()) else {
            return;
        };
        // Most often something is in them, or somebody was faster.
        if unlinkat(&root, namespace, UnlinkatFlags::RemoveDir).is_ok() {
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

impl Unusable {
    fn into_error(self) -> Error {
        match self {
            Unusable::NotHere(error) | Unusable::Wrong(error) => error,
        }
    }
}

/// A directory with a name of ours: what lies in a directory that the host names is not ours to tidy up.
fn of_user_in(directory: &Path) -> PathBuf {
    directory.join(format!("wool-{}", geteuid()))
}

/// How often a directory is made that others remove at the same time.
const TRIES: usize = 16;

const DIRECTORY: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

fn open_or_make(path: &Path) -> Result<OwnedFd, Unusable> {
    let opened = opened_or_made(
        || open(path, DIRECTORY, Mode::empty()),
        || mkdir(path, Mode::S_IRWXU),
    );
    let directory = match opened {
        Ok(directory) => directory,
        // What is in the way says more than the failure to open it.
        Err(errno) => {
            if let Ok(stat) = lstat(path) {
                judge(&stat, path).map_err(Unusable::Wrong)?;
            }
            return Err(unusable("opened", path, errno));
        }
    };
    check(&directory, path).map_err(Unusable::Wrong)?;
    Ok(directory)
}

/// Somebody else may make it, or remove it, at the same time.
fn opened_or_made(
    open: impl Fn() -> nix::Result<OwnedFd>,
    make: impl Fn() -> nix::Result<()>,
) -> nix::Result<OwnedFd> {
    for _ in 0..TRIES {
        match open() {
            Err(Errno::ENOENT) => {}
            opened => return opened,
        }
        match make() {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    open()
}

fn check(directory: &impl AsFd, path: &Path) -> Result<()> {
    let stat = fstat(directory).map_err(|errno| failed("looked at", path, errno))?;
    judge(&stat, path)
}

/// Refuses what is not a directory of this user alone.
fn judge(stat: &FileStat, path: &Path) -> Result<()> {
    let refused = |problem: String| {
        Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "{} {problem}. Records of local workers are kept in a directory of this user (uid {}) \
                 with mode 0700 only: correct or remove it, or name another with in_directory",
                path.display(),
                geteuid()
            ),
        ))
    };
    let owner = stat.st_uid;
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    if kind == SFlag::S_IFLNK {
        return refused(format!("is a symbolic link, made by uid {owner}"));
    }
    if kind != SFlag::S_IFDIR {
        return refused(format!("is not a directory; it belongs to uid {owner}"));
    }
    if owner != geteuid().as_raw() {
        return refused(format!("belongs to uid {owner}"));
    }
    if stat.st_mode & OTHERS != 0 {
        return refused(format!(
            "is open to other users: its mode is {:04o}",
            stat.st_mode & 0o7777
        ));
    }
    Ok(())
}

fn unusable(done: &str, path: &Path, errno: Errno) -> Unusable {
    let error = failed(done, path, errno);
    match errno {
        Errno::ENOENT | Errno::ENOTDIR | Errno::EROFS | Errno::EACCES | Errno::EPERM => {
            Unusable::NotHere(error)
        }
        _ => Unusable::Wrong(error),
    }
}

/// The error for a file or directory that cannot be `done` to, with what to do about it.
pub(super) fn failed(done: &str, path: &Path, errno: Errno) -> Error {
    let (kind, advice) = match errno {
        Errno::ENOSPC | Errno::EDQUOT => (
            ErrorKind::Discovery,
            "; it is full: free space there, or keep the records elsewhere with in_directory",
        ),
        Errno::EROFS => (
            ErrorKind::Discovery,
            "; keep the records elsewhere with in_directory",
        ),
        Errno::EMFILE | Errno::ENFILE => (
            ErrorKind::Discovery,
            "; close some, or allow more (ulimit -n)",
        ),
        Errno::ENOLCK | Errno::EINVAL | Errno::EOPNOTSUPP => (
            ErrorKind::Discovery,
            "; its file system may have no locks: keep the records elsewhere with in_directory",
        ),
        Errno::EACCES | Errno::EPERM => (ErrorKind::PermissionDenied, ""),
        _ => (ErrorKind::Discovery, ""),
    };
    Error::new(
        kind,
        format!(
            "{} cannot be {done}: {}{advice}",
            path.display(),
            errno.desc()
        ),
    )
}
