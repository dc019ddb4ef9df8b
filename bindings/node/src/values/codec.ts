import { type Arguments, Decoder } from './decoder.js';
import { Encoder } from './encoder.js';

export interface DecodeOptions {
  /** Integral floats become {@link Float}, so that encoding gives floats again. Default false: plain numbers. */
  exactFloats?: boolean;
}

/**
 * The MessagePack encoding of a value, as libwool sends it.
 *
 * @throws {ValueError} for what cannot be encoded, such as a function or an object of a class
 */
export function encode(value: unknown): Uint8Array {
  const encoder = Encoder.acquire();
  try {
    encoder.writeValue(value);
    return encoder.copy();
  } finally {
    encoder.release();
  }
}

/** The encoding of a call's arguments. @throws {ValueError} for what cannot be encoded */
export function encodeArguments(positional: readonly unknown[], named?: Record<string, unknown>): Uint8Array {
  const encoder = Encoder.acquire();
  try {
    encoder.writeArguments(positional, named);
    return encoder.copy();
  } finally {
    encoder.release();
  }
}

/**
 * The value whose encoding `bytes` is, exactly and entirely. Nothing in it refers to `bytes`.
 *
 * @throws {ValueError} for bytes that are no value
 */
export function decode(bytes: Uint8Array, options?: DecodeOptions): unknown {
  return reader(bytes, options).readValue(0, bytes.length);
}

/** The arguments whose encoding `bytes` is. @throws {ValueError} for bytes that are none */
export function decodeArguments(bytes: Uint8Array, options?: DecodeOptions): Arguments {
  return reader(bytes, options).readArguments(0, bytes.length);
}

function reader(bytes: Uint8Array, options: DecodeOptions | undefined): Decoder {
  const decoder = new Decoder();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  decoder.use(buffer, options?.exactFloats ?? false, true);
  return decoder;
}
