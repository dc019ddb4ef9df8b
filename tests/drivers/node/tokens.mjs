// The tokens of tests/drivers/PROTOCOL.md, and the lines they come in.
import { createInterface } from 'node:readline';

import { decode, encode } from '../../../bindings/node/dist/index.mjs';

/** Longest encoding that is reported in full. */
const MOST_BYTES = 4096;
const ADLER = 65521;

/** The bytes of `fill:<size>:<seed>`. */
export function fill(size, seed) {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) {
    bytes[i] = (seed + i * 31 + (i >> 8) * 17) & 255;
  }
  return bytes;
}

export function toText(text) {
  if (text === '' || text === undefined) {
    return '-';
  }
  const encoded = encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  return encoded === '-' ? '%2D' : encoded;
}

/** The text of a token. */
export function fromText(token) {
  return token === '-' ? '' : decodeURIComponent(token);
}

/** The native value of a token in a command. */
export function toValue(token) {
  const [form, first, second] = token.split(':');
  // Exact floats: the driver passes values on, so 1.0 has to stay one.
  return form === 'fill'
    ? fill(Number(first), Number(second))
    : decode(Buffer.from(first, 'hex'), { exactFloats: true });
}

/** The token of a native value in an answer. */
export function fromValue(value) {
  const encoding = encode(value);
  if (encoding.length > MOST_BYTES && value instanceof Uint8Array) {
    return `sum:${value.length}:${adler32(value).toString(16).padStart(8, '0')}`;
  }
  return `hex:${Buffer.from(encoding).toString('hex')}`;
}

function adler32(bytes) {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % ADLER;
    high = (high + low) % ADLER;
  }
  return high * 65536 + low;
}

/** `key=value` tokens as an object: the last value of each key. */
export function toOptions(tokens) {
  return Object.fromEntries(tokens.map(toPair));
}

/** All values of a key that may come several times, or `undefined`. */
export function allOf(tokens, wanted) {
  const values = tokens.map(toPair).filter(([key]) => key === wanted);
  return values.length === 0 ? undefined : values.map(([, value]) => value);
}

function toPair(token) {
  const at = token.indexOf('=');
  return [token.slice(0, at), token.slice(at + 1)];
}

export function say(...tokens) {
  process.stdout.write(`${tokens.join(' ')}\n`);
}

/** The commands on stdin as lists of tokens, until `exit` or the end. */
export async function* commands() {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const tokens = line.trim().split(' ');
    if (tokens[0] === 'exit') {
      return;
    }
    if (tokens[0] !== '') {
      yield tokens;
    }
  }
}
