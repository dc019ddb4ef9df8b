//! One worker process, from its start to its end: its control socket, its standard error, its exit.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Socket;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpid, getppid};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::command::{SpawnCommand, failed};
use super::control::{self, Credentials, Decoder, Hello, Kind, Ready, Setup};
use super::pidfd::Child;
use super::slot::Why;
use super::stderr::{CHUNK, Forwarder, Tail};
use super::thread::SpawnThread;
use super::ticket::{Nonce, Ticket, VARIABLE};
use crate::error::{Error, ErrorKind, Result};
use crate::worker::Grace;

/// Reads of each socket and pipe after the process has ended: what others still write is not waited for.
const LAST_READS: usize = 64;

#[derive(Clone, Copy)]
enum Reads {
    /// What tokio has said is there.
    One,
    /// What is there, whether tokio has heard of it or not.
    Last,
}

impl Reads {
    fn most(self) -> usize {
        match self {
            Reads::One => 1,
            Reads::Last => LAST_READS,
        }
    }
}

fn read(descriptor: impl AsFd, bytes: &mut [u8]) -> std::io::Result<usize> {
    Ok(nix::unistd::read(descriptor, bytes)?)
}

/// A process that has been started.
pub(super) struct Started {
    child: Child,
    control: Socket,
    stderr: OwnedFd,
    nonce: Nonce,
}

/// What a process's life tells. `Ended` comes once, and last.
pub(super) enum Event {
    Ready(Ready, u32),
    /// Its worker has stopped or never started, or cannot be reached.
    Leaving,
    /// It said what it must not say.
    Distrust,
    Ended {
        story: String,
    },
}

pub(super) enum Order {
    Stop(Grace),
    Kill(Why),
    /// The credentials of the setup have changed.
    Renew,
}

/// What all processes of a spawner have in common.
pub(super) struct Common {
    pub(super) command: SpawnCommand,
    /// This process's, when the pool was made: the host may change it on another thread at any moment since.
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) setup: Mutex<Setup>,
    pub(super) forwarder: Arc<Forwarder>,
}

impl Common {
    pub(super) fn setup(&self) -> MutexGuard<'_, Setup> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a process. On the thread `wool-spawn` only: it blocks until the program has been executed, and the
/// process is ended when the thread is.
///
/// # Errors
/// [`ErrorKind::SpawnFailed`].
pub(super) fn start(common: &Common, thread: Arc<SpawnThread>) -> Result<Started> {
    let Common {
        command,
        environment,
        ..
    } = common;
    let no_socket = |error: std::io::Error| {
        failed(format!(
            "`{command}` cannot be started without a control socket: {error}"
        ))
    };
    let nonce = Nonce::random()?;
    let (control, theirs) = Socket::pair().map_err(no_socket)?;
    control.set_nonblocking(true).map_err(no_socket)?;
    let ticket = Ticket::new(nonce, &theirs).map_err(no_socket)?;
    let mut process = Command::new(command.program());
    process
        .args(command.arguments())
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env(VARIABLE, ticket.to_string())
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(own_stdout())
        .stderr(Stdio::piped());
    end_with(&mut process, getpid());
    let started = process.spawn().map_err(|error| {
        failed(format!(
            "`{command}` cannot be started: {error}; is the program there, and may it be executed?"
        ))
    })?;
    let pid = i32::try_from(started.id()).map_err(|error| failed(error.to_string()))?;
    let child = Child::new(Pid::from_raw(pid), thread);
    let stderr = started
        .stderr
        .ok_or_else(|| failed(format!("`{command}` was started without a stderr")))?;
    Ok(Started {
        child,
        control,
        stderr: stderr.into(),
        nonce,
    })
}

/// This process's standard output, also where the host has it closed on exec, as Node has.
fn own_stdout() -> Stdio {
    std::io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_or_else(|_| Stdio::null(), Stdio::from)
}

#[allow(
    unsafe_code,
    reason = "only the new process itself can ask for its parent-death signal"
)]
fn end_with(process: &mut Command, parent: Pid) {
    let in_child = move || {
        set_pdeathsig(Signal::SIGTERM)?;
        // The parent may have died before that.
        if getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        // The thread that starts it blocks signals which are not its business.
        SigSet::empty().thread_set_mask()?;
        Ok(())
    };
    // SAFETY: the function makes system calls only, and allocates nothing.
    unsafe { process.pre_exec(in_child) };
}

impl Started {
    pub(super) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Lives with the process until it has ended and been reaped. On `wool-io`.
    pub(super) async fn live(
        self,
        common: Arc<Common>,
        mut orders: mpsc::UnboundedReceiver<Order>,
        tell: impl Fn(Event),
    ) {
        let mut child = self.child;
        let pid = child.pid();
        let mut life = Life {
            control: UnixStream::from_std(self.control).ok(),
            stderr: pipe::Receiver::from_owned_fd(self.stderr).ok(),
            tail: Tail::default(),
            decoder: Decoder::default(),
            stage: Stage::Hello(self.nonce),
            killed: None,
            said: None,
            credentials: None,
            common,
            tell,
        };
        if life.control.is_none() || life.stderr.is_none() {
            life.distrust("its control socket and its stderr cannot be watched".to_owned());
        }
        let ending = loop {
            tokio::select! {
                ending = child.ended() => break ending,
                () = readable(life.control.as_ref()) => life.read_control(Reads::One),
                () = readable_pipe(life.stderr.as_ref()) => life.read_stderr(Reads::One),
                Some(order) = orders.recv() => match order {
                    Order::Stop(grace) => life.stop(grace),
                    Order::Kill(why) => {
                        life.killed.get_or_insert(why.to_string());
                        child.kill();
                    }
                    Order::Renew => life.renew(),
                },
            }
        };
        life.read_control(Reads::Last);
        life.read_stderr(Reads::Last);
        let story = life.story(pid, &ending.to_string());
        (life.tell)(Event::Ended { story });
    }
}

async fn readable(socket: Option<&UnixStream>) {
    match socket {
        // An error is found by the read that follows.
        Some(socket) => drop(socket.readable().await),
        None => std::future::pending().await,
    }
}

async fn readable_pipe(pipe: Option<&pipe::Receiver>) {
    match pipe {
        Some(pipe) => drop(pipe.readable().await),
        None => std::future::pending().await,
    }
}

enum Stage {
    Hello(Nonce),
    /// The worker starts in this process.
    Setup(u32),
    Serving,
    Over,
}

struct Life<T> {
    /// Absent once it has ended.
    control: Option<UnixStream>,
    stderr: Option<pipe::Receiver>,
    tail: Tail,
    decoder: Decoder,
    stage: Stage,
    /// Why.
    killed: Option<String>,
    /// The error that the worker told.
    said: Option<String>,
    /// What it was given.
    credentials: Option<Credentials>,
    common: Arc<Common>,
    tell: T,
}

impl<T: Fn(Event)> Life<T> {
    fn read_control(&mut self, reads: Reads) {
        let mut bytes = [0; CHUNK];
        for _ in 0..reads.most() {
            let Some(control) = &self.control else { return };
            let read = match reads {
                Reads::One => control.try_read(&mut bytes),
                Reads::Last => read(control, &mut bytes),
            };
            match read {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) | Ok(0) => {
                    self.control = None;
                    self.leave();
                }
                Ok(length) => {
                    self.decoder.push(&bytes[..length]);
                    if let Err(error) = self.hear() {
                        self.distrust(error.message().to_owned());
                    }
                }
            }
        }
    }

    fn hear(&mut self) -> Result<()> {
        while let Some(kind) = self.decoder.next()? {
            match (&self.stage, kind) {
                (Stage::Hello(nonce), Kind::Hello(hello)) => {
                    check(nonce, &hello)?;
                    self.stage = Stage::Setup(hello.pid);
                    let setup = self.common.setup().clone();
                    self.credentials.clone_from(&setup.credentials);
                    self.say(Kind::Setup(setup))?;
                }
                (&Stage::Setup(pid), Kind::Ready(ready)) => {
                    self.stage = Stage::Serving;
                    (self.tell)(Event::Ready(ready, pid));
                    self.renew();
                }
                (Stage::Setup(_), Kind::Failed(failed)) => {
                    let kind = ErrorKind::from_number(failed.kind).unwrap_or(ErrorKind::Internal);
                    self.said = Some(Error::new(kind, failed.message).to_string());
                    self.leave();
                }
                (_, Kind::Stopped(_)) => self.leave(),
                _ => {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        "it sent a message out of turn over its control socket",
                    ));
                }
            }
        }
        Ok(())
    }

    fn stop(&mut self, grace: Grace) {
        // Otherwise it stops already, or is killed.
        if matches!(self.stage, Stage::Serving)
            && let Err(error) = self.say(Kind::Stop(control::stop(grace)))
        {
            self.distrust(error.message().to_owned());
        }
    }

    /// One that does not serve yet is told when it does.
    fn renew(&mut self) {
        let credentials = self.common.setup().credentials.clone();
        if !matches!(self.stage, Stage::Serving) || credentials == self.credentials {
            return;
        }
        self.credentials.clone_from(&credentials);
        if let Some(credentials) = credentials
            && let Err(error) = self.say(Kind::Renew(credentials))
        {
            self.distrust(error.message().to_owned());
        }
    }

    fn say(&self, kind: Kind) -> Result<()> {
        match &self.control {
            Some(control) => control::tell(control, kind),
            // It is leaving.
            None => Ok(()),
        }
    }

    fn leave(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            if matches!(self.stage, Stage::Hello(_)) {
                self.said = Some(
                    "its program had not passed wool's main (serve_if_spawned) when it ended or closed its \
                     standard input, which carries the control socket"
                        .to_owned(),
                );
            }
            self.stage = Stage::Over;
            (self.tell)(Event::Leaving);
        }
    }

    fn distrust(&mut self, why: String) {
        self.stage = Stage::Over;
        self.control = None;
        self.killed.get_or_insert(why);
        (self.tell)(Event::Distrust);
    }

    fn read_stderr(&mut self, reads: Reads) {
        let mut bytes = [0; CHUNK];
        for _ in 0..reads.most() {
            let Some(stderr) = &self.stderr else { return };
            let read = match reads {
                Reads::One => stderr.try_read(&mut bytes),
                Reads::Last => read(stderr, &mut bytes),
            };
            match read {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) | Ok(0) => self.stderr = None,
                Ok(length) => {
                    self.tail.push(&bytes[..length]);
                    self.common.forwarder.write(&bytes[..length]);
                }
            }
        }
    }

    fn story(&self, pid: u32, ending: &str) -> String {
        let mut story = format!(
            "process {pid} (`{}`) ended with {ending}",
            self.common.command
        );
        if let Some(why) = &self.killed {
            story.push_str(&format!(", killed because {why}"));
        }
        if let Some(said) = &self.said {
            story.push_str(&format!("; {said}"));
        }
        match self.tail.text() {
            text if text.is_empty() => story.push_str("; it wrote nothing to stderr"),
            text => story.push_str(&format!("; the last of its stderr:\n{text}")),
        }
        story
    }
}

fn check(nonce: &Nonce, hello: &Hello) -> Result<()> {
    if !nonce.is(&hello.nonce) {
        return Err(Error::new(
            ErrorKind::Handshake,
            "it did not know what its environment variable WOOL_SPAWNED says",
        ));
    }
    let peer = format!(
        "the worker process ({} libwool {})",
        hello.language, hello.package_version
    );
    control::check_major(&peer, hello.protocol_major, hello.protocol_minor)
}
