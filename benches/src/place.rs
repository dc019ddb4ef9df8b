//! Where a worker program is reached: `host:port` or `unix:/path`.

use std::fmt;
use std::path::PathBuf;

pub enum Place {
    Tcp(String),
    Unix(PathBuf),
}

impl Place {
    pub fn parse(address: &str) -> Place {
        match address.strip_prefix("unix:") {
            Some(path) => Place::Unix(PathBuf::from(path)),
            None => Place::Tcp(address.to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => f.write_str(address),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A path for a socket of this process.
pub fn fresh_socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("wool-bench-{name}-{}.sock", std::process::id()))
}
