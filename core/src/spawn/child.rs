//! The process that was spawned: it becomes a worker, and ends when it is told to or its parent is gone.
//!
//! All of it happens on a thread of its own, `wool-control`, which waits for nothing but the system: a wedged
//! routine, or a wedged I/O thread, cannot keep the process alive.

use std::fs::File;
use std::io::{ErrorKind as IoKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::control::{self, Decoder, Hello, Kind, Ready, Stopped};
use super::ticket::{HIGH, Nonce, Ticket, VARIABLE};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::runtime::{Runtime, refuse_on_wool_thread};
use crate::signals::StopSignals;
use crate::tls::Credentials;
use crate::wire;
use crate::worker::{Grace, Worker, WorkerOptions};

/// From this process's hello until it has heard what worker to be.
const SETUP_WITHIN: Duration = Duration::from_secs(30);
/// From the end of the parent until this process has ended.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Whether this process has come to the point where a spawned one becomes a worker.
static PASSED: AtomicBool = AtomicBool::new(false);

pub(super) fn passed() -> bool {
    PASSED.load(Ordering::Acquire)
}

/// Where a spawned process becomes a worker: to be called first thing in main, once the routines are
/// registered. Blocks there until the worker has been stopped, by its parent, by SIGTERM or SIGINT (which
/// let its tasks finish; a second signal cancels them), or because its parent is gone.
///
/// False: this process was not spawned, and main is to go on; its pools may start it again from here on.
/// True: it was a worker and has ended, and main is to return.
///
/// # Errors
/// The worker could not start, and its parent has been told; the process is to end with a failure.
/// [`ErrorKind::SpawnFailed`] when a worker was wanted but the command that started this process did not
/// pass its standard input on. [`ErrorKind::InvalidArgument`] on one of wool's threads.
pub fn serve_if_spawned(runtime: &Runtime) -> Result<bool> {
    refuse_on_wool_thread("the end of a spawned worker")?;
    let (ended, end) = mpsc::channel();
    let spawned = serve_if_spawned_with(runtime, move |result| {
        // The receiver waits below.
        let _ = ended.send(result);
    })?;
    if !spawned {
        return Ok(false);
    }
    match end.recv() {
        Ok(result) => result.map(|()| true),
        Err(_) => Err(Error::new(
            ErrorKind::Internal,
            "the thread wool-control panicked",
        )),
    }
}

/// As [`serve_if_spawned`], without blocking: tells at once whether this process was spawned. If so, `done`
/// is called when the worker has ended, on one of wool's threads; it must not block. The process is to end
/// then; its parent waits 5 s for that.
///
/// # Errors
/// As [`serve_if_spawned`], but those of the worker's start are given to `done`.
pub fn serve_if_spawned_with(
    runtime: &Runtime,
    done: impl FnOnce(Result<()>) + Send + 'static,
) -> Result<bool> {
    PASSED.store(true, Ordering::Release);
    let Some((nonce, socket)) = take_control_socket()? else {
        return Ok(false);
    };
    let io = |error: Errno| Error::new(ErrorKind::Io, error.to_string());
    let spawned = Spawned {
        socket,
        decoder: Decoder::default(),
        signals: StopSignals::install()?,
        stopped: Arc::new(
            EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(io)?,
        ),
        orphaned: None,
        credentials: None,
        runtime: runtime.clone(),
    };
    std::thread::Builder::new()
        .name("wool-control".to_owned())
        .spawn(move || {
            Runtime::mark_wool_thread();
            spawned.live(nonce, done);
        })
        .map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the thread wool-control cannot be started: {error}"),
            )
        })?;
    Ok(true)
}

/// The control socket, if this process was spawned. What it starts in turn finds neither that nor the
/// terminal as its standard input.
fn take_control_socket() -> Result<Option<(Nonce, UnixStream)>> {
    static TAKEN: Mutex<bool> = Mutex::new(false);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(ticket) = Ticket::of_this_process() else {
        return Ok(None);
    };
    let stdin = std::io::stdin();
    if !ticket.admits(&stdin) {
        if !*taken && ticket.was_lost() {
            return Err(Error::new(
                ErrorKind::SpawnFailed,
                format!(
                    "this process was started to be a worker ({VARIABLE} is set), but the command that \
                     started it did not pass its standard input on, which carries the control socket: \
                     use a command that does, as `sh -c` and `env` do"
                ),
            ));
        }
        return Ok(None);
    }
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::Io,
            format!("the control socket cannot be moved from standard input: {error}"),
        )
    };
    let socket = UnixStream::from(duplicate(stdin.as_fd()).map_err(failed)?);
    socket.set_nonblocking(true).map_err(failed)?;
    let nothing = File::open("/dev/null").map_err(failed)?;
    nix::unistd::dup2_stdin(&nothing).map_err(|error| failed(error.into()))?;
    *taken = true;
    Ok(Some((ticket.nonce, socket)))
}

#[allow(
    unsafe_code,
    reason = "the safe functions choose the number themselves"
)]
fn duplicate(descriptor: BorrowedFd<'_>) -> std::io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    let fd = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(HIGH))?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

struct Spawned {
    socket: UnixStream,
    decoder: Decoder,
    signals: StopSignals,
    /// Readable when the worker has stopped.
    stopped: Arc<EventFd>,
    /// When this process ends at the latest, since its parent is gone.
    orphaned: Option<Instant>,
    runtime: Runtime,
    /// Its worker's.
    credentials: Option<Credentials>,
}

/// What the thread is woken by.
enum Event {
    Said(Box<Kind>),
    Signal(u64),
    /// The worker has stopped.
    Stopped,
    /// The parent is gone.
    Orphaned,
    Late,
}

impl Spawned {
    /// Never returns before the process may go on without it.
    fn live(mut self, nonce: Nonce, done: impl FnOnce(Result<()>)) {
        let result = self.serve(nonce);
        let (mut socket, orphaned) = (self.socket, self.orphaned);
        // The host closes its runtime, which waits for nobody who holds it.
        drop(self.runtime);
        done(result);
        // Whatever keeps the program's main from returning: without a parent, this process ends.
        let until = orphaned.unwrap_or_else(|| {
            wait_for_end(&mut socket);
            Instant::now() + END_WITHIN
        });
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::sleep(left);
        }
        end_process();
    }

    fn serve(&mut self, nonce: Nonce) -> Result<()> {
        let hello = Hello {
            nonce: nonce.bytes().to_vec().into(),
            protocol_major: wire::MAJOR,
            protocol_minor: wire::MINOR,
            pid: std::process::id(),
            package_version: wire::PACKAGE_VERSION.to_owned(),
            language: self.runtime.language().to_owned(),
        };
        control::tell(&self.socket, Kind::Hello(hello))?;
        let Some(options) = self.wait_for_setup()? else {
            return Ok(());
        };
        let options = options.inspect(|options| self.credentials.clone_from(&options.credentials));
        let worker = match options.and_then(|options| Worker::start(&self.runtime, options)) {
            Ok(worker) => worker,
            Err(error) => {
                // A parent that is gone needs no telling.
                let _ = control::tell(&self.socket, Kind::Failed(control::failed(&error)));
                return Err(error);
            }
        };
        let stopped = Arc::clone(&self.stopped);
        worker.on_stopped(move || {
            // It fails only for a count that is near 2^64.
            let _ = stopped.write(1);
        });
        let ready = Ready {
            uid: worker.uid().to_owned(),
            address: worker.address().to_owned(),
        };
        let _ = control::tell(&self.socket, Kind::Ready(ready));
        self.until_stopped(&worker);
        let _ = control::tell(&self.socket, Kind::Stopped(Stopped {}));
        Ok(())
    }

    /// `None`: there is to be no worker any more. An inner error is the parent's to know.
    fn wait_for_setup(&mut self) -> Result<Option<Result<WorkerOptions>>> {
        let until = Instant::now() + SETUP_WITHIN;
        loop {
            match self.next(Some(until))? {
                Event::Said(kind) => {
                    let Kind::Setup(setup) = *kind else {
                        return Err(out_of_turn());
                    };
                    let (major, minor) = (setup.protocol_major, setup.protocol_minor);
                    let checked = control::check_major("the spawning process", major, minor);
                    return Ok(Some(checked.and_then(|()| control::worker_options(setup))));
                }
                Event::Signal(_) | Event::Orphaned => return Ok(None),
                Event::Stopped => {}
                Event::Late => {
                    return Err(Error::new(
                        ErrorKind::Timeout,
                        "the spawning process did not say what worker to be",
                    ));
                }
            }
        }
    }

    fn until_stopped(&mut self, worker: &Worker) {
        let mut signals = 0;
        loop {
            let grace = match self.next(self.orphaned) {
                Ok(Event::Stopped) => return,
                Ok(Event::Late) => {
                    self.log(
                        "the routines of an orphaned worker do not stop; the process is ended",
                    );
                    end_process();
                }
                Ok(Event::Signal(count)) => {
                    signals += count;
                    match signals {
                        1 => Grace::Forever,
                        _ => Grace::Now,
                    }
                }
                Ok(Event::Orphaned) => Grace::Now,
                Ok(Event::Said(kind)) => match *kind {
                    Kind::Stop(stop) => control::grace(stop),
                    Kind::Renew(told) => {
                        self.renew(told);
                        continue;
                    }
                    _ => self.give_up(&out_of_turn()),
                },
                Err(error) => self.give_up(&error),
            };
            worker.stop(grace, || {});
        }
    }

    fn renew(&self, told: control::Credentials) {
        if let Some(credentials) = &self.credentials
            && let Err(error) = credentials.update(control::options_of(told))
        {
            self.log(error.message());
        }
    }

    /// A parent that does not make sense is as good as gone.
    fn give_up(&mut self, error: &Error) -> Grace {
        self.log(error.message());
        self.orphaned = Some(Instant::now() + END_WITHIN);
        Grace::Now
    }

    fn log(&self, message: &str) {
        self.runtime.log(Level::Error, "spawn", message);
    }

    fn next(&mut self, until: Option<Instant>) -> Result<Event> {
        loop {
            if self.orphaned.is_none()
                && let Some(kind) = self.decoder.next()?
            {
                return Ok(Event::Said(Box::new(kind)));
            }
            let Some([control, signal, stopped]) = self.wait(until)? else {
                return Ok(Event::Late);
            };
            if stopped {
                // Emptied, so that it is told once.
                let _ = self.stopped.read();
                return Ok(Event::Stopped);
            }
            if signal {
                let count = self.signals.take();
                if count > 0 {
                    return Ok(Event::Signal(count));
                }
            }
            if control && !self.read() {
                self.orphaned = Some(Instant::now() + END_WITHIN);
                return Ok(Event::Orphaned);
            }
        }
    }

    /// Waits for the control socket (while there is a parent), a signal, the worker's end. `None`: it is time.
    fn wait(&self, until: Option<Instant>) -> Result<Option<[bool; 3]>> {
        let input = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [
            input(self.stopped.as_fd()),
            input(self.signals.fd()),
            input(self.socket.as_fd()),
        ];
        let watched = if self.orphaned.is_none() { 3 } else { 2 };
        loop {
            let timeout = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => PollTimeout::NONE,
                Some(left) if left.is_zero() => return Ok(None),
                // Rounded up, so that it is not early.
                Some(left) => PollTimeout::try_from(left + Duration::from_millis(1))
                    .unwrap_or(PollTimeout::MAX),
            };
            match poll(&mut fds[..watched], timeout) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => {
                    let [stopped, signal, control] = fds.map(|fd| fd.any() == Some(true));
                    return Ok(Some([control, signal, stopped]));
                }
                Err(error) => return Err(Error::new(ErrorKind::Io, error.to_string())),
            }
        }
    }

    /// False: the parent is gone.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match (&self.socket).read(&mut bytes) {
            Ok(0) => false,
            Ok(length) => {
                self.decoder.push(&bytes[..length]);
                true
            }
            Err(error) => matches!(error.kind(), IoKind::WouldBlock | IoKind::Interrupted),
        }
    }
}

fn out_of_turn() -> Error {
    Error::new(
        ErrorKind::Protocol,
        "the spawning process sent a message out of turn over the control socket",
    )
}

fn wait_for_end(socket: &mut UnixStream) {
    let mut bytes = [0; 4096];
    // What is still said has come too late. It fails only where it has ended anyway.
    let _ = socket.set_nonblocking(false);
    while let Ok(length) = socket.read(&mut bytes) {
        if length == 0 {
            return;
        }
    }
}

#[allow(unsafe_code, reason = "what runs at exit may be what is wedged")]
fn end_process() -> ! {
    // SAFETY: it ends the process at once, whatever its state.
    unsafe { nix::libc::_exit(1) }
}
