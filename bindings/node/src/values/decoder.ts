import { canonicalDecimal, Decimal } from './decimal.js';
import { atIndex, atKey, inKey, Refusal, toValueError, within } from './error.js';
import * as extension from './extension.js';
import { checkNames, keyOf } from './key.js';
import { MAX_BYTES, MAX_DEPTH } from './limits.js';
import { nameAt, textAt } from './text.js';
import { DAY, Duration, PlainDate, PlainTime, Timestamp } from './time.js';
import { Float, Named, Tuple } from './types.js';
import { Uuid } from './uuid.js';

const TWO_32 = 4_294_967_296;
const SECOND = 1_000_000_000;

/** The arguments of a call. */
export interface Arguments {
  positional: unknown[];
  /** Undefined where there are none. */
  named: Record<string, unknown> | undefined;
}

/** Reads values from MessagePack. Any bytes give a value or a {@link ValueError}. One value at a time. */
export class Decoder {
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;
  #exactFloats = false;
  #borrowed = true;

  /**
   * Uses `bytes` for what is read next.
   *
   * @param exactFloats integral floats become {@link Float}, so that they are sent back as floats
   * @param borrowed the memory will be overwritten: bytes values are copied out. Otherwise a bytes value that makes up
   *   most of the memory may be a view of it
   */
  use(bytes: Buffer, exactFloats: boolean, borrowed: boolean): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#exactFloats = exactFloats;
    this.#borrowed = borrowed;
  }

  /** The value whose encoding is `bytes[start .. start + length)`, exactly and entirely. @throws {ValueError} */
  readValue(start: number, length: number): unknown {
    try {
      this.#begin(start, length);
      const value = this.#value(0);
      this.#finish();
      return value;
    } catch (error) {
      throw toValueError(error);
    }
  }

  /** The arguments whose encoding is `bytes[start .. start + length)`. @throws {ValueError} */
  readArguments(start: number, length: number): Arguments {
    try {
      this.#begin(start, length);
      const parts = this.#arrayHead();
      if (parts !== 1 && parts !== 2) {
        throw new Refusal('invalid_arguments', 'arguments are a list of one or two parts');
      }
      const count = this.#arrayHead();
      if (count < 0) {
        throw new Refusal('invalid_arguments', 'the positional arguments are no list');
      }
      const positional = this.#elements([], count, 0);
      const named = parts === 2 ? this.#namedArguments() : undefined;
      this.#finish();
      return { positional, named };
    } catch (error) {
      throw toValueError(error);
    }
  }

  #namedArguments(): Record<string, unknown> | undefined {
    const count = this.#mapHead(this.#byte());
    if (count < 0) {
      throw new Refusal('invalid_arguments', 'the named arguments are no map');
    }
    const named = this.#map(count, 0);
    if (named instanceof Map) {
      throw new Refusal('invalid_arguments', 'a name of the named arguments is no string');
    }
    return count > 0 ? named : undefined;
  }

  #begin(start: number, length: number): void {
    this.#at = start;
    this.#end = start + length;
    if (length > MAX_BYTES) {
      throw new Refusal('too_large', `encoded, the value is larger than ${MAX_BYTES} bytes`);
    }
  }

  #finish(): void {
    if (this.#at !== this.#end) {
      throw new Refusal('trailing_bytes', `${this.#end - this.#at} bytes follow the value`);
    }
  }

  #value(depth: number): unknown {
    const head = this.#byte();
    if (head < 0x80) {
      return head;
    }
    if (head >= 0xe0) {
      return head - 0x100;
    }
    if (head < 0x90) {
      return this.#nested(depth) && this.#map(head & 0x0f, depth + 1);
    }
    if (head < 0xa0) {
      return this.#nested(depth) && this.#elements([], head & 0x0f, depth + 1);
    }
    if (head < 0xc0) {
      return this.#string(head & 0x1f);
    }
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#length(head - 0xc4));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#length(head - 0xc7), depth);
      case 0xca:
        return this.#float(this.#view.getFloat32(this.#take(4)));
      case 0xcb:
        return this.#float(this.#view.getFloat64(this.#take(8)));
      case 0xcc:
        return this.#view.getUint8(this.#take(1));
      case 0xcd:
        return this.#view.getUint16(this.#take(2));
      case 0xce:
        return this.#view.getUint32(this.#take(4));
      case 0xcf:
        return this.#wide(false);
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return this.#wide(true);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (head - 0xd4), depth);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#length(head - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#nested(depth) && this.#elements([], this.#length(head - 0xdb), depth + 1);
      case 0xde:
      case 0xdf:
        return this.#nested(depth) && this.#map(this.#length(head - 0xdd), depth + 1);
      default:
        throw new Refusal('reserved_byte', 'the byte 0xc1 starts no value');
    }
  }

  #wide(signed: boolean): number | bigint {
    const at = this.#take(8);
    const high = signed ? this.#view.getInt32(at) : this.#view.getUint32(at);
    const value = high * TWO_32 + this.#view.getUint32(at + 4);
    if (Number.isSafeInteger(value)) {
      return value;
    }
    return signed ? this.#view.getBigInt64(at) : this.#view.getBigUint64(at);
  }

  #float(value: number): number | Float {
    return this.#exactFloats && Number.isSafeInteger(value) && !Object.is(value, -0) ? new Float(value) : value;
  }

  #string(length: number): string {
    const start = this.#take(length);
    return textAt(this.#bytes, start, length);
  }

  #binary(length: number): Buffer {
    const start = this.#take(length);
    const view = this.#bytes.subarray(start, start + length);
    return this.#borrowed || length * 2 < this.#bytes.length ? Buffer.from(view) : view;
  }

  #elements<A extends unknown[]>(into: A, count: number, depth: number): A {
    this.#claim(count);
    let index = 0;
    try {
      for (; index < count; index++) {
        into.push(this.#value(depth));
      }
    } catch (error) {
      throw within(error, atIndex(index));
    }
    return into;
  }

  /** An object if all keys are strings, else a `Map`. */
  #map(count: number, depth: number): Record<string, unknown> | Map<unknown, unknown> {
    this.#claim(count * 2);
    const object: Record<string, unknown> = {};
    const keys: string[] = [];
    for (let index = 0; index < count; index++) {
      const key = this.#key(index, depth);
      if (typeof key !== 'string') {
        return this.#mixedMap(object, keys, key, count, depth);
      }
      keys.push(key);
      const value = this.#entry(key, index, depth);
      if (key === '__proto__') {
        // Assigning it would change the object's prototype instead.
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        object[key] = value;
      }
    }
    checkNames(keys);
    return object;
  }

  /** Goes on with a map, of which `keys` have been read into `object`, and `key` is no string. */
  #mixedMap(
    object: Record<string, unknown>,
    keys: readonly string[],
    key: unknown,
    count: number,
    depth: number,
  ): Map<unknown, unknown> {
    checkNames(keys);
    const map = new Map<unknown, unknown>();
    for (const name of keys) {
      map.set(name, object[name]);
    }
    const seen = new Set<string>();
    for (let index = keys.length; index < count; index++) {
      const next = index === keys.length ? key : this.#key(index, depth);
      const held = this.#distinct(next, map, seen, inKey(index));
      map.set(held, this.#entry(next, index, depth));
    }
    return map;
  }

  #key(index: number, depth: number): unknown {
    const head = this.#bytes[this.#at];
    if (head !== undefined && head > 0xa0 && head <= 0xbf && this.#end - this.#at > head - 0xa0) {
      const name = nameAt(this.#bytes, this.#at + 1, head - 0xa0);
      if (name !== undefined) {
        this.#at += 1 + name.length;
        return name;
      }
    }
    try {
      return this.#value(depth);
    } catch (error) {
      throw within(error, inKey(index));
    }
  }

  #entry(key: unknown, index: number, depth: number): unknown {
    try {
      return this.#value(depth);
    } catch (error) {
      throw within(error, atKey(key, index));
    }
  }

  /** The key as JavaScript is to hold it. Refuses NaN, and a key that equals one before. */
  #distinct(key: unknown, held: { has(key: unknown): boolean }, seen: Set<string>, segment: string): unknown {
    let kept = key;
    let identity = '';
    if (Object.is(key, -0) && this.#exactFloats) {
      // Maps and sets would make it the int 0.
      kept = new Float(-0);
    }
    if (typeof kept === 'object' || Number.isNaN(kept)) {
      try {
        identity = kept === null ? '' : keyOf(kept);
      } catch (error) {
        throw within(error, segment);
      }
    }
    const repeated = identity === '' ? held.has(kept) : seen.has(identity);
    if (repeated) {
      throw new Refusal('duplicate_key', 'equals one before it for JavaScript').within(segment);
    }
    if (identity !== '') {
      seen.add(identity);
    }
    return kept;
  }

  #extension(length: number, depth: number): unknown {
    const number = this.#view.getInt8(this.#take(1));
    const start = this.#take(length);
    switch (number) {
      case extension.TIMESTAMP:
        return this.#timestamp(start, length);
      case extension.BIG_INT:
        return this.#bigInteger(start, length);
      case extension.TUPLE:
        return this.#nested(depth) && this.#body(start, () => this.#list(new Tuple(), 'tuple', depth + 1));
      case extension.SET:
        return this.#nested(depth) && this.#body(start, () => this.#set(depth + 1));
      case extension.DATE:
        checkExtension(length === 4, 'a date has 4 bytes');
        return new PlainDate(this.#view.getInt32(start));
      case extension.TIME: {
        checkExtension(length === 8, 'a time has 8 bytes');
        const nanos = this.#view.getBigUint64(start);
        checkExtension(nanos < DAY, 'the time of day is a day or more');
        return new PlainTime(nanos);
      }
      case extension.DURATION: {
        checkExtension(length === 12, 'a duration has 12 bytes');
        const nanos = this.#view.getUint32(start + 8);
        checkExtension(nanos < SECOND, 'the nanoseconds make up a second or more');
        return new Duration(this.#view.getBigInt64(start), nanos);
      }
      case extension.DECIMAL: {
        const text = this.#bytes.toString('latin1', start, start + length);
        checkExtension(canonicalDecimal(text) === text, 'the text is not that of a decimal number');
        return new Decimal(text);
      }
      case extension.UUID:
        checkExtension(length === 16, 'a UUID has 16 bytes');
        return new Uuid(this.#bytes.subarray(start, start + length));
      case extension.NAMED:
        return this.#nested(depth) && this.#body(start, () => this.#named(depth + 1));
      default:
        throw new Refusal('unknown_extension', `extension ${number} stands for nothing`);
    }
  }

  #timestamp(start: number, length: number): Timestamp {
    const view = this.#view;
    if (length === 4) {
      return new Timestamp(view.getUint32(start));
    }
    checkExtension(length === 8 || length === 12, 'a timestamp has 4, 8 or 12 bytes');
    const first = view.getUint32(start);
    const nanos = length === 8 ? Math.floor(first / 4) : first;
    checkExtension(nanos < SECOND, 'the nanoseconds make up a second or more');
    const seconds = length === 8 ? (first % 4) * TWO_32 + view.getUint32(start + 4) : view.getBigInt64(start + 4);
    return new Timestamp(seconds, nanos);
  }

  #bigInteger(start: number, length: number): number | bigint {
    const sign = length === 0 ? undefined : this.#bytes[start];
    checkExtension(sign === 0 || sign === 1, 'a big integer begins with its sign, 0 or 1');
    const magnitude = BigInt(`0x0${this.#bytes.toString('hex', start + 1, start + length)}`);
    const value = sign === 1 ? -magnitude : magnitude;
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  /** Reads an extension's body, which has just been passed over, exactly and entirely. */
  #body(start: number, read: () => unknown): unknown {
    const [outerAt, outerEnd] = [this.#at, this.#end];
    this.#at = start;
    this.#end = outerAt;
    const value = read();
    this.#finish();
    this.#end = outerEnd;
    return value;
  }

  #list<A extends unknown[]>(into: A, what: string, depth: number): A {
    const count = this.#arrayHead();
    checkExtension(count >= 0, `the body of a ${what} is no list`);
    return this.#elements(into, count, depth);
  }

  #set(depth: number): Set<unknown> {
    const set = new Set<unknown>();
    const seen = new Set<string>();
    this.#list([], 'set', depth).forEach((element, index) => {
      set.add(this.#distinct(element, set, seen, atIndex(index)));
    });
    return set;
  }

  #named(depth: number): Named {
    const length = this.#stringHead(this.#byte());
    checkExtension(length >= 0, 'the type name of a named value is no string');
    const type = this.#string(length);
    checkExtension(type !== '', 'the type name of a named value is empty');
    return new Named(type, this.#value(depth));
  }

  /** Reads the head of a list: the number of its elements, or -1 if this is no list. */
  #arrayHead(): number {
    const head = this.#byte();
    if (head >= 0x90 && head < 0xa0) {
      return head & 0x0f;
    }
    return head === 0xdc || head === 0xdd ? this.#length(head - 0xdb) : -1;
  }

  #mapHead(head: number): number {
    if (head >= 0x80 && head < 0x90) {
      return head & 0x0f;
    }
    return head === 0xde || head === 0xdf ? this.#length(head - 0xdd) : -1;
  }

  #stringHead(head: number): number {
    if (head >= 0xa0 && head < 0xc0) {
      return head & 0x1f;
    }
    return head >= 0xd9 && head <= 0xdb ? this.#length(head - 0xd9) : -1;
  }

  /** A length of 1, 2 or 4 bytes (`size` 0, 1 or 2). */
  #length(size: number): number {
    switch (size) {
      case 0:
        return this.#byte();
      case 1:
        return this.#view.getUint16(this.#take(2));
      default:
        return this.#view.getUint32(this.#take(4));
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) {
      throw truncated();
    }
    return this.#bytes[this.#at++] as number;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) {
      throw truncated();
    }
    this.#at = at + count;
    return at;
  }

  /** Refuses a claim of more values than there are bytes, before any memory is spent on it. */
  #claim(values: number): void {
    if (values > this.#end - this.#at) {
      throw truncated();
    }
  }

  /** True; refuses a container that would be too deep. */
  #nested(depth: number): true {
    if (depth >= MAX_DEPTH) {
      throw new Refusal('too_deep', `more than ${MAX_DEPTH} containers enclose one another`);
    }
    return true;
  }
}

function truncated(): Refusal {
  return new Refusal('truncated', 'the bytes end before the value does');
}

function checkExtension(fine: boolean, detail: string): void {
  if (!fine) {
    throw new Refusal('invalid_extension', detail);
  }
}
