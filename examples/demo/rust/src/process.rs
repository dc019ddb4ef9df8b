//! Processes that the demo starts, and never leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::failure::Failure;

/// A process that has not ended by itself by then is killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// What is kept of a process's errors, bytes.
const KEPT_ERRORS: usize = 4 << 10;

/// A child process that measures and ends. Dropped, it is killed.
pub(crate) struct Process {
    name: String,
    child: Child,
    /// Its lines, and then, when it has ended, nothing.
    lines: mpsc::UnboundedReceiver<String>,
    errors: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(
        name: String,
        program: &Path,
        arguments: &[&str],
    ) -> Result<Process, Failure> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the coordinator alone, which then ends the others in order.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                Failure::new(format!(
                    "{name} cannot be started as {}: {error}",
                    program.display()
                ))
            })?;
        let (sender, lines) = mpsc::unbounded_channel();
        let errors = Arc::default();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || read_lines(stdout, &sender));
        }
        if let Some(stderr) = child.stderr.take() {
            let errors = Arc::clone(&errors);
            thread::spawn(move || keep_errors(stderr, &errors));
        }
        Ok(Process {
            name,
            child,
            lines,
            errors,
        })
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// It ended first, or nothing came in time.
    pub(crate) async fn line(&mut self, within: Duration) -> Result<String, Failure> {
        match timeout(within, self.lines.recv()).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => {
                let status = self.child.wait()?;
                Err(self.story(&format!("ended: {status}")))
            }
            Err(_) => Err(self.story(&format!("said nothing for {} s", within.as_secs()))),
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It had to be killed, or ended with a failure.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        // The other end of its output is held by nobody else.
        let all_said = async { while self.lines.recv().await.is_some() {} };
        if timeout(END_TIMEOUT, all_said).await.is_err() {
            self.child.kill()?;
            self.child.wait()?;
            return Err(self.story("did not end, and was killed"));
        }
        let status = self.child.wait()?;
        if !status.success() {
            return Err(self.story(&format!("ended: {status}")));
        }
        Ok(())
    }

    fn story(&self, what: &str) -> Failure {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = String::from_utf8_lossy(&errors);
        let (name, id, errors) = (&self.name, self.child.id(), errors.trim());
        if errors.is_empty() {
            return Failure::new(format!("{name} (process {id}) {what}"));
        }
        Failure::new(format!("{name} (process {id}) {what}; it said:\n{errors}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both do nothing when it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stdout: ChildStdout, lines: &mpsc::UnboundedSender<String>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // Read on when nobody listens: a full pipe would hold the process up.
        let _ = lines.send(line);
    }
}

fn keep_errors(mut stderr: ChildStderr, errors: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.extend_from_slice(&buffer[..read]);
        let excess = errors.len().saturating_sub(KEPT_ERRORS);
        errors.drain(..excess);
    }
}
