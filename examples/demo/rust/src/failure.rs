//! How the demo fails.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// Why the demo ended early, with the status that it ends with.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            status: 1,
        }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            status: 2,
        }
    }

    /// A signal asked for the end; the status is the shell's for it.
    pub(crate) fn interrupted(signal: i32) -> Failure {
        Failure {
            message: "interrupted; all that the demo had started is ended".to_owned(),
            status: u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<wool::Error> for Failure {
    fn from(error: wool::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<wool::value::ValueError> for Failure {
    fn from(error: wool::value::ValueError) -> Failure {
        Failure::new(format!("a worker answered something else: {error}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

/// Tells the user. There is nobody left to tell when standard error is gone.
pub(crate) fn report(failure: &Failure) {
    let _ = writeln!(std::io::stderr(), "wool-demo: {failure}");
}
