//! Looks through a namespace's directory: tells what has changed since the last look. Removing what the dead
//! have left is another thing, which can take its time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::lock;
use super::names::{self, Name};
use super::record::{self, Here, LARGEST};
use super::root::Root;
use crate::discovery::{DiscoveryEvent, Found, TurnedAway, TurnedAwayReason};
use crate::wire::WorkerRecord;

/// What was there at the last look.
#[derive(Default)]
pub(super) struct Known {
    entries: BTreeMap<String, Entry>,
}

/// A living worker's file.
struct Entry {
    stamp: Option<Stamp>,
    content: Content,
}

#[derive(PartialEq)]
enum Content {
    Usable(Box<WorkerRecord>),
    TurnedAway(TurnedAway),
}

/// Differs when the file does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: i64,
    modified: (i64, i64),
}

/// What a look has shown.
pub(super) struct Seen {
    /// What has changed since the last one.
    pub(super) events: Vec<DiscoveryEvent>,
    /// Whether there is something to remove.
    pub(super) has_dead: bool,
}

enum Look {
    Absent,
    /// Its worker does not live.
    Dead,
    Unchanged,
    Changed(Entry),
}

/// The names in a directory, by kind.
#[derive(Default)]
struct Listing {
    records: BTreeSet<String>,
    unshown: Vec<(String, String)>,
    sockets: Vec<String>,
    foreign: BTreeSet<String>,
}

impl Known {
    /// Looks again.
    ///
    /// # Errors
    /// When the directory cannot be looked through; nothing has changed then.
    pub(super) fn look(&mut self, directory: &OwnedFd, here: &Here) -> nix::Result<Seen> {
        let mut listing = Listing::of(directory)?;
        // A name that is replaced while the directory is listed may be missing in the list.
        listing.records.extend(
            self.entries
                .keys()
                .filter(|name| matches!(Name::of(name), Name::Record(_)))
                .cloned(),
        );
        let mut changed = BTreeMap::new();
        let mut gone = self.foreign_gone(&listing.foreign);
        let mut living = BTreeSet::new();
        let mut has_dead = false;
        for name in listing.records {
            match look_at(directory, &name, self.entries.get(&name), here)? {
                Look::Absent => gone.push(name),
                Look::Dead => {
                    has_dead = true;
                    gone.push(name);
                }
                Look::Unchanged => {
                    living.insert(name);
                }
                Look::Changed(entry) => {
                    living.insert(name.clone());
                    changed.insert(name, entry);
                }
            }
        }
        for name in listing.foreign {
            if !self.entries.contains_key(&name) {
                let entry = Entry::foreign(&name);
                changed.insert(name, entry);
            }
        }
        for (name, bare) in listing.unshown {
            match open_living(directory, &name)? {
                Some(Opened::Living(..)) => {
                    living.insert(bare);
                }
                Some(Opened::Dead(_)) => has_dead = true,
                Some(Opened::Refused(_)) | None => {}
            }
        }
        has_dead |= listing.sockets.iter().any(|bare| !living.contains(bare));
        Ok(Seen {
            events: self.apply(gone, changed),
            has_dead,
        })
    }

    fn foreign_gone(&self, foreign: &BTreeSet<String>) -> Vec<String> {
        self.entries
            .keys()
            .filter(|name| matches!(Name::of(name), Name::Foreign) && !foreign.contains(*name))
            .cloned()
            .collect()
    }

    /// All that is there, as events.
    pub(super) fn all(&self) -> impl Iterator<Item = DiscoveryEvent> {
        self.entries.values().map(|entry| entry.content.event())
    }

    fn apply(
        &mut self,
        gone: Vec<String>,
        changed: BTreeMap<String, Entry>,
    ) -> Vec<DiscoveryEvent> {
        let mut events = Vec::new();
        let gone_event = |name: &str| DiscoveryEvent::Gone {
            key: names::dashed(name),
        };
        for name in gone {
            if self.entries.remove(&name).is_some() {
                events.push(gone_event(&name));
            }
        }
        for (name, entry) in changed {
            match self.entries.get(&name) {
                Some(before) if before.content == entry.content => {}
                Some(before) => {
                    if before.content.is_usable() != entry.content.is_usable() {
                        events.push(gone_event(&name));
                    }
                    events.push(entry.content.event());
                }
                None => events.push(entry.content.event()),
            }
            self.entries.insert(name, entry);
        }
        events
    }
}

/// Removes what the dead have left in all namespaces of a root, and the namespaces that are empty then.
/// What cannot be removed stays for the next time.
pub(super) fn sweep(root: &Root) {
    let Ok(directory) = root.open() else { return };
    let Ok(names) = list(&directory) else { return };
    for namespace in names {
        let opened = openat(
            &directory,
            namespace.as_str(),
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::empty(),
        );
        let Ok(opened) = opened else { continue };
        remove_dead(&opened);
        root.remove_if_empty(&namespace);
    }
}

/// Removes what the dead have left in a namespace. What cannot be removed is no less dead, and the next look
/// tries again.
pub(super) fn remove_dead(directory: &OwnedFd) {
    let _ = try_remove_dead(directory);
}

fn try_remove_dead(directory: &OwnedFd) -> nix::Result<()> {
    let listing = Listing::of(directory)?;
    let mut living = BTreeSet::new();
    for name in listing.records {
        match open_living(directory, &name)? {
            Some(Opened::Dead(file)) => remove_if_dead(directory, &name, &file),
            Some(Opened::Living(..) | Opened::Refused(_)) => {
                living.insert(name);
            }
            None => {}
        }
    }
    remove_unshown(directory, &listing.unshown, &mut living)?;
    remove_sockets(directory, &listing.sockets, &living)
}

impl Entry {
    fn turned_away(turned: TurnedAway) -> Entry {
        Entry {
            stamp: None,
            content: Content::TurnedAway(turned),
        }
    }

    fn foreign(name: &str) -> Entry {
        Entry::turned_away(record::turned_away(
            name,
            TurnedAwayReason::Unreadable,
            "its name is not that of a worker's record".to_owned(),
        ))
    }
}

impl Content {
    fn is_usable(&self) -> bool {
        matches!(self, Content::Usable(_))
    }

    fn event(&self) -> DiscoveryEvent {
        match self {
            Content::Usable(record) => DiscoveryEvent::Found(Box::new(Found {
                record: (**record).clone(),
                trusted: true,
            })),
            Content::TurnedAway(turned) => DiscoveryEvent::TurnedAway(turned.clone()),
        }
    }
}

impl Stamp {
    fn of(stat: &FileStat) -> Stamp {
        Stamp {
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

impl Listing {
    fn of(directory: &OwnedFd) -> nix::Result<Listing> {
        let mut listing = Listing::default();
        for name in list(directory)? {
            match Name::of(&name) {
                Name::Record(_) => {
                    listing.records.insert(name);
                }
                Name::Unshown(bare) => {
                    let bare = bare.to_owned();
                    listing.unshown.push((name, bare));
                }
                Name::Socket(bare) => listing.sockets.push(bare.to_owned()),
                Name::Foreign => {
                    listing.foreign.insert(name);
                }
                Name::Hidden => {}
            }
        }
        Ok(listing)
    }
}

fn list(directory: &OwnedFd) -> nix::Result<Vec<String>> {
    match read_names(directory) {
        // Removed meanwhile: nothing is in it.
        Err(Errno::ENOENT) => Ok(Vec::new()),
        names => names,
    }
}

fn read_names(directory: &OwnedFd) -> nix::Result<Vec<String>> {
    // A descriptor of its own: reading moves a position that copies would share.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Dir::from_fd(openat(directory, ".", flags, Mode::empty())?)?
        .into_iter()
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .filter(|name| !matches!(name.as_deref(), Ok("." | "..")))
        .collect()
}

enum Opened {
    Living(File, FileStat),
    Dead(File),
    /// Nothing that a worker of this user can have made.
    Refused(TurnedAway),
}

/// Opens a worker's file and looks whether the worker lives; `None` when it is not there.
fn open_living(directory: &OwnedFd, name: &str) -> nix::Result<Option<Opened>> {
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    loop {
        let file = match openat(directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EIO)) => {
                return Err(errno);
            }
            // What may not be opened is another user's, or no file at all.
            Err(errno) => return unopenable(directory, name, errno),
        };
        let stat = fstat(&file)?;
        if let Some(turned) = refuse(name, &stat) {
            return Ok(Some(Opened::Refused(turned)));
        }
        if lock::is_taken(&file)? {
            return Ok(Some(Opened::Living(file, stat)));
        }
        // Without a name it has just been replaced, by a file that is locked; or removed.
        if lock::has_name(&file)? {
            return Ok(Some(Opened::Dead(file)));
        }
    }
}

fn unopenable(directory: &OwnedFd, name: &str, errno: Errno) -> nix::Result<Option<Opened>> {
    let stat = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(None),
        stat => stat?,
    };
    let turned = refuse(name, &stat).unwrap_or_else(|| {
        let message = format!("its file cannot be opened: {}", errno.desc());
        record::turned_away(name, TurnedAwayReason::Unreadable, message)
    });
    Ok(Some(Opened::Refused(turned)))
}

/// Refuses what is not a file of this user.
fn refuse(name: &str, stat: &FileStat) -> Option<TurnedAway> {
    if stat.st_uid != geteuid().as_raw() {
        let message = format!("its file belongs to uid {}", stat.st_uid);
        let reason = TurnedAwayReason::OtherUser;
        return Some(record::turned_away(name, reason, message));
    }
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    if kind != SFlag::S_IFREG {
        let reason = TurnedAwayReason::Unreadable;
        return Some(record::turned_away(
            name,
            reason,
            "it is not a file".to_owned(),
        ));
    }
    None
}

fn look_at(
    directory: &OwnedFd,
    name: &str,
    known: Option<&Entry>,
    here: &Here,
) -> nix::Result<Look> {
    let (file, stat) = match open_living(directory, name)? {
        None => return Ok(Look::Absent),
        Some(Opened::Dead(_)) => return Ok(Look::Dead),
        Some(Opened::Refused(turned)) => return Ok(Look::Changed(Entry::turned_away(turned))),
        Some(Opened::Living(file, stat)) => (file, stat),
    };
    let stamp = Some(Stamp::of(&stat));
    if known.is_some_and(|known| known.stamp == stamp) {
        return Ok(Look::Unchanged);
    }
    let content = match record::decode(name, &read(&file)?, here) {
        Ok(record) => Content::Usable(Box::new(record)),
        Err(turned) => Content::TurnedAway(turned),
    };
    Ok(Look::Changed(Entry { stamp, content }))
}

/// Up to one byte more than a record may have. Read and not mapped: a file that is cut meanwhile would be
/// a SIGBUS.
fn read(file: &File) -> nix::Result<Vec<u8>> {
    let mut bytes = vec![0; LARGEST + 1];
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Removes a file whose lock nobody holds, unless somebody takes it into use now.
fn remove_if_dead(directory: &OwnedFd, name: &str, file: &impl AsFd) {
    // A name is given to files by one process only, which held the lock of one until the next had taken
    // its place: as long as this one is kept from use and has a name, it has this one.
    if let (Ok(true), Ok(true)) = (lock::keep_from_use(file), lock::has_name(file)) {
        remove(directory, name);
    }
}

/// Of the records that are not shown yet, removes the dead, and adds the workers of the others to the living.
fn remove_unshown(
    directory: &OwnedFd,
    unshown: &[(String, String)],
    living: &mut BTreeSet<String>,
) -> nix::Result<()> {
    for (name, bare) in unshown {
        match open_living(directory, name)? {
            Some(Opened::Dead(file)) => remove_if_dead(directory, name, &file),
            Some(Opened::Living(..)) => {
                living.insert(bare.clone());
            }
            Some(Opened::Refused(_)) | None => {}
        }
    }
    Ok(())
}

/// Removes the sockets of workers that do not live.
fn remove_sockets(
    directory: &OwnedFd,
    sockets: &[String],
    living: &BTreeSet<String>,
) -> nix::Result<()> {
    let mut orphans = sockets
        .iter()
        .filter(|bare| !living.contains(*bare))
        .peekable();
    if orphans.peek().is_none() {
        return Ok(());
    }
    // A worker that came while the directory was listed: its lock was there before its socket, so it is
    // seen now, either not shown yet or, after that, shown.
    let mut newcomers = BTreeSet::new();
    remove_unshown(directory, &Listing::of(directory)?.unshown, &mut newcomers)?;
    for bare in orphans {
        let lives = newcomers.contains(bare)
            || matches!(open_living(directory, bare)?, Some(Opened::Living(..)));
        if !lives {
            remove(directory, &names::socket(bare));
        }
    }
    Ok(())
}

fn remove(directory: &OwnedFd, name: &str) {
    // Somebody else may have removed it; what cannot be removed is tried again.
    let _ = unlinkat(directory, name, UnlinkatFlags::NoRemoveDir);
}
