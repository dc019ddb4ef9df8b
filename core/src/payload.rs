//! Encoded values on their way: bytes, their codec, and the window bytes they occupy.

use std::fmt;

use bytes::Bytes;
use wool_values::{Arguments, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::session::Receipt;

/// Values of any size: how large a payload may be is checked where it is sent and where it arrives.
fn value_limits() -> wool_values::Limits {
    wool_values::Limits::default().with_bytes(usize::MAX)
}

/// How a payload's bytes are to be read. The core only carries it; the edges encode and decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// A value of the model in `proto/values.md`.
    Msgpack = 1,
    /// Bytes, as they are.
    Raw = 2,
}

impl Codec {
    /// The codec of a number on the wire or in the ABI; `None` for one that is not known.
    pub fn from_number(number: i32) -> Option<Codec> {
        match number {
            1 => Some(Codec::Msgpack),
            2 => Some(Codec::Raw),
            _ => None,
        }
    }
}

/// An encoded value. Cheap to clone; a clone does not occupy the sender's window.
///
/// A payload that came from a peer occupies that peer's window until it is dropped or taken apart: who
/// keeps payloads slows that peer down, which is what bounds memory.
pub struct Payload {
    codec: Codec,
    data: Bytes,
    receipt: Option<Receipt>,
}

impl Payload {
    /// Bytes with their codec.
    pub fn new(codec: Codec, data: impl Into<Bytes>) -> Payload {
        Payload {
            codec,
            data: data.into(),
            receipt: None,
        }
    }

    /// Bytes that mean themselves.
    pub fn raw(data: impl Into<Bytes>) -> Payload {
        Payload::new(Codec::Raw, data)
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for a value beyond the limits of the model.
    pub fn value(value: &Value) -> Result<Payload> {
        let data = wool_values::encode(value, &value_limits())?;
        Ok(Payload::new(Codec::Msgpack, data))
    }

    /// Encodes arguments.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for values beyond the limits of the model.
    pub fn arguments(arguments: &Arguments) -> Result<Payload> {
        let data = arguments.encode(&value_limits())?;
        Ok(Payload::new(Codec::Msgpack, data))
    }

    /// Decodes the value. A raw payload is a [`Value::Bytes`].
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] when the bytes are not a value.
    pub fn to_value(&self) -> Result<Value> {
        match self.codec {
            Codec::Raw => Ok(Value::from(self.data.to_vec())),
            Codec::Msgpack => Ok(wool_values::decode_shared(&self.data, &value_limits())?),
        }
    }

    /// Decodes arguments. Raw bytes are one positional argument.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] when the bytes are not arguments.
    pub fn to_arguments(&self) -> Result<Arguments> {
        match self.codec {
            Codec::Raw => Ok(Arguments::from(vec![Value::from(self.data.to_vec())])),
            Codec::Msgpack => Ok(Arguments::decode_shared(&self.data, &value_limits())?),
        }
    }

    /// How the bytes are to be read.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.data
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The bytes; from here on they no longer occupy the sender's window.
    pub fn into_bytes(self) -> Bytes {
        self.data
    }

    pub(crate) fn received(codec: Codec, data: Bytes, receipt: Option<Receipt>) -> Payload {
        Payload {
            codec,
            data,
            receipt,
        }
    }

    /// Checked before anything is sent: too large is the sender's typed error, never a dead connection.
    pub(crate) fn check_size(&self, most: u64) -> Result<()> {
        if self.data.len() as u64 <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::PayloadTooLarge,
            format!(
                "the payload has {} bytes, the most that may be sent is {most}: \
                 send less, or raise max_payload on both sides",
                self.data.len()
            ),
        ))
    }
}

impl Clone for Payload {
    fn clone(&self) -> Payload {
        Payload::new(self.codec, self.data.clone())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("codec", &self.codec)
            .field("len", &self.data.len())
            .field("receipt", &self.receipt.is_some())
            .finish()
    }
}
