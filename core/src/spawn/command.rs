//! The command that starts a worker process.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, ErrorKind, Result};

/// What starts a worker process: a program and its arguments, nothing that a shell would read. The process
/// inherits environment and working directory. It, or what it starts, has to pass
/// [`crate::serve_if_spawned`]; its standard input, which carries the control socket, must reach that point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnCommand {
    program: OsString,
    arguments: Vec<OsString>,
    own: bool,
}

impl SpawnCommand {
    /// This program again, with the arguments it was started with.
    ///
    /// # Errors
    /// [`ErrorKind::SpawnFailed`] when the system does not tell what this program is.
    pub fn this_program() -> Result<SpawnCommand> {
        let path = std::env::current_exe().map_err(|error| {
            failed(format!(
                "this program does not know its own path ({error}): give the pool a command"
            ))
        })?;
        // The file may have been replaced since; the running one can still be started.
        let program = match path.exists() {
            true => path.into_os_string(),
            false => OsString::from("/proc/self/exe"),
        };
        Ok(SpawnCommand {
            program,
            arguments: std::env::args_os().skip(1).collect(),
            own: true,
        })
    }

    /// This program again, as its language knows how to start it. As with [`SpawnCommand::this_program`], pools
    /// refuse it in a process that has not passed [`crate::serve_if_spawned`].
    ///
    /// # Errors
    /// As [`SpawnCommand::new`].
    pub fn again<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Result<SpawnCommand> {
        let command = SpawnCommand::new(argv)?;
        Ok(SpawnCommand {
            own: true,
            ..command
        })
    }

    /// Another program, or a wrapper around one: the program, looked up in `PATH`, then its arguments.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] without a program, or with a zero byte anywhere.
    pub fn new<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Result<SpawnCommand> {
        let invalid = |problem: &str| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("the command for worker processes {problem}"),
            )
        };
        let mut argv: Vec<OsString> = argv.into_iter().map(Into::into).collect();
        if argv.iter().any(|part| part.as_bytes().contains(&0)) {
            return Err(invalid(
                "has an argument with a zero byte, which no program can receive",
            ));
        }
        if argv.first().is_none_or(|program| program.is_empty()) {
            return Err(invalid(
                "is empty: its first element is the program to start",
            ));
        }
        let arguments = argv.split_off(1);
        Ok(SpawnCommand {
            program: argv.swap_remove(0),
            arguments,
            own: false,
        })
    }

    /// The program.
    pub fn program(&self) -> &OsString {
        &self.program
    }

    /// Its arguments, without the program.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Whether it starts this program again.
    pub fn is_own(&self) -> bool {
        self.own
    }
}

/// As a shell would want it typed.
impl fmt::Display for SpawnCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in std::iter::once(&self.program)
            .chain(&self.arguments)
            .enumerate()
        {
            if index > 0 {
                f.write_str(" ")?;
            }
            let part = part.to_string_lossy();
            let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
            if !part.is_empty() && part.chars().all(plain) {
                f.write_str(&part)?;
            } else {
                write!(f, "'{}'", part.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

pub(super) fn failed(message: String) -> Error {
    Error::new(ErrorKind::SpawnFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_it_would_be_typed() {
        let command = SpawnCommand::new(["sh", "-c", "it's $1", "", "a=b"]).unwrap();
        assert_eq!(command.to_string(), r"sh -c 'it'\''s $1' '' a=b");
        assert!(!command.is_own());
    }

    #[test]
    fn a_command_that_cannot_be_started_is_refused() {
        for argv in [&[][..], &["", "x"], &["x", "a\0b"]] {
            let error = SpawnCommand::new(argv.iter().copied()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn this_program_keeps_its_arguments() {
        let command = SpawnCommand::this_program().unwrap();
        assert_eq!(
            command.program(),
            std::env::current_exe().unwrap().as_os_str()
        );
        assert!(
            command
                .arguments()
                .iter()
                .eq(std::env::args_os().skip(1).collect::<Vec<_>>().iter())
        );
        assert!(command.is_own());
        assert!(SpawnCommand::again(["node", "main.js"]).unwrap().is_own());
    }
}
