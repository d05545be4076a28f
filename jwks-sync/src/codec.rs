//! Carries `authn`'s own messages over gRPC, so that no generated message type comes into this crate.

use std::marker::PhantomData;

use authn::feed::FeedMessage;
use bytes::{Buf, BufMut};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Encodes `E` and decodes `D`.
pub(crate) struct FeedCodec<E, D>(PhantomData<(E, D)>);

/// See [`FeedCodec`].
pub(crate) struct FeedEncoder<E>(PhantomData<E>);

/// See [`FeedCodec`].
pub(crate) struct FeedDecoder<D>(PhantomData<D>);

impl<E, D> Default for FeedCodec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E, D> Codec for FeedCodec<E, D>
where
    E: FeedMessage + Send + 'static,
    D: FeedMessage + Send + 'static,
{
    type Encode = E;
    type Decode = D;
    type Encoder = FeedEncoder<E>;
    type Decoder = FeedDecoder<D>;

    fn encoder(&mut self) -> Self::Encoder {
        FeedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        FeedDecoder(PhantomData)
    }
}

impl<E: FeedMessage> Encoder for FeedEncoder<E> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, item: E, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item.encode());
        Ok(())
    }
}

impl<D: FeedMessage> Decoder for FeedDecoder<D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        let encoded = buffer.copy_to_bytes(buffer.remaining());
        D::decode(&encoded).map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }
}
