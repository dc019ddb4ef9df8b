//! Credentials: what a process presents to its peers, and whom it believes.

use std::ffi::c_void;

use wool_core::{Credentials, CredentialsOptions, Error, ErrorKind, Peers, Pem};

use crate::callback::{UserData, patient};
use crate::error::wool_error_t;
use crate::guard::{self, Failure, Result, invalid};
use crate::types::*;

/// What a process presents to its peers, and whom it believes. Given to workers and pools, which keep what they need of it
/// and may share it.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_credentials_t {
    core: Credentials,
}

/// Reads and checks credentials. On success `*out` belongs to the caller: wool_credentials_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a part that is left out, given twice or no PEM, for a key that is not that of the
/// certificate; WOOL_ERR_IO for a file that cannot be read. Each names the part.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_new(
    options: *const wool_credentials_options_t,
    out: *mut *mut wool_credentials_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_credentials_new", error, || {
            let out = guard::out(out, "out")?;
            let core = Credentials::new(read(options)?)?;
            out.put(Box::into_raw(Box::new(wool_credentials_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Credentials that a function of yours provides, such as from a store of secrets: now, and again every `poll_ms` milliseconds
/// (0 = 10,000). What it provides then is used as by wool_credentials_update; when it fails, what was before stays, and
/// wool_credentials_problem and the log say why. On success `*out` belongs to the caller: wool_credentials_free.
///
/// `destroy`, which may be NULL, frees `user_data`: when nothing has these credentials any more, when wool_credentials_update
/// has put others in their place, or before this returns an error.
///
/// Errors: as wool_credentials_new for what it provides, WOOL_ERR_IO when it fails.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_provided")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_provided(
    provide: wool_credentials_provide_fn,
    user_data: *mut c_void,
    destroy: wool_destroy_fn,
    poll_ms: u64,
    out: *mut *mut wool_credentials_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_credentials_provided", error, || {
            let user_data = UserData::new(user_data, destroy);
            let provide = provide.ok_or(Failure::Null("provide"))?;
            let out = guard::out(out, "out")?;
            let provider = Provider { provide, user_data };
            let poll = guard::unless_zero(poll_ms);
            let core = Credentials::provided_by(
                move || provider.provide().map_err(Failure::into_error),
                poll.unwrap_or(CredentialsOptions::default().poll),
            )?;
            out.put(Box::into_raw(Box::new(wool_credentials_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Takes others instead, for all workers and pools that have these: connections that are made from now on are by them,
/// sessions of before are drained, and what runs there goes on to its end. `*renewed`, which may be NULL: 1 when they are others
/// than before; the same again disturb nobody. Files need no call: they are looked at over and over.
///
/// Errors: as wool_credentials_new; the ones before stay.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_update")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_update(
    credentials: *mut wool_credentials_t,
    options: *const wool_credentials_options_t,
    renewed: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_credentials_update", error, || {
            let credentials = guard::required(credentials, "credentials")?;
            tell(renewed, credentials.core.update(read(options)?)?)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Looks at the files now, or calls `provide`. `*renewed`, which may be NULL: 1 when there is something new, which is used from
/// now on.
///
/// Errors: as wool_credentials_new; the ones before stay.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_reload")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_reload(
    credentials: *mut wool_credentials_t,
    renewed: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_credentials_reload", error, || {
            let credentials = guard::required(credentials, "credentials")?;
            tell(renewed, credentials.core.reload()?)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// WOOL_OK, or why what came last - the files as they are now, an update, what was provided - cannot be used; then what was
/// before is still in use.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_problem")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_problem(
    credentials: *const wool_credentials_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_credentials_problem", error, || match guard::required(
            credentials,
            "credentials",
        )?
        .core
        .problem()
        {
            None => Ok(wool_status_t::WOOL_OK),
            Some(problem) => Err(problem.into()),
        })
    }
}

/// Lets go of credentials. What was made with them goes on. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_credentials_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_credentials_free(credentials: *mut wool_credentials_t) {
    unsafe { guard::free(credentials, drop) }
}

/// Whoever wants to know.
///
/// # Safety
/// The pointer is NULL or may be written.
unsafe fn tell(renewed: *mut i32, is_new: bool) -> Result<()> {
    if !renewed.is_null() {
        unsafe { guard::out(renewed, "renewed") }?.put(i32::from(is_new));
    }
    Ok(())
}

/// # Safety
/// The pointer is NULL or valid during the call.
pub(crate) unsafe fn given(credentials: *const wool_credentials_t) -> Option<Credentials> {
    unsafe { credentials.as_ref() }.map(|credentials| credentials.core.clone())
}

/// Patterns, if there are any.
///
/// # Safety
/// The array is valid during the call.
pub(crate) unsafe fn peers(
    patterns: *const wool_slice_t,
    count: usize,
    name: &'static str,
) -> Result<Option<Peers>> {
    let patterns = unsafe { guard::texts(patterns, count, name) }?;
    if patterns.is_empty() {
        return Ok(None);
    }
    Ok(Some(Peers::named(patterns)?))
}

/// Pairs of a routine and a pattern: several of one routine are its patterns together, in the order in which the routines come.
///
/// # Safety
/// The array is valid during the call.
pub(crate) unsafe fn routine_callers(
    pairs: *const wool_slice_t,
    count: usize,
    name: &'static str,
) -> Result<Vec<(String, Peers)>> {
    let texts = unsafe { guard::texts(pairs, count, name) }?;
    if texts.len() % 2 != 0 {
        return Err(invalid(format!(
            "{name} are pairs of a routine and a pattern, these are {} texts",
            texts.len()
        )));
    }
    let mut rules: Vec<(String, Vec<String>)> = Vec::new();
    let mut texts = texts.into_iter();
    while let (Some(routine), Some(pattern)) = (texts.next(), texts.next()) {
        match rules.iter_mut().find(|(known, _)| *known == routine) {
            Some((_, patterns)) => patterns.push(pattern),
            None => rules.push((routine, vec![pattern])),
        }
    }
    let rules = rules.into_iter();
    rules
        .map(|(routine, patterns)| Ok((routine, Peers::named(patterns)?)))
        .collect()
}

/// A function of the host's that provides credentials.
struct Provider {
    provide: unsafe extern "C" fn(*mut c_void, *mut wool_credentials_options_t, *mut wool_slice_t),
    user_data: UserData,
}

impl Provider {
    fn provide(&self) -> Result<CredentialsOptions> {
        // SAFETY: all zeros are its defaults; `struct_size` is set before it is shown.
        let mut filled: wool_credentials_options_t = unsafe { std::mem::zeroed() };
        filled.struct_size = size_of::<wool_credentials_options_t>();
        let mut problem = wool_slice_t::of("");
        // SAFETY: the host gave function and user data together; what it is shown lives during the call, and what it points
        // at in turn until the next one.
        unsafe {
            patient(|| (self.provide)(self.user_data.pointer(), &mut filled, &mut problem));
            let problem = guard::text(problem, "*problem")?;
            if !problem.is_empty() {
                let message = format!("the function that provides credentials failed: {problem}");
                return Err(Error::new(ErrorKind::Io, message).into());
            }
            read(&filled)
        }
    }
}

unsafe fn read(options: *const wool_credentials_options_t) -> Result<CredentialsOptions> {
    unsafe {
        let options = guard::options(options, "options")?;
        let defaults = CredentialsOptions::default();
        Ok(CredentialsOptions {
            ca: part(options.ca, options.ca_file, "options.ca")?,
            certificate: part(
                options.certificate,
                options.certificate_file,
                "options.certificate",
            )?,
            key: part(options.key, options.key_file, "options.key")?,
            crl: part(options.crl, options.crl_file, "options.crl")?,
            mutual: options.one_way == 0,
            poll: guard::unless_zero(options.poll_ms).unwrap_or(defaults.poll),
        })
    }
}

unsafe fn part(text: wool_slice_t, file: wool_slice_t, name: &'static str) -> Result<Option<Pem>> {
    let (text, file) = unsafe { (guard::bytes(text, name)?, guard::text(file, name)?) };
    match (text.is_empty(), file.is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Ok(Some(Pem::Text(text.to_vec()))),
        (true, false) => Ok(Some(Pem::File(file.into()))),
        (false, false) => Err(invalid(format!(
            "{name} is given as text and as a file: one of them"
        ))),
    }
}
