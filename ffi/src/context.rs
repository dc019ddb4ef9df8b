//! A call's context, from C and for C.

use wool_core::{Codec, Context};

use crate::guard::{self, Result, invalid};
use crate::types::*;

/// The context that a host gives with a call.
///
/// # Safety
/// What the options point at is valid during the call.
pub(crate) unsafe fn given(options: &wool_call_options_t) -> Result<Context> {
    let mut context = Context::default();
    // SAFETY: as the caller says.
    unsafe {
        for value in guard::array(options.context, options.context_count, "options.context")? {
            let namespace = guard::text(value.namespace_, "options.context.namespace_")?;
            let name = guard::text(value.name, "options.context.name")?;
            let encoded = guard::payload(value.value, "options.context.value")?;
            if encoded.codec() != Codec::Msgpack {
                return Err(invalid(format!(
                    "the context's {namespace}.{name} is no WOOL_CODEC_MSGPACK"
                )));
            }
            context.set_encoded(namespace, name, encoded.into_bytes())?;
        }
    }
    Ok(context)
}

/// A context as C reads it, as long as this lives.
pub(crate) struct Lent {
    values: Box<[wool_context_value_t]>,
    /// What the values point at.
    _context: Context,
}

// SAFETY: what the values point at is kept, and never written.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Lent {
    pub(crate) fn new(context: &Context) -> Lent {
        let values = context.values().iter().map(|value| wool_context_value_t {
            namespace_: wool_slice_t::of(&value.namespace),
            name: wool_slice_t::of(&value.name),
            value: wool_payload_t {
                data: wool_slice_t::of_bytes(&value.encoded),
                codec: wool_codec_t::WOOL_CODEC_MSGPACK as i32,
            },
        });
        Lent {
            values: values.collect(),
            _context: context.clone(),
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
