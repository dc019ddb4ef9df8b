//! Discoveries.

use wool_core::{Discovery, LocalDiscovery};

use crate::error::wool_error_t;
use crate::guard::{self, Result};
use crate::types::*;

/// Where workers are announced and found. Given to workers and pools, which keep what they need of it.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_discovery_t {
    core: Discovery,
}

/// The workers of this user on this machine, in shared memory, under a name that publishers and pools share:
/// `name_space`, 1 to 32 of A-Z a-z 0-9 . _ -, not beginning with a dot. `directory`: where the records are kept,
/// instead of the user's own place; empty = there. On success `*out` belongs to the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for another name. Whether there is shared memory is found out by whoever uses it.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_local")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_local(
    name_space: wool_slice_t,
    directory: wool_slice_t,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_local", error, || {
            let out = guard::out(out, "out")?;
            let mut local = LocalDiscovery::new(guard::text(name_space, "name_space")?)?;
            let directory = guard::text(directory, "directory")?;
            if !directory.is_empty() {
                local = local.in_directory(directory);
            }
            let core = Discovery::Local(local);
            out.put(Box::into_raw(Box::new(wool_discovery_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets go of a discovery. What was made with it goes on. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_free(discovery: *mut wool_discovery_t) {
    unsafe { guard::free(discovery, drop) }
}

/// # Safety
/// The pointer is NULL or valid during the call.
pub(crate) unsafe fn given(discovery: *const wool_discovery_t) -> Result<Option<Discovery>> {
    Ok(unsafe { discovery.as_ref() }.map(|discovery| discovery.core.clone()))
}
