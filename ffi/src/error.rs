//! Errors as the host holds them.

use wool_core::{Error, ErrorKind, Fault};

use crate::guard::{self, Result};
use crate::memory::EMPTY;
use crate::queue::lend;
use crate::types::*;

/// Why something did not work. It belongs to whoever received it: wool_error_free. What its functions return is
/// valid until then. It may be read from several threads at once.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_error_t {
    fault: Fault,
    retryable: bool,
    /// Made by the host: it travels with the host's language.
    from_host: bool,
    cause: Option<Box<wool_error_t>>,
}

impl wool_error_t {
    /// Moves to the host as a pointer.
    pub(crate) fn into_raw(self) -> *mut wool_error_t {
        Box::into_raw(Box::new(self))
    }

    pub(crate) fn status(&self) -> wool_status_t {
        wool_status_t::of(self.fault.kind)
    }

    fn new(mut fault: Fault, from_host: bool) -> wool_error_t {
        let cause = fault
            .cause
            .take()
            .map(|cause| Box::new(wool_error_t::new(*cause, from_host)));
        wool_error_t {
            fault,
            retryable: false,
            from_host,
            cause,
        }
    }

    /// The fault to send, in the name of a host of this language.
    pub(crate) fn to_fault(&self, language: &str) -> Fault {
        let mut fault = self.fault.clone();
        if self.from_host {
            language.clone_into(&mut fault.language);
        }
        fault.cause = self
            .cause
            .as_ref()
            .map(|cause| Box::new(cause.to_fault(language)));
        fault
    }
}

impl From<Error> for wool_error_t {
    fn from(error: Error) -> wool_error_t {
        let fault = match error.fault() {
            Some(fault) => fault.clone(),
            None => Fault::of_kind(error.kind(), error.message()),
        };
        wool_error_t {
            retryable: error.retryable(),
            ..wool_error_t::new(fault, false)
        }
    }
}

/// The fault that a host of this language describes.
pub(crate) unsafe fn fault(described: *const wool_fault_t, language: &str) -> Result<Fault> {
    // SAFETY: the caller passes on what the host gave, which is valid during the call by the ABI's rules.
    unsafe {
        guard::required(described, "fault")?;
        let described = guard::options(described, "fault")?;
        let kind = match described.status {
            0 => ErrorKind::TaskFailed,
            status => kind_of(status).ok_or_else(|| {
                guard::invalid(format!(
                    "fault.status is {status}, which is no error's number"
                ))
            })?,
        };
        let traceback = guard::texts(
            described.traceback,
            described.traceback_len,
            "fault.traceback",
        )?;
        let value = match described.value.as_ref() {
            Some(value) => Some(Box::new(guard::payload(*value, "fault.value")?)),
            None => None,
        };
        Ok(Fault {
            type_name: guard::text(described.r#type, "fault.type")?.to_owned(),
            message: guard::text(described.message, "fault.message")?.to_owned(),
            traceback,
            value,
            cause: described
                .cause
                .as_ref()
                .map(|cause| Box::new(cause.to_fault(language))),
            language: language.to_owned(),
            ..Fault::of_kind(kind, "")
        })
    }
}

/// Makes an error of your own, to be the `cause` of a wool_fault_t. On success `*out` belongs to the caller.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_new(
    fault: *const wool_fault_t,
    out: *mut *mut wool_error_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_error_new", error, || {
            let out = guard::out(out, "out")?;
            let fault = self::fault(fault, "")?;
            out.put(wool_error_t::new(fault, true).into_raw());
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// What kind of failure it is. NULL: WOOL_OK.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_status")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_status(error: *const wool_error_t) -> wool_status_t {
    unsafe {
        guard::get(wool_status_t::WOOL_OK, || {
            error.as_ref().map(wool_error_t::status)
        })
    }
}

/// What went wrong, where, and what to do; what the routine's error says.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_message")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_message(error: *const wool_error_t) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            error
                .as_ref()
                .map(|error| wool_slice_t::of(&error.fault.message))
        })
    }
}

/// The type of the routine's error in its own language, e.g. "ValueError". Empty when there is none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_type")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_type(error: *const wool_error_t) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            error
                .as_ref()
                .map(|error| wool_slice_t::of(&error.fault.type_name))
        })
    }
}

/// The language of the worker whose routine failed, e.g. "go". Empty when the error arose in wool itself.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_language")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_language(error: *const wool_error_t) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            error
                .as_ref()
                .map(|error| wool_slice_t::of(&error.fault.language))
        })
    }
}

/// How many lines the traceback has.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_traceback_len")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_traceback_len(error: *const wool_error_t) -> usize {
    unsafe {
        guard::get(0, || {
            error.as_ref().map(|error| error.fault.traceback.len())
        })
    }
}

/// A line of the traceback, outermost first. Empty beyond the last.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_traceback_line")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_traceback_line(
    error: *const wool_error_t,
    index: usize,
) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            Some(wool_slice_t::of(
                error.as_ref()?.fault.traceback.get(index)?,
            ))
        })
    }
}

/// The error's own data: WOOL_OK and `*out`, or WOOL_END when there is none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_value")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_value(
    error: *const wool_error_t,
    out: *mut wool_payload_t,
) -> wool_status_t {
    unsafe {
        guard::get(wool_status_t::WOOL_END, || {
            let value = error.as_ref()?.fault.value.as_ref()?;
            *out.as_mut()? = lend(value);
            Some(wool_status_t::WOOL_OK)
        })
    }
}

/// What caused it, or NULL. It belongs to `error`: do not free it.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_cause")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_cause(error: *const wool_error_t) -> *const wool_error_t {
    unsafe {
        guard::get(std::ptr::null(), || {
            Some(std::ptr::from_ref(error.as_ref()?.cause.as_deref()?))
        })
    }
}

/// 1: the task certainly never started, so calling again cannot run it twice.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_retryable")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_retryable(error: *const wool_error_t) -> i32 {
    unsafe { guard::get(0, || error.as_ref().map(|error| i32::from(error.retryable))) }
}

/// Frees an error. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_error_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_error_free(error: *mut wool_error_t) {
    unsafe { guard::free(error, drop) }
}
