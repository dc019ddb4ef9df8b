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
    /// Held while files are read or the provider is asked, which may take its time; taken before `state`.
    reading: Mutex<()>,
    state: Mutex<State>,
    current: RwLock<Arc<Material>>,
    /// Counts the renewals.
    generation: watch::Sender<u64>,
}

struct State {
    options: CredentialsOptions,
    /// Where the options come from, again and again, if not from the host once and for all.
    provider: Option<Arc<Provider>>,
    texts: Texts,
    looked: Instant,
    problem: Option<Error>,
}

type Provider = dyn Fn() -> Result<CredentialsOptions> + Send + Sync;

impl Credentials {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is left out or is no PEM, for a key that is not that of the certificate;
    /// [`ErrorKind::Io`] for a file that cannot be read. Each names which part.
    pub fn new(options: CredentialsOptions) -> Result<Credentials> {
        Credentials::made(options, None)
    }

    /// Credentials that a function of the host's provides, such as by asking a store of secrets: now, on this thread, and then
    /// every `poll`, on a thread where it may block. What it provides is used as by [`Credentials::update`]; when it fails,
    /// what was before stays, and [`Credentials::problem`] and the log say why. It must not use these credentials itself.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use wool::{Credentials, CredentialsOptions, Pem};
    ///
    /// # fn from_the_store(name: &str) -> wool::Result<Vec<u8>> { Ok(name.as_bytes().to_vec()) }
    /// let provide = || {
    ///     Ok(CredentialsOptions {
    ///         ca: Some(Pem::Text(from_the_store("ca.pem")?)),
    ///         certificate: Some(Pem::Text(from_the_store("worker.pem")?)),
    ///         key: Some(Pem::Text(from_the_store("worker.key")?)),
    ///         ..CredentialsOptions::default()
    ///     })
    /// };
    /// let credentials = Credentials::provided_by(provide, Duration::from_secs(60))?;
    /// # Ok::<(), wool::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the function; as [`Credentials::new`] for what it provides.
    pub fn provided_by(
        provide: impl Fn() -> Result<CredentialsOptions> + Send + Sync + 'static,
        poll: Duration,
    ) -> Result<Credentials> {
        let provide = move || {
            let provided = provide()?;
            Ok(CredentialsOptions { poll, ..provided })
        };
        Credentials::made(provide()?, Some(Arc::new(provide)))
    }

    fn made(options: CredentialsOptions, provider: Option<Arc<Provider>>) -> Result<Credentials> {
        let (texts, material) = read(&options)?;
        Ok(Credentials {
            shared: Arc::new(Shared {
                reading: Mutex::new(()),
                state: Mutex::new(State {
                    options,
                    provider,
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
    /// on to its end. True: they are others than before; the same again disturb nobody. What a function provided is replaced,
    /// and it is not asked any more.
    ///
    /// # Errors
    /// As [`Credentials::new`]; then the old ones stay, and are looked after as before.
    pub fn update(&self, options: CredentialsOptions) -> Result<bool> {
        let _reading = lock(&self.shared.reading);
        let taken = self.shared.take(options);
        let mut state = self.shared.lock();
        state.problem = taken.as_ref().err().cloned();
        if taken.is_ok() {
            state.provider = None;
        }
        taken
    }

    /// Looks at the files now, or asks the function that provides. True: there is something new, which is used from now on.
    ///
    /// # Errors
    /// As [`Credentials::new`], and those of the function; the old ones stay.
    pub fn reload(&self) -> Result<bool> {
        let _reading = lock(&self.shared.reading);
        let renewed = self.shared.reload();
        let mut state = self.shared.lock();
        state.looked = Instant::now();
        state.problem = renewed.as_ref().err().cloned();
        renewed
    }

    /// Why what came last - the files as they are now, an update, what a function provided - cannot be used, if so: what was
    /// before is still in use.
    pub fn problem(&self) -> Option<Error> {
        self.shared.lock().problem.clone()
    }

    pub(crate) fn current(&self) -> Arc<Material> {
        let current = self.shared.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Of those that are in use: how often there was a renewal.
    pub(crate) fn generation(&self) -> u64 {
        *self.shared.generation.borrow()
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
        if state.provider.is_none() && !Texts::has_files(&state.options) {
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
    fn reload(&self) -> Result<bool> {
        let (provider, options) = {
            let state = self.lock();
            (state.provider.clone(), state.options.clone())
        };
        let options = match provider {
            Some(provide) => provide()?,
            None => options,
        };
        self.take(options)
    }

    /// Reads and uses them. False: they are what is in use already.
    fn take(&self, options: CredentialsOptions) -> Result<bool> {
        let (texts, material) = read(&options)?;
        let mut state = self.lock();
        let is_new = texts != state.texts || options.mutual != state.options.mutual;
        state.options = options;
        if is_new {
            state.texts = texts;
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            *current = Arc::new(material);
            drop(current);
            self.generation.send_modify(|generation| *generation += 1);
        }
        Ok(is_new)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(options: &CredentialsOptions) -> Result<(Texts, Material)> {
    let texts = Texts::read(options)?;
    let material = Material::new(&texts, options.mutual)?;
    Ok((texts, material))
}

/// Looks at the files, or asks the provider, over and over, as long as it is polled. That may take its time: never on the I/O
/// thread.
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
            Err(error) if error.is_panic() => runtime.log(
                Level::Error,
                "tls",
                "the function that provides credentials panicked, those before stay",
            ),
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
