import { Decimal } from './decimal.js';
import { inKey, Refusal, within } from './error.js';
import { dateSpan, Duration, PlainDate, PlainTime } from './time.js';
import { Float, Named, Tuple } from './types.js';
import { Uuid } from './uuid.js';

/** Largest map whose keys are compared one with another; for more, a set is cheaper. */
const FEW_KEYS = 8;

/**
 * A text that is equal for values that are one and the same map key or set element, and only for those: 1 and 1n are,
 * 1 and float(1) are not; maps and sets are whatever the order of their entries.
 *
 * `value` can be encoded, so it is acyclic and holds only what the codec knows. NaN, which would not even equal itself,
 * is refused.
 */
export function keyOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'bigint':
      return `i${value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? `i${value};` : floatKey(value);
    default:
      return value === null ? 'n' : objectKey(value as object);
  }
}

function floatKey(value: number): string {
  if (Number.isNaN(value)) {
    throw new Refusal('nan_key', 'NaN cannot be a key or an element of a set: it does not equal itself');
  }
  return `d${value};`;
}

function objectKey(value: object): string {
  if (Array.isArray(value)) {
    return `${value instanceof Tuple ? 'u' : 'l'}${value.length}:${value.map(keyOf).join('')}`;
  }
  if (value instanceof Uint8Array) {
    return `b${value.length}:${Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')}`;
  }
  if (value instanceof ArrayBuffer) {
    return objectKey(new Uint8Array(value));
  }
  if (value instanceof Float) {
    return floatKey(value.valueOf());
  }
  if (value instanceof Set) {
    return `e${value.size}:${Array.from(value, keyOf).sort().join('')}`;
  }
  if (value instanceof Date) {
    const span = dateSpan(value);
    return `@${span?.seconds}.${span?.nanos};`;
  }
  if (value instanceof Duration) {
    return `+${value.seconds}.${value.nanos};`;
  }
  if (value instanceof PlainDate) {
    return `y${value.days};`;
  }
  if (value instanceof PlainTime) {
    return `h${value.nanos};`;
  }
  if (value instanceof Decimal) {
    return `c${value};`;
  }
  if (value instanceof Uuid) {
    return `g${value}`;
  }
  if (value instanceof Named) {
    return `x${keyOf(value.type)}${keyOf(value.value)}`;
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const keys = entries.map(([key, item]) => keyOf(key) + keyOf(item));
  return `m${keys.length}:${keys.sort().join('')}`;
}

/**
 * Refuses keys that are different for JavaScript but not for others. Strings and the like are distinct already;
 * bigints and objects need a look. The keys have been encoded, so they are acyclic and of kinds the codec knows.
 */
export function checkKeys(keys: Iterable<unknown>, segment: (index: number) => string): void {
  const all = Array.from(keys);
  const distinct = all.every(
    (key) => (typeof key !== 'object' || key === null) && typeof key !== 'bigint' && key === key,
  );
  if (distinct) {
    return;
  }
  const seen = new Set<string>();
  all.forEach((key, index) => {
    let identity;
    try {
      identity = keyOf(key);
    } catch (error) {
      throw within(error, segment(index));
    }
    if (seen.has(identity)) {
      throw new Refusal('duplicate_key', 'equals one before it').within(segment(index));
    }
    seen.add(identity);
  });
}

/** Refuses names that come twice. */
export function checkNames(keys: readonly string[]): void {
  const count = keys.length;
  let distinct = true;
  if (count > FEW_KEYS) {
    distinct = new Set(keys).size === count;
  } else {
    for (let i = 1; i < count; i++) {
      distinct &&= keys.indexOf(keys[i] as string) === i;
    }
  }
  if (!distinct) {
    const seen = new Set<string>();
    const index = keys.findIndex((key) => seen.size === seen.add(key).size);
    throw new Refusal('duplicate_key', 'equals one before it').within(inKey(index));
  }
}
