//! Bytes that are handed over, and the versions.

use bytes::Bytes;
use safer_ffi::c_char;

use crate::guard;
use crate::types::*;

/// No bytes, borrowed by nobody.
pub(crate) const EMPTY: wool_slice_t = wool_slice_t {
    ptr: std::ptr::null(),
    len: 0,
};

/// No bytes, owned by nobody.
pub(crate) const NO_BYTES: wool_bytes_t = wool_bytes_t {
    ptr: std::ptr::null(),
    len: 0,
    owner: std::ptr::null_mut(),
};

impl wool_slice_t {
    /// Lends text to C.
    pub(crate) fn of(text: &str) -> wool_slice_t {
        wool_slice_t::of_bytes(text.as_bytes())
    }

    /// Lends bytes to C. None are NULL: Rust's pointer to nothing looks like a stray one to hosts that scan
    /// their stacks.
    pub(crate) fn of_bytes(bytes: &[u8]) -> wool_slice_t {
        if bytes.is_empty() {
            return EMPTY;
        }
        wool_slice_t {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }
}

/// The version of this ABI, major << 16 | minor. What was built against a header works with every library of the
/// same major and the same or a later minor; while the major is 0, of the same minor only.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_abi_version")
)]
#[unsafe(no_mangle)]
pub extern "C" fn wool_abi_version() -> u32 {
    const MAJOR: u32 = 0;
    const MINOR: u32 = 1;
    guard::get(0, || Some(MAJOR << 16 | MINOR))
}

/// The version of the library, e.g. "0.1.0". Static.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_version")
)]
#[unsafe(no_mangle)]
pub extern "C" fn wool_version() -> *const c_char {
    guard::get(std::ptr::null(), || {
        Some(concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
    })
}

/// A status's name, e.g. "CANCELLED", "OK"; "UNKNOWN" for a number that is none. Static.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_status_name")
)]
#[unsafe(no_mangle)]
pub extern "C" fn wool_status_name(status: i32) -> *const c_char {
    guard::get(c"UNKNOWN".as_ptr().cast(), || {
        Some(name_of(status).as_ptr().cast())
    })
}

/// Frees bytes that have an owner and makes them empty, so that freeing them again does nothing. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_bytes_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_bytes_free(bytes: *mut wool_bytes_t) {
    unsafe {
        guard::get((), || {
            let bytes = bytes.as_mut()?;
            let owner = std::mem::replace(bytes, NO_BYTES).owner.cast::<Bytes>();
            if !owner.is_null() {
                drop(Box::from_raw(owner));
            }
            Some(())
        });
    }
}
