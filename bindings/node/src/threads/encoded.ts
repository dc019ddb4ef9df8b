// Payloads that were not decoded where they arrived.
import { Codec } from '../native.js';
import type { Encoded } from '../queue.js';
import { decode, decodeArguments } from '../values/codec.js';
import type { Arguments } from '../values/decoder.js';

/** @throws {ValueError} */
export function valueOf({ bytes, codec }: Encoded, exactFloats: boolean): unknown {
  return codec === Codec.RAW
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    : decode(bytes, { exactFloats });
}

/** @throws {ValueError} */
export function argumentsOf(encoded: Encoded, exactFloats: boolean): Arguments {
  return encoded.codec === Codec.RAW
    ? { positional: [valueOf(encoded, exactFloats)], named: undefined }
    : decodeArguments(encoded.bytes, { exactFloats });
}
