//! Contexts: what rides along with calls.

use std::sync::Arc;

use wool_core::{Codec, Context, ContextValue};

use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::queue;
use crate::types::*;

/// Values that ride along with calls, each under a namespace and a name. Each task has one (wool_task_context); outside
/// of tasks it is made by hand. What a callee sets and unsets in its own is in its caller's when the answer is.
///
/// The namespace "w3c" has two names, "traceparent" and "baggage", whose values are text and do not flow back.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_context_t {
    core: Context,
}

impl wool_context_t {
    pub(crate) fn core(&self) -> &Context {
        &self.core
    }
}

/// Makes a context without values. On success `*out` belongs to the caller: wool_context_free.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_context_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_context_new(
    out: *mut *mut wool_context_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_context_new", error, || {
            let out = guard::out(out, "out")?;
            let core = Context::new();
            out.put(Box::into_raw(Box::new(wool_context_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// The context of a task, as it is and as it changes. On success `*out` belongs to the caller: wool_context_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_context")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_context(
    task: wool_task_t,
    out: *mut *mut wool_context_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_context", error, || {
            let out = guard::out(out, "out")?;
            let core = handles::task(task)?.task.info().context.clone();
            out.put(Box::into_raw(Box::new(wool_context_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Sets a value, which is copied; one that is there already is replaced.
///
/// Errors: WOOL_ERR_PAYLOAD_TOO_LARGE when the context would have more than 64 KiB; WOOL_ERR_INVALID_ARGUMENT for
/// what is no WOOL_CODEC_MSGPACK, and in the namespace "w3c" for what is neither of its names, or no text.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_context_set")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_context_set(
    context: *mut wool_context_t,
    namespace_: wool_slice_t,
    name: wool_slice_t,
    value: wool_payload_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_context_set", error, || {
            let context = guard::required(context, "context")?;
            let value = self::value(namespace_, name, value, ["namespace_", "name", "value"])?;
            context
                .core
                .set_encoded(value.namespace, value.name, value.encoded)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Takes a value away: here, and where the context flows to. WOOL_OK also when it was not there.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_context_unset")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_context_unset(
    context: *mut wool_context_t,
    namespace_: wool_slice_t,
    name: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_context_unset", error, || {
            let context = guard::required(context, "context")?;
            let namespace = guard::text(namespace_, "namespace_")?;
            context.core.unset(namespace, guard::text(name, "name")?);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// A value. WOOL_OK: `*out` is it, as WOOL_CODEC_MSGPACK, and belongs to the caller (wool_bytes_free). WOOL_END: nothing
/// has this name.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_context_get")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_context_get(
    context: *const wool_context_t,
    namespace_: wool_slice_t,
    name: wool_slice_t,
    out: *mut wool_bytes_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_context_get", error, || {
            let context = guard::required(context, "context")?;
            let out = guard::out(out, "out")?;
            let namespace = guard::text(namespace_, "namespace_")?;
            let name = guard::text(name, "name")?;
            Ok(match context.core.get_encoded(namespace, name) {
                Some(encoded) => {
                    out.put(queue::give(encoded));
                    wool_status_t::WOOL_OK
                }
                None => wool_status_t::WOOL_END,
            })
        })
    }
}

/// Lets go of a context; calls and tasks that have it keep it. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_context_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_context_free(context: *mut wool_context_t) {
    unsafe { guard::free(context, drop) }
}

/// What a host gives with one call, on top of its context.
///
/// # Safety
/// What the options point at is valid during the call.
pub(crate) unsafe fn given(options: &wool_call_options_t) -> Result<Vec<ContextValue>> {
    // SAFETY: as the caller says.
    unsafe {
        let values = guard::array(options.context, options.context_count, "options.context")?;
        let given = values.iter().map(|given| {
            value(
                given.namespace_,
                given.name,
                given.value,
                [
                    "options.context.namespace_",
                    "options.context.name",
                    "options.context.value",
                ],
            )
        });
        given.collect()
    }
}

/// # Safety
/// What is pointed at is valid during the call.
unsafe fn value(
    namespace_: wool_slice_t,
    name: wool_slice_t,
    value: wool_payload_t,
    called: [&'static str; 3],
) -> Result<ContextValue> {
    // SAFETY: as the caller says.
    unsafe {
        let namespace = guard::text(namespace_, called[0])?;
        let name = guard::text(name, called[1])?;
        let encoded = guard::payload(value, called[2])?;
        if encoded.codec() != Codec::Msgpack {
            return Err(invalid(format!(
                "the context's {namespace}.{name} is no WOOL_CODEC_MSGPACK"
            )));
        }
        Ok(ContextValue {
            namespace: namespace.into(),
            name: name.into(),
            encoded: encoded.into_bytes(),
        })
    }
}

/// Texts as C reads them, as long as this lives.
pub(crate) struct LentTexts {
    slices: Box<[wool_slice_t]>,
    /// What the slices point at.
    _texts: Arc<[String]>,
}

// SAFETY: what the slices point at is kept, and never written.
unsafe impl Send for LentTexts {}
// SAFETY: as above.
unsafe impl Sync for LentTexts {}

impl LentTexts {
    pub(crate) fn new(texts: &Arc<[String]>) -> LentTexts {
        LentTexts {
            slices: texts.iter().map(|text| wool_slice_t::of(text)).collect(),
            _texts: Arc::clone(texts),
        }
    }

    /// NULL when there are none.
    pub(crate) fn pointer(&self) -> *const wool_slice_t {
        if self.slices.is_empty() {
            std::ptr::null()
        } else {
            self.slices.as_ptr()
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.slices.len()
    }
}

/// A context as C reads it, as long as this lives.
pub(crate) struct Lent {
    values: Box<[wool_context_value_t]>,
    /// What the values point at.
    _context: Vec<ContextValue>,
}

// SAFETY: what the values point at is kept, and never written.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Lent {
    pub(crate) fn new(context: &Context) -> Lent {
        let context = context.values();
        let values = context.iter().map(|value| wool_context_value_t {
            namespace_: wool_slice_t::of(&value.namespace),
            name: wool_slice_t::of(&value.name),
            value: wool_payload_t {
                data: wool_slice_t::of_bytes(&value.encoded),
                codec: wool_codec_t::WOOL_CODEC_MSGPACK as i32,
            },
        });
        Lent {
            values: values.collect(),
            _context: context,
        }
    }

    /// NULL when there are none.
    pub(crate) fn pointer(&self) -> *const wool_context_value_t {
        if self.values.is_empty() {
            std::ptr::null()
        } else {
            self.values.as_ptr()
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }
}
