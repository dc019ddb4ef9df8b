//! Discoveries.

use std::time::Duration;

use wool_core::{
    Discovery, DnsDiscovery, LanDiscovery, LocalDiscovery, Payload, StackedDiscovery,
    StaticDiscovery,
};

use crate::callback;
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result};
use crate::queue;
use crate::runtime::wool_runtime_t;
use crate::types::*;

/// Where workers are announced and found. Given to workers and pools, which keep what they need of it.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_discovery_t {
    core: Discovery,
}

impl wool_discovery_t {
    pub(crate) fn new(core: Discovery) -> wool_discovery_t {
        wool_discovery_t { core }
    }
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

/// The workers of the local network, found without configuration (Zeroconf: DNS-SD over multicast DNS). `options` may be
/// NULL. Records there are no secret: whoever is on the network reads and writes them, so a pool never presents its
/// secret to workers that it has found in this way. On success `*out` belongs to the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a namespace of another length. Whether there is such a network is found out by
/// whoever uses it.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_lan")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_lan(
    options: *const wool_lan_options_t,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_lan", error, || {
            let options = guard::options(options, "options")?;
            let out = guard::out(out, "out")?;
            let mut lan = LanDiscovery::new();
            let namespace = guard::text(options.name_space, "options.name_space")?;
            if !namespace.is_empty() {
                lan = lan.in_namespace(namespace)?;
            }
            let interfaces = guard::texts(
                options.interfaces,
                options.interface_count,
                "options.interfaces",
            )?;
            let core = Discovery::Lan(lan.on_interfaces(interfaces));
            out.put(Box::into_raw(Box::new(wool_discovery_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Workers at addresses that are known, "host:port" or "unix:/path", to stand beside others in
/// wool_discovery_new_stacked; alone, they are the `addresses` of a pool. It only finds workers. On success `*out` belongs
/// to the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for what is no address, and for none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_static")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_static(
    addresses: *const wool_slice_t,
    address_count: usize,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_static", error, || {
            let out = guard::out(out, "out")?;
            let addresses = guard::texts(addresses, address_count, "addresses")?;
            let core = Discovery::Static(StaticDiscovery::new(addresses)?);
            out.put(Box::into_raw(Box::new(wool_discovery_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Workers behind a name in DNS, which is looked up again when what was found has aged. "host:port": one at each address
/// (A, AAAA) of the host, at this port. "_wool._tcp.example.com", without a port: one for each SRV record. `servers` are
/// asked, "address:port", or those that the system is set up with, when there are none (`servers` may be NULL then). It
/// only finds workers. On success `*out` belongs to the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for what is no such name, or no server's address.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_dns")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_dns(
    name: wool_slice_t,
    servers: *const wool_slice_t,
    server_count: usize,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_dns", error, || {
            let out = guard::out(out, "out")?;
            let servers = guard::texts(servers, server_count, "servers")?;
            let dns = DnsDiscovery::new(guard::text(name, "name")?)?.by_servers(servers)?;
            let core = Discovery::Dns(dns);
            out.put(Box::into_raw(Box::new(wool_discovery_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Several discoveries at once: a pool finds what any of them finds, of two that know the same worker (by its uid)
/// believing the earlier one; a worker is published by all that publish. They may be freed. On success `*out` belongs to
/// the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_stacked")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_stacked(
    discoveries: *const *const wool_discovery_t,
    discovery_count: usize,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_stacked", error, || {
            let out = guard::out(out, "out")?;
            let discoveries = guard::array(discoveries, discovery_count, "discoveries")?
                .iter()
                .map(|discovery| Ok(guard::required(*discovery, "a discovery")?.core.clone()))
                .collect::<Result<Vec<_>>>()?;
            let core = Discovery::Stacked(StackedDiscovery::new(discoveries)?);
            out.put(Box::into_raw(Box::new(wool_discovery_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Looks around once, and tells which workers there are: a value, a map of `workers` (a list of records, as
/// wool_subscription_found takes them, ordered by their uids), `turned_away` (those that no pool can use: a list of maps of
/// `key`, `reason`, `message`) and `problem` (why there may be more: a map of `kind` and `message`, or null). Nobody has
/// talked to the workers: they may have gone, or be busy. What tags or lease pools have does not count. Blocks until the
/// first look around is over, or the time is up. On success `*out` belongs to the caller: wool_bytes_free.
///
/// `timeout_ms`: 0 = 5,000.
///
/// Errors: WOOL_ERR_DISCOVERY when workers cannot be found here at all, WOOL_ERR_CLOSED, WOOL_ERR_INVALID_ARGUMENT in a
/// callback.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_list")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_list(
    discovery: *const wool_discovery_t,
    runtime: *mut wool_runtime_t,
    timeout_ms: u64,
    out: *mut wool_bytes_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_discovery_list", error, || {
            let discovery = guard::required(discovery, "discovery")?;
            let runtime = guard::required(runtime, "runtime")?;
            let out = guard::out(out, "out")?;
            callback::refuse_wait("wool_discovery_list")?;
            let wait = guard::unless_zero(timeout_ms).unwrap_or(LOOK);
            let listing = discovery.core.list(runtime.core(), wait)?;
            let listing = Payload::value(&listing.to_value()?)?;
            out.put(queue::give(listing.into_bytes()));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// How long a listing looks around.
const LOOK: Duration = Duration::from_secs(5);

/// Lets go of a discovery. What was made with it goes on. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_free(discovery: *mut wool_discovery_t) {
    unsafe { guard::free(discovery, fork::drop_unless_child) }
}

/// # Safety
/// The pointer is NULL or valid during the call.
pub(crate) unsafe fn given(discovery: *const wool_discovery_t) -> Result<Option<Discovery>> {
    Ok(unsafe { discovery.as_ref() }.map(|discovery| discovery.core.clone()))
}
