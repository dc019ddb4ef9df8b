//! How messages become bytes on a gRPC stream.

use std::marker::PhantomData;

use bytes::Buf;
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::ProstCodec;

/// prost, decoding from one shared piece of memory: that is a good deal faster than from the buffer that
/// tonic hands out, which keeps count of each byte that is read.
pub(crate) struct SharingCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SharingCodec<T, U> {
    fn default() -> SharingCodec<T, U> {
        SharingCodec(PhantomData)
    }
}

impl<T, U> Codec for SharingCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = SharingDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> SharingDecoder<U> {
        SharingDecoder(PhantomData)
    }
}

pub(crate) struct SharingDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for SharingDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Takes the buffer's own memory, no copy.
        let message = source.copy_to_bytes(source.remaining());
        U::decode(message)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
