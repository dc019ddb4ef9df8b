//! A worker program and a caller program, and what they cost.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::job::{Failure, Job, Sample};

/// A program that says nothing for this long beyond its job has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How to start a program: the file and its arguments. The caller gets the worker's address as one more.
#[derive(Clone, Debug)]
pub struct Programs {
    pub worker: Vec<String>,
    pub caller: Vec<String>,
}

/// Both, connected. Dropping ends them.
pub struct Peers {
    caller: Program,
    worker: Program,
}

/// A measured job.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub sample: Sample,
    /// Processor time of both processes.
    pub cpu: Duration,
}

impl Peers {
    pub fn start(programs: &Programs) -> Result<Peers, Failure> {
        let worker = Program::start(&programs.worker)?;
        let address = worker.line(ANSWER_WITHIN)?;
        let mut caller = programs.caller.clone();
        caller.push(address);
        let caller = Program::start(&caller)?;
        Ok(Peers { caller, worker })
    }

    pub fn run(&mut self, job: Job) -> Result<Measured, Failure> {
        let before = self.cpu()?;
        self.caller.say(&job.to_string())?;
        let sample = Sample::parse(&self.caller.line(job.time + ANSWER_WITHIN)?)?;
        let cpu = self.cpu()?.saturating_sub(before);
        Ok(Measured { sample, cpu })
    }

    fn cpu(&self) -> Result<Duration, Failure> {
        Ok(self.worker.cpu()? + self.caller.cpu()?)
    }
}

struct Program {
    name: String,
    child: Child,
    /// Its end tells the program to end.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    fn start(command: &[String]) -> Result<Program, Failure> {
        let name = command.join(" ");
        let [file, arguments @ ..] = command else {
            return Err("no program was named".into());
        };
        let mut child = Command::new(file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name} does not start: {error}"))?;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Program {
            name,
            child,
            input,
            lines,
        })
    }

    fn say(&mut self, line: &str) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("the program has no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn line(&self, within: Duration) -> Result<String, Failure> {
        self.lines
            .recv_timeout(within)
            .map_err(|error| format!("{} gave no answer: {error}", self.name).into())
    }

    /// User and system time of all its threads, also of those that have ended.
    fn cpu(&self) -> Result<Duration, Failure> {
        let clock = clock_getcpuclockid(Pid::from_raw(self.child.id().try_into()?))?;
        Ok(Duration::from(clock_gettime(clock)?))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        // Its output ends when it does.
        let ends = || self.lines.recv_timeout(ANSWER_WITHIN);
        while ends().is_ok() {}
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // Hangs, or is just about to end; either way nothing is left to be told of it.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
