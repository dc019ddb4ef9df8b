//! Programs that are workers: serve until a signal says otherwise, then drain.

use std::os::fd::AsFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::runtime::{Runtime, refuse_on_wool_thread};
use crate::signals::StopSignals;
use crate::worker::{Grace, Worker, WorkerOptions};

impl Worker {
    /// For a program that is a worker: starts one and serves, until the process gets SIGTERM or SIGINT. Then it is not to be
    /// found any more, takes no new tasks, lets those that run go on for the grace, and returns when the last has ended. A
    /// second signal stops it at once. It returns, too, when the runtime is closed meanwhile. Blocks.
    ///
    /// While it runs the two signals are wool's; afterwards they do what they did before.
    ///
    /// ```no_run
    /// use wool::{Discovery, Grace, LanDiscovery, Worker, WorkerOptions};
    ///
    /// # fn serve(runtime: &wool::Runtime) -> wool::Result<()> {
    /// let options = WorkerOptions {
    ///     publish: Some(Discovery::Lan(LanDiscovery::new())),
    ///     ..WorkerOptions::default()
    /// };
    /// Worker::run(runtime, options, Grace::Forever)
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Worker::start`]. [`ErrorKind::InvalidArgument`] on one of wool's threads, and when a worker of this process
    /// is run already.
    pub fn run(runtime: &Runtime, options: WorkerOptions, grace: Grace) -> Result<()> {
        Worker::run_with(runtime, options, grace, |_| {})
    }

    /// As [`Worker::run`], and calls `started` when callers can connect, for its address and uid.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub fn run_with(
        runtime: &Runtime,
        options: WorkerOptions,
        grace: Grace,
        started: impl FnOnce(&Worker),
    ) -> Result<()> {
        refuse_on_wool_thread("the end of a worker")?;
        // Before the worker: whoever knows of it may end it.
        let signals = StopSignals::install()?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let stopped = Arc::new(EventFd::from_flags(flags).map_err(failed)?);
        let worker = Worker::start(runtime, options)?;
        let stop = Arc::clone(&stopped);
        worker.on_stopped(move || {
            // It fails only for a count that is near 2^64.
            let _ = stop.write(1);
        });
        started(&worker);
        let mut heard = 0;
        loop {
            let (signalled, ended) = wait(&signals, &stopped)?;
            if ended {
                return Ok(());
            }
            if signalled {
                heard += signals.take();
            }
            let (grace, what) = match heard {
                0 => continue,
                1 => (grace, "a signal ends this worker: it drains"),
                _ => (Grace::Now, "a second signal: this worker cancels its tasks"),
            };
            runtime.log(Level::Info, "worker", what);
            worker.stop(grace, || {});
        }
    }
}

/// Whether a signal has come, and whether the worker has stopped.
fn wait(signals: &StopSignals, stopped: &EventFd) -> Result<(bool, bool)> {
    let input = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut fds = [input(signals.fd()), input(stopped.as_fd())];
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(failed(error)),
            Ok(_) => {
                let [signalled, ended] = fds.map(|fd| fd.any() == Some(true));
                return Ok((signalled, ended));
            }
        }
    }
}

fn failed(error: Errno) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the end of the worker cannot be waited for: {error}"),
    )
}
