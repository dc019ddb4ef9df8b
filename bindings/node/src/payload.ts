import { Codec } from './native.js';
import { Encoder } from './values/encoder.js';
import { Raw } from './values/types.js';

/** Hands the encoding of one value to `use`, for the time of that call. `undefined` counts as null here. */
export function withValue(value: unknown, use: (bytes: Uint8Array, length: number, codec: number) => void): void {
  if (value instanceof Raw) {
    use(value.bytes, value.bytes.length, Codec.RAW);
    return;
  }
  const encoder = Encoder.acquire();
  try {
    encoder.writeValue(value ?? null);
    use(encoder.bytes, encoder.length, Codec.MSGPACK);
  } finally {
    encoder.release();
  }
}

/** Hands the encoding of a call's arguments to `use`, for the time of that call. */
export function withArguments(
  positional: readonly unknown[] | Raw,
  named: Readonly<Record<string, unknown>> | undefined,
  use: (bytes: Uint8Array, length: number, codec: number) => void,
): void {
  if (positional instanceof Raw) {
    use(positional.bytes, positional.bytes.length, Codec.RAW);
    return;
  }
  const encoder = Encoder.acquire();
  try {
    encoder.writeArguments(positional, named);
    use(encoder.bytes, encoder.length, Codec.MSGPACK);
  } finally {
    encoder.release();
  }
}
