//! Tells the whole ABI as safer-ffi sees it, for `check-abi.sh` to compare with the header and with the lock.

use std::env;
use std::io;

use safer_ffi::ffi_export;
use safer_ffi::headers::{Language, builder};

use crate::types::*;

/// Names the enums that travel as numbers, so that they are told, too.
#[ffi_export(rename = "abi_enums")]
fn enums(
    _codec: wool_codec_t,
    _event: wool_event_kind_t,
    _step: wool_step_t,
    _task_event: wool_task_event_kind_t,
    _side: wool_side_t,
    _routine: wool_routine_kind_t,
    _value: wool_value_kind_t,
    _balancer: wool_balancer_t,
) {
}

#[test]
fn tell_the_abi() -> io::Result<()> {
    let file =
        env::var_os("WOOL_ABI_JSON").ok_or_else(|| io::Error::other("WOOL_ABI_JSON is not set"))?;
    builder()
        .with_language(Language::Metadata)
        .to_file(file)?
        .generate()
}
