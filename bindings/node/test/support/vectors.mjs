// The golden vectors of proto/vectors, and the JavaScript values they stand for.
import { readFileSync } from 'node:fs';

import { Decimal, Duration, float, Named, PlainDate, PlainTime, Timestamp, Tuple, Uuid } from 'libwool';

/** The vectors of one file, without its extension. */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../../../proto/vectors/${name}.json`, import.meta.url), 'utf8'));
}

const KINDS = {
  null: () => null,
  bool: (value) => value,
  int: (digits) => {
    const value = BigInt(digits);
    return Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value ? Number(value) : value;
  },
  float: (text) => {
    const value = { nan: NaN, inf: Infinity, '-inf': -Infinity }[text] ?? Number(text);
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? float(value) : value;
  },
  string: (value) => value,
  bytes: (hex) => Buffer.from(hex, 'hex'),
  list: (elements) => elements.map(valueOf),
  tuple: (elements) => Tuple.from(elements.map(valueOf)),
  set: (elements) => new Set(elements.map(valueOf)),
  map: (pairs) => {
    const entries = pairs.map(([key, value]) => [valueOf(key), valueOf(value)]);
    return entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries) : new Map(entries);
  },
  timestamp: ({ seconds, nanos }) => new Timestamp(BigInt(seconds), nanos),
  date: (days) => new PlainDate(days),
  time: (nanos) => new PlainTime(BigInt(nanos)),
  duration: ({ seconds, nanos }) => new Duration(BigInt(seconds), nanos),
  decimal: (text) => new Decimal(text),
  uuid: (text) => new Uuid(text),
  named: ({ type, value }) => new Named(type, valueOf(value)),
};

/** The value that a vector describes, with floats that stay floats: what decoding with `exactFloats` gives. */
export function valueOf(description) {
  const [[kind, content]] = Object.entries(description);
  return KINDS[kind](content);
}
