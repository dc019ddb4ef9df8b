//! What a process presents to its peers and whom it believes, from where, and its renewal.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::material::{Material, Texts};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::runtime::Runtime;

/// PEM, from a file that may change, or as it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// Read at first and again when it has changed.
    File(PathBuf),
    /// The text itself.
    Text(Vec<u8>),
}

/// What credentials are made of.
#[derive(Clone, Debug)]
pub struct CredentialsOptions {
    /// Certificates of the authorities that peers' certificates must lead to. May be left out by a worker whose callers need
    /// none (`mutual` is false).
    pub ca: Option<Pem>,
    /// The own certificate, followed by those between it and its authority. A caller may leave it out together with `key`
    /// where workers ask for none.
    pub certificate: Option<Pem>,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: Option<Pem>,
    /// Lists of certificates that their authorities have revoked. With one, every certificate of a peer must be covered by
    /// a list that has not expired.
    pub crl: Option<Pem>,
    /// A worker with these asks its callers for a certificate. Default true.
    pub mutual: bool,
    /// How often files are looked at. Default 10 s.
    pub poll: Duration,
}

impl Default for CredentialsOptions {
    fn default() -> CredentialsOptions {
        CredentialsOptions {
            ca: None,
            certificate: None,
            key: None,
            crl: None,
            mutual: true,
            poll: Duration::from_secs(10),
        }
    }
}

/// What a process presents to its peers, and whom it believes. Given to workers and pools, which may share it; it is
/// renewed for all of them without a restart: when its files change, or by [`Credentials::update`].
#[derive(Clone)]
pub struct Credentials {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    current: RwLock<Arc<Material>>,
    /// Counts the renewals.
    generation: watch::Sender<u64>,
}

struct State {
    options: CredentialsOptions,
    texts: Texts,
    looked: Instant,
    problem: Option<Error>,
}

impl Credentials {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is left out or is no PEM, for a key that is not that of the certificate;
    /// [`ErrorKind::Io`] for a file that cannot be read. Each names which part.
    pub fn new(options: CredentialsOptions) -> Result<Credentials> {
        let texts = Texts::read(&options)?;
        let material = Material::new(&texts, options.mutual)?;
        Ok(Credentials {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    options,
                    texts,
                    looked: Instant::now(),
                    problem: None,
                }),
                current: RwLock::new(Arc::new(material)),
                generation: watch::Sender::new(0),
            }),
        })
    }

    /// Takes others from now on, for connections that are made from here on. Sessions of before are drained: what runs goes
    /// on to its end.
    ///
    /// # Errors
    /// As [`Credentials::new`]; then the old ones stay.
    pub fn update(&self, options: CredentialsOptions) -> Result<()> {
        let texts = Texts::read(&options)?;
        let material = Material::new(&texts, options.mutual)?;
        let mut state = self.shared.lock();
        state.options = options;
        self.shared.renew(&mut state, texts, material);
        Ok(())
    }

    /// Looks at the files now. True: they have changed, and what they hold now is used.
    ///
    /// # Errors
    /// As [`Credentials::new`]; the old ones stay.
    pub fn reload(&self) -> Result<bool> {
        let mut state = self.shared.lock();
        state.looked = Instant::now();
        let renewed = self.shared.reload(&mut state);
        state.problem = renewed.as_ref().err().cloned();
        renewed
    }

    /// Why the files as they are now cannot be used, if so: those before are still in use.
    pub fn problem(&self) -> Option<Error> {
        self.shared.lock().problem.clone()
    }

    pub(crate) fn current(&self) -> Arc<Material> {
        let current = self.shared.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes with each renewal.
    pub(crate) fn generations(&self) -> watch::Receiver<u64> {
        self.shared.generation.subscribe()
    }

    /// The PEM as it is in use, to hand it to a process of one's own.
    pub(crate) fn texts(&self) -> (Texts, bool) {
        let state = self.shared.lock();
        (state.texts.clone(), state.options.mutual)
    }

    /// As [`Credentials::reload`], unless somebody has done it just now. `None`: there is nothing to look at.
    fn look(&self) -> Option<Result<bool>> {
        let state = self.shared.lock();
        if !Texts::has_files(&state.options) {
            return None;
        }
        let before = state
            .problem
            .as_ref()
            .map(|error| error.message().to_owned());
        let is_due = state.looked.elapsed() >= state.options.poll / 2;
        drop(state);
        if !is_due {
            return Some(Ok(false));
        }
        match self.reload() {
            // It was told.
            Err(error) if before.as_deref() == Some(error.message()) => Some(Ok(false)),
            told => Some(told),
        }
    }

    fn poll(&self) -> Duration {
        self.shared
            .lock()
            .options
            .poll
            .max(Duration::from_millis(10))
    }
}

impl Shared {
    fn reload(&self, state: &mut State) -> Result<bool> {
        let texts = Texts::read(&state.options)?;
        if texts == state.texts {
            return Ok(false);
        }
        let material = Material::new(&texts, state.options.mutual)?;
        self.renew(state, texts, material);
        Ok(true)
    }

    fn renew(&self, state: &mut State, texts: Texts, material: Material) {
        state.texts = texts;
        state.problem = None;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(material);
        drop(current);
        self.generation.send_modify(|generation| *generation += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the files over and over, as long as it is polled. Files may be on slow disks: never on the I/O thread.
pub(crate) async fn watch(credentials: Credentials, runtime: Runtime) {
    loop {
        tokio::time::sleep(credentials.poll()).await;
        let looking = credentials.clone();
        match tokio::task::spawn_blocking(move || looking.look()).await {
            Ok(Some(Ok(true))) => {
                runtime.log(Level::Info, "tls", "the credentials have been renewed")
            }
            Ok(Some(Err(error))) => runtime.log(
                Level::Error,
                "tls",
                &format!(
                    "the changed credentials cannot be used, those before stay: {}",
                    error.message()
                ),
            ),
            Ok(_) => {}
            // The runtime ends.
            Err(_) => return,
        }
    }
}

/// Two are the same that are renewed together.
impl PartialEq for Credentials {
    fn eq(&self, other: &Credentials) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Credentials {}

impl Hash for Credentials {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.shared).hash(state);
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => write!(f, "File({})", path.display()),
            // It may be a private key.
            Pem::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// # Errors
/// [`ErrorKind::InvalidArgument`].
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
