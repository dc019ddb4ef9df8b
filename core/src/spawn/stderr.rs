//! What worker processes write to their standard error: the end of it is kept for the story of how they
//! ended, all of it goes to this process's own.

use std::io::Write;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nix::errno::Errno;
use nix::libc::{dev_t, ino_t};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Bytes kept of each process.
const KEPT: usize = 4096;
/// Bytes taken at once.
pub(super) const CHUNK: usize = 4096;
/// Chunks that wait for a slow standard error; what comes on top is left out.
const WAITING: usize = 64;
const STDERR: RawFd = 2;
/// How long a full standard error is waited for before it is looked at again whether it is still the same.
const LOOK_AGAIN_MS: u16 = 1000;

/// The last bytes of a text.
#[derive(Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// Whether bytes were left out before them.
    cut: bool,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
            self.cut = true;
        }
    }

    /// Whole lines, unless there is only one.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_end();
        match text.split_once('\n') {
            Some((_, rest)) if self.cut => rest.to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// Writes to this process's standard error on the thread `wool-stderr`, which may block there; nobody else
/// does. It lives while somebody holds this.
pub(super) struct Forwarder {
    chunks: SyncSender<Vec<u8>>,
    left_out: Arc<AtomicU64>,
}

impl Forwarder {
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no thread.
    pub(super) fn get() -> Result<Arc<Forwarder>> {
        static CURRENT: Mutex<Weak<Forwarder>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(forwarder) = current.upgrade() {
            return Ok(forwarder);
        }
        let forwarder = Arc::new(Forwarder::start(Stderr::now())?);
        *current = Arc::downgrade(&forwarder);
        Ok(forwarder)
    }

    fn start(mut output: impl Write + Send + 'static) -> Result<Forwarder> {
        let (chunks, waiting) = sync_channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&left_out);
        std::thread::Builder::new()
            .name("wool-stderr".to_owned())
            .spawn(move || {
                Runtime::mark_wool_thread();
                forward(&waiting, &lost, &mut output);
            })
            .map_err(|error| {
                Error::new(
                    ErrorKind::Io,
                    format!("the thread wool-stderr cannot be started: {error}"),
                )
            })?;
        Ok(Forwarder { chunks, left_out })
    }

    /// Never blocks.
    pub(super) fn write(&self, bytes: &[u8]) {
        let lost = match self.chunks.try_send(bytes.to_vec()) {
            Ok(()) => return,
            Err(TrySendError::Full(chunk) | TrySendError::Disconnected(chunk)) => chunk.len(),
        };
        self.left_out.fetch_add(lost as u64, Ordering::Relaxed);
    }
}

fn forward(chunks: &Receiver<Vec<u8>>, left_out: &AtomicU64, output: &mut impl Write) {
    while let Ok(chunk) = chunks.recv() {
        // A standard error that takes nothing is no reason to stop: what is not read would fill up.
        let _ = output.write_all(&chunk);
        let lost = left_out.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!(
                "\n[wool: {lost} bytes from the stderr of worker processes are left out here]\n"
            );
            let _ = output.write_all(note.as_bytes());
        }
    }
}

/// The descriptor itself: no buffer and no lock that the host might hold.
struct Stderr {
    /// What it was when the forwarding began: a host that closes it may have something else under this number
    /// later.
    file: Option<(dev_t, ino_t)>,
}

impl Stderr {
    fn now() -> Stderr {
        Stderr { file: identity() }
    }
}

/// Which file the descriptor stands for; `None`: none.
fn identity() -> Option<(dev_t, ino_t)> {
    let stat = fstat(stderr()).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            if self.file.is_none() || self.file != identity() {
                return Err(Errno::EBADF.into());
            }
            match nix::unistd::write(stderr(), bytes) {
                // The host has it non-blocking, as Node has.
                Err(Errno::EAGAIN) => {
                    let mut writable = [PollFd::new(stderr(), PollFlags::POLLOUT)];
                    poll(&mut writable, PollTimeout::from(LOOK_AGAIN_MS))?;
                }
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[allow(unsafe_code, reason = "the descriptor is not ours")]
fn stderr() -> BorrowedFd<'static> {
    // SAFETY: it is only given to system calls, which answer EBADF when it is closed.
    unsafe { BorrowedFd::borrow_raw(STDERR) }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    #[test]
    fn the_tail_is_whole_lines() {
        let mut tail = Tail::default();
        tail.push(b"one\ntwo\n");
        assert_eq!(tail.text(), "one\ntwo");
        tail.push(&[b'x'; KEPT - 10]);
        assert_eq!(tail.text().len(), KEPT - 10 + 8);
        tail.push(b"\nlast\xff\n");
        assert_eq!(tail.text().split('\n').count(), 2);
        assert!(tail.text().ends_with("x\nlast\u{fffd}"));
    }

    /// Takes what is written, once it is let.
    struct Slow {
        go_on: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.go_on.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_output_holds_up_nobody_and_what_is_lost_is_told() {
        let (go_on, blocked) = channel();
        let (written, outcome) = channel();
        let forwarder = Forwarder::start(Slow {
            go_on: blocked,
            written,
        })
        .unwrap();
        let sent = WAITING + 100;
        for _ in 0..sent {
            forwarder.write(b"0123456789");
        }
        drop(go_on);
        drop(forwarder);
        let written: Vec<_> = outcome.iter().collect();
        let arrived = written.iter().filter(|chunk| *chunk == b"0123456789");
        let lost = (sent - arrived.count()) * 10;
        assert!(lost >= 99 * 10);
        let note = String::from_utf8(written[1].clone()).unwrap();
        assert!(note.contains(&format!("{lost} bytes")), "{note}");
    }
}
