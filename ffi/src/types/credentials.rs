use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::wool_slice_t;

/// What credentials are made of. Each part is PEM: as text, or in a file, whose path is UTF-8 and which is read again when it
/// changes; not both.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_credentials_options_t {
    /// sizeof(wool_credentials_options_t)
    pub struct_size: usize,
    /// Certificates of the authorities that peers' certificates must lead to. A worker whose callers need none may leave it
    /// out.
    pub ca: wool_slice_t,
    /// The own certificate, followed by those between it and its authority. A caller may leave it out, with its key, where
    /// workers ask for none.
    pub certificate: wool_slice_t,
    /// Its private key, not encrypted: PKCS #8, PKCS #1 or SEC 1.
    pub key: wool_slice_t,
    /// Lists of certificates that are revoked. With one, every certificate of a peer must be covered by a list that is not
    /// over.
    pub crl: wool_slice_t,
    /// The same, each as the path of a file.
    pub ca_file: wool_slice_t,
    /// As `ca_file`.
    pub certificate_file: wool_slice_t,
    /// As `ca_file`.
    pub key_file: wool_slice_t,
    /// As `ca_file`.
    pub crl_file: wool_slice_t,
    /// 1: a worker with these asks its callers for no certificate.
    pub one_way: i32,
    /// How often files are looked at, in milliseconds. 0 = 10,000.
    pub poll_ms: u64,
}

/// Provides the parts of credentials: fills `parts`, as one does for wool_credentials_new (`struct_size` is set, `poll_ms` does
/// not count), or says in `*problem` why it cannot; then those of before stay. What is pointed at stays valid until the next
/// call, or until `user_data` is freed. First called by wool_credentials_provided on its thread, then over and over on a thread
/// of wool's, and by wool_credentials_reload; never two at once. It may block. It must not use these credentials itself.
pub type wool_credentials_provide_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        parts: *mut wool_credentials_options_t,
        problem: *mut wool_slice_t,
    ),
>;
