//! Where the records are kept, and where not.

use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::children::Process;
use super::{Directory, Told, cannot, is_root, names, publish, record, set_mode, uid};
use crate::discovery::Announced;
use crate::discovery::local::LocalDiscovery;
use crate::discovery::local::root::Root;
use crate::error::{Error, ErrorKind};

pub(super) const RUNTIME_DIRECTORY: &str = "XDG_RUNTIME_DIR";

fn refusal(directory: &Directory) -> Error {
    let discovery = directory.discovery("test");
    let announced = discovery.announce(&uid()).err().unwrap();
    let subscribed = discovery.subscribe(super::sink().0).err().unwrap();
    assert_eq!(announced.kind(), subscribed.kind());
    announced
}

#[test]
fn the_directory_is_this_users_alone() {
    let directory = Directory::new();
    let _announcement = publish(&directory.discovery("test"), &uid());
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode(&directory.root()), 0o700);
    let namespace = directory.namespace("test");
    assert_eq!(mode(&namespace), 0o700);
    for name in names(&namespace) {
        assert_eq!(mode(&namespace.join(name)), 0o600);
    }
}

#[test]
fn a_directory_that_is_open_to_others_is_refused() {
    for mode in [0o750, 0o705, 0o770, 0o701] {
        let directory = Directory::new();
        std::fs::create_dir(directory.root()).unwrap();
        set_mode(&directory.root(), mode);
        let error = refusal(&directory);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.message().contains(&format!("{mode:04o}")), "{error}");
    }
}

#[test]
fn a_link_or_a_file_in_its_place_is_refused() {
    let directory = Directory::new();
    let elsewhere = Directory::new();
    set_mode(&elsewhere.0, 0o700);
    symlink(&elsewhere.0, directory.root()).unwrap();
    let error = refusal(&directory);
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.message().contains("symbolic link"), "{error}");
    assert_eq!(names(&elsewhere.0), [""; 0]);

    std::fs::remove_file(directory.root()).unwrap();
    std::fs::write(directory.root(), "").unwrap();
    assert_eq!(refusal(&directory).kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_link_in_the_place_of_a_namespace_is_refused() {
    let directory = Directory::new();
    let elsewhere = Directory::new();
    std::fs::create_dir(directory.root()).unwrap();
    set_mode(&directory.root(), 0o700);
    symlink(&elsewhere.0, directory.namespace("test")).unwrap();
    let error = refusal(&directory);
    assert_eq!(error.kind(), ErrorKind::Discovery, "{error}");
    assert_eq!(names(&elsewhere.0), [""; 0]);
}

#[test]
fn a_directory_of_another_user_is_refused() {
    if !is_root() {
        return cannot("another user's directory", "only root can give one away");
    }
    let directory = Directory::new();
    std::fs::create_dir(directory.root()).unwrap();
    set_mode(&directory.root(), 0o700);
    chown(directory.root(), Some(65534), None).unwrap();
    let error = refusal(&directory);
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.message().contains("belongs to uid 65534"), "{error}");
}

#[test]
fn only_what_is_ours_is_tidied_up() {
    let directory = Directory::new();
    let bystander = directory.0.join("empty");
    std::fs::create_dir(&bystander).unwrap();
    let hash = bystander.join("0123456789abcdef0123456789abcdef");
    std::fs::write(&hash, "somebody's").unwrap();
    let discovery = directory.discovery("test");
    drop(publish(&discovery, &uid()));
    Told::of(&discovery).scanned();
    assert!(hash.exists());
}

#[test]
fn without_shared_memory_it_is_the_runtime_directory() {
    let directory = Directory::new();
    let absent = directory.0.join("absent");
    let runtime_directory = Some(OsString::from(&directory.0));
    let root = Root::of_user(&absent, runtime_directory).unwrap();
    assert_eq!(root.path(), directory.0.join("wool"));

    for other in [None, Some(OsString::from("relative"))] {
        let error = Root::of_user(&absent, other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Discovery);
        for word in ["absent", RUNTIME_DIRECTORY, "in_directory"] {
            assert!(error.message().contains(word), "{error}");
        }
    }
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let directory = Directory::new();
    let discovery = LocalDiscovery::new("test")
        .unwrap()
        .in_directory(directory.0.join("absent"));
    let error = discovery.announce(&uid()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Discovery);
}

/// In a process of another user.
pub(super) fn find_nobody(discovery: &LocalDiscovery) {
    let told = Told::of(discovery);
    told.scanned();
    let directory = discovery.directory().unwrap();
    let denied = std::fs::read_dir(directory.join("wool-0")).unwrap_err();
    assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
}

fn in_shared_memory(options: &str, runtime_directory: Option<&Path>, role: &str) {
    if is_root() {
        Process::start_in_shared_memory(options, runtime_directory, role).succeed();
    } else {
        cannot(role, "only root can mount shared memory of its own");
    }
}

#[test]
fn full_shared_memory_is_an_error_until_there_is_room() {
    in_shared_memory("size=64k,mode=1777", None, "full");
}

pub(super) fn in_full_shared_memory() {
    let discovery = LocalDiscovery::new("test").unwrap();
    let uid = uid();
    let mut announcement = discovery.announce(&uid).unwrap();
    let filler = Path::new("/dev/shm/filler");
    let full = std::fs::write(filler, vec![1; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let error = announcement.publish(&record(&uid, &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Discovery);
    assert!(error.message().contains("full"), "{error}");
    let told = Told::of(&discovery);
    told.scanned();
    std::fs::remove_file(filler).unwrap();
    announcement.publish(&record(&uid, &[])).unwrap();
    assert_eq!(told.found().uid, uid);
    let root = format!("/dev/shm/wool-{}", geteuid());
    assert_eq!(names(&Path::new(&root).join("test")).len(), 1);
}

#[test]
fn shared_memory_without_files_to_be_had_is_an_error() {
    in_shared_memory("nr_inodes=2,mode=1777", None, "no-more-files");
}

pub(super) fn in_shared_memory_without_files() {
    let error = LocalDiscovery::new("test")
        .unwrap()
        .announce(&uid())
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Discovery);
    assert!(error.message().contains("full"), "{error}");
}

#[test]
fn read_only_shared_memory_is_not_used() {
    in_shared_memory("ro", None, "read-only");
    let directory = Directory::within(&std::env::temp_dir());
    in_shared_memory("ro", Some(&directory.0), "read-only-with-runtime-directory");
}

pub(super) fn in_read_only_shared_memory() {
    let error = LocalDiscovery::new("test")
        .unwrap()
        .announce(&uid())
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Discovery);
    assert!(error.message().contains("Read-only"), "{error}");
}

pub(super) fn in_runtime_directory() {
    let directory = PathBuf::from(std::env::var_os(RUNTIME_DIRECTORY).unwrap());
    let discovery = LocalDiscovery::new("test").unwrap();
    let uid = uid();
    let _announcement = publish(&discovery, &uid);
    assert_eq!(names(&directory.join("wool/test")).len(), 1);
    assert_eq!(Told::of(&discovery).found().uid, uid);
}
