import { Decimal } from './decimal.js';
import { atIndex, atKey, inKey, Refusal, toValueError, within } from './error.js';
import * as extension from './extension.js';
import { checkKeys } from './key.js';
import { MAX_BYTES, MAX_DEPTH } from './limits.js';
import { dateSpan, Duration, PlainDate, PlainTime } from './time.js';
import { Float, Named, Raw, Tuple } from './types.js';
import { Uuid } from './uuid.js';

const TWO_32 = 4_294_967_296;
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Bytes an encoder starts with, and the most that it keeps for the next value. */
const INITIAL_BYTES = 8 * 1024;
const KEPT_BYTES = 1024 * 1024;

/** Longest string that is written by a loop: crossing into C++ costs as much as some 40 characters. */
const LOOP_CHARACTERS = 40;

/**
 * Writes values as canonical MessagePack: every value has one encoding, the shortest.
 *
 * What was written is `bytes[0 .. length)`, and valid until the encoder is released or used again.
 */
export class Encoder {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  length = 0;
  #view = new DataView(this.bytes.buffer);

  /** Writes one value; errors say that it is at `path`. @throws {ValueError} for what cannot be encoded */
  writeValue(value: unknown, path = ''): void {
    try {
      this.#value(value, 0);
    } catch (error) {
      throw toValueError(within(error, path));
    }
  }

  /** Writes the arguments of a call. `named` is left out where there are none. @throws {ValueError} */
  writeArguments(positional: readonly unknown[], named?: Readonly<Record<string, unknown>>): void {
    try {
      const names = named === undefined ? [] : Object.keys(named);
      this.#byte(names.length > 0 ? 0x92 : 0x91);
      this.#elements(positional, 0);
      if (named !== undefined && names.length > 0) {
        this.#properties(named, names, 0);
      }
    } catch (error) {
      throw toValueError(error);
    }
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        if (Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0)) {
          this.#integer(value);
        } else {
          this.#float(value);
        }
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2);
        return;
      case 'bigint':
        this.#bigInteger(value);
        return;
      case 'object':
        if (value === null) {
          this.#byte(0xc0);
        } else {
          this.#object(value, depth);
        }
        return;
      default:
        throw unsupported(value);
    }
  }

  #object(value: object, depth: number): void {
    if (Array.isArray(value)) {
      checkDepth(depth);
      if (value instanceof Tuple) {
        this.#extension(extension.TUPLE, () => this.#elements(value, depth + 1));
      } else {
        this.#elements(value, depth + 1);
      }
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      checkDepth(depth);
      this.#properties(value as Record<string, unknown>, Object.keys(value), depth + 1);
    } else if (value instanceof Uint8Array) {
      this.#binary(value);
    } else if (value instanceof Map) {
      checkDepth(depth);
      this.#map(value, depth + 1);
    } else if (value instanceof Set) {
      checkDepth(depth);
      this.#extension(extension.SET, () => this.#elements(Array.from(value), depth + 1));
      checkKeys(value, atIndex);
    } else if (value instanceof Date) {
      this.#timestamp(value);
    } else if (value instanceof Float) {
      this.#float(value.valueOf());
    } else if (value instanceof ArrayBuffer) {
      this.#binary(new Uint8Array(value));
    } else if (value instanceof Named) {
      checkDepth(depth);
      this.#named(value, depth + 1);
    } else if (!this.#scalarExtension(value)) {
      // An object literal of another realm, such as a `vm` context.
      if (Object.getPrototypeOf(prototype) !== null) {
        throw unsupported(value);
      }
      checkDepth(depth);
      this.#properties(value as Record<string, unknown>, Object.keys(value), depth + 1);
    }
  }

  /** Writes a value that is an extension without values inside; false if it is none of ours. */
  #scalarExtension(value: object): boolean {
    if (value instanceof Decimal) {
      const text = value.toString();
      this.#extensionHead(extension.DECIMAL, text.length);
      this.#text(text, text.length);
    } else if (value instanceof Uuid) {
      this.#extensionHead(extension.UUID, 16);
      this.#raw(value.bytes);
    } else if (value instanceof PlainDate) {
      this.#extensionHead(extension.DATE, 4);
      this.#view.setInt32(this.#take(4), value.days);
    } else if (value instanceof PlainTime) {
      this.#extensionHead(extension.TIME, 8);
      this.#view.setBigUint64(this.#take(8), value.nanos);
    } else if (value instanceof Duration) {
      this.#extensionHead(extension.DURATION, 12);
      this.#view.setBigInt64(this.#take(8), value.seconds);
      this.#view.setUint32(this.#take(4), value.nanos);
    } else {
      return false;
    }
    return true;
  }

  #integer(value: number): void {
    if (value >= 0) {
      if (value < 0x80) {
        this.#byte(value);
      } else if (value < 0x100) {
        this.#byte(0xcc);
        this.#byte(value);
      } else if (value < 0x10000) {
        this.#byte(0xcd);
        this.#view.setUint16(this.#take(2), value);
      } else if (value < TWO_32) {
        this.#byte(0xce);
        this.#view.setUint32(this.#take(4), value);
      } else {
        this.#byte(0xcf);
        this.#wide(value);
      }
    } else if (value >= -0x20) {
      this.#byte(value & 0xff);
    } else if (value >= -0x80) {
      this.#byte(0xd0);
      this.#byte(value & 0xff);
    } else if (value >= -0x8000) {
      this.#byte(0xd1);
      this.#view.setInt16(this.#take(2), value);
    } else if (value >= -0x80000000) {
      this.#byte(0xd2);
      this.#view.setInt32(this.#take(4), value);
    } else {
      this.#byte(0xd3);
      this.#wide(value);
    }
  }

  /** Eight bytes of a safe integer, in two's complement. */
  #wide(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#view.setInt32(this.#take(4), high);
    this.#view.setUint32(this.#take(4), value - high * TWO_32);
  }

  #bigInteger(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#integer(Number(value));
    } else if (value >= 0n && value <= UINT64_MAX) {
      this.#byte(0xcf);
      this.#view.setBigUint64(this.#take(8), value);
    } else if (value < 0n && value >= INT64_MIN) {
      this.#byte(0xd3);
      this.#view.setBigInt64(this.#take(8), value);
    } else {
      const digits = (value < 0n ? -value : value).toString(16);
      const magnitude = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
      this.#extensionHead(extension.BIG_INT, 1 + magnitude.length);
      this.#byte(value < 0n ? 1 : 0);
      this.#raw(magnitude);
    }
  }

  #float(value: number): void {
    this.#byte(0xcb);
    const at = this.#take(8);
    if (Number.isNaN(value)) {
      // The engine may write any of the many NaNs.
      this.#view.setUint32(at, 0x7ff80000);
      this.#view.setUint32(at + 4, 0);
    } else {
      this.#view.setFloat64(at, value);
    }
  }

  #string(value: string): void {
    const characters = value.length;
    if (characters < LOOP_CHARACTERS && this.#ascii(value, characters)) {
      return;
    }
    if (!value.isWellFormed()) {
      throw new Refusal('invalid_utf8', 'the string holds half of a surrogate pair, which UTF-8 cannot say');
    }
    const length = Buffer.byteLength(value, 'utf8');
    this.#stringHead(length);
    this.#text(value, length);
  }

  /** Writes a short string if it is ASCII; else writes nothing. */
  #ascii(value: string, characters: number): boolean {
    this.#reserve(2 + characters);
    const bytes = this.bytes;
    let at = this.length;
    if (characters < 32) {
      bytes[at++] = 0xa0 | characters;
    } else {
      bytes[at++] = 0xd9;
      bytes[at++] = characters;
    }
    for (let i = 0; i < characters; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        return false;
      }
      bytes[at++] = code;
    }
    this.length = at;
    return true;
  }

  #stringHead(length: number): void {
    if (length < 32) {
      this.#byte(0xa0 | length);
    } else {
      this.#head(length, 0xd9, 0xda, 0xdb);
    }
  }

  #binary(value: Uint8Array): void {
    this.#head(value.length, 0xc4, 0xc5, 0xc6);
    this.#raw(value);
  }

  #elements(values: readonly unknown[], depth: number): void {
    const count = values.length;
    if (count < 16) {
      this.#byte(0x90 | count);
    } else {
      this.#head(count, undefined, 0xdc, 0xdd);
    }
    let index = 0;
    try {
      for (; index < count; index++) {
        this.#value(values[index], depth);
      }
    } catch (error) {
      throw within(error, atIndex(index));
    }
  }

  #properties(object: Readonly<Record<string, unknown>>, names: readonly string[], depth: number): void {
    this.#mapHead(names.length);
    let index = 0;
    try {
      for (; index < names.length; index++) {
        const name = names[index] as string;
        this.#string(name);
        this.#value(object[name], depth);
      }
    } catch (error) {
      throw within(error, atKey(names[index], index));
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#mapHead(map.size);
    let index = 0;
    for (const [key, value] of map) {
      let segment = inKey;
      try {
        this.#value(key, depth);
        segment = () => atKey(key, index);
        this.#value(value, depth);
      } catch (error) {
        throw within(error, segment(index));
      }
      index++;
    }
    checkKeys(map.keys(), inKey);
  }

  #mapHead(count: number): void {
    if (count < 16) {
      this.#byte(0x80 | count);
    } else {
      this.#head(count, undefined, 0xde, 0xdf);
    }
  }

  #timestamp(date: Date): void {
    const span = dateSpan(date);
    if (span === undefined) {
      throw new Refusal('invalid_value', 'an invalid Date is no point in time');
    }
    const { seconds, nanos } = span;
    if (seconds >= 0n && seconds < 2n ** 34n) {
      const whole = Number(seconds);
      if (nanos === 0 && whole < TWO_32) {
        this.#extensionHead(extension.TIMESTAMP, 4);
        this.#view.setUint32(this.#take(4), whole);
      } else {
        this.#extensionHead(extension.TIMESTAMP, 8);
        this.#view.setUint32(this.#take(4), nanos * 4 + Math.floor(whole / TWO_32));
        this.#view.setUint32(this.#take(4), whole % TWO_32);
      }
    } else {
      this.#extensionHead(extension.TIMESTAMP, 12);
      this.#view.setUint32(this.#take(4), nanos);
      this.#view.setBigInt64(this.#take(8), seconds);
    }
  }

  #named(named: Named, depth: number): void {
    if (typeof named.type !== 'string' || named.type === '') {
      throw new Refusal('invalid_value', 'a named value needs a type name');
    }
    this.#extension(extension.NAMED, () => {
      this.#string(named.type);
      this.#value(named.value, depth);
    });
  }

  /** An extension whose length is known only when its body has been written: the body then moves up to its head. */
  #extension(number: number, writeBody: () => void): void {
    const start = this.length;
    const body = start + LONGEST_EXTENSION_HEAD;
    this.#take(LONGEST_EXTENSION_HEAD);
    writeBody();
    const end = this.length;
    this.length = start;
    this.#extensionHead(number, end - body);
    this.bytes.copyWithin(this.length, body, end);
    this.length += end - body;
  }

  #extensionHead(number: number, length: number): void {
    const fixed = FIXED_EXTENSIONS.indexOf(length);
    if (fixed >= 0) {
      this.#byte(0xd4 + fixed);
    } else {
      this.#head(length, 0xc7, 0xc8, 0xc9);
    }
    this.#byte(number & 0xff);
  }

  #head(length: number, byte: number | undefined, word: number, long: number): void {
    if (byte !== undefined && length < 0x100) {
      this.#byte(byte);
      this.#byte(length);
    } else if (length < 0x10000) {
      this.#byte(word);
      this.#view.setUint16(this.#take(2), length);
    } else {
      this.#byte(long);
      this.#view.setUint32(this.#take(4), length);
    }
  }

  #byte(value: number): void {
    if (this.length === this.bytes.length) {
      this.#reserve(1);
    }
    this.bytes[this.length++] = value;
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** `length` is the length of `text` in UTF-8. */
  #text(text: string, length: number): void {
    const at = this.#take(length);
    this.bytes.write(text, at, 'utf8');
  }

  /** Makes room for `count` bytes and passes over them. */
  #take(count: number): number {
    this.#reserve(count);
    const at = this.length;
    this.length += count;
    return at;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) {
      return;
    }
    if (needed > MAX_BYTES) {
      throw new Refusal('too_large', `encoded, the value is larger than ${MAX_BYTES} bytes: send it in parts, or raw`);
    }
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, this.bytes.length * 2), MAX_BYTES));
    larger.set(this.bytes.subarray(0, this.length));
    this.#replace(larger);
  }

  #replace(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  /** An encoder that nobody else uses until it is released. */
  static acquire(): Encoder {
    return idle.pop() ?? new Encoder();
  }

  /** Gives the encoder back; its bytes are no longer valid. */
  release(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) {
      this.#replace(Buffer.allocUnsafeSlow(INITIAL_BYTES));
    }
    if (idle.length < KEPT_ENCODERS) {
      idle.push(this);
    }
  }
}

/** Several are in use only while a getter or a proxy, called by one, makes calls of its own. */
const idle: Encoder[] = [];
const KEPT_ENCODERS = 4;

const LONGEST_EXTENSION_HEAD = 6;
/** Body lengths that have heads of their own, from 0xd4. */
const FIXED_EXTENSIONS = [1, 2, 4, 8, 16];

function checkDepth(depth: number): void {
  if (depth >= MAX_DEPTH) {
    throw new Refusal('too_deep', `more than ${MAX_DEPTH} containers enclose one another, or one encloses itself`);
  }
}

function unsupported(value: unknown): Refusal {
  if (value === undefined) {
    return new Refusal('kind_mismatch', 'undefined is no value: leave it out, or use null');
  }
  if (value instanceof Raw) {
    return new Refusal('kind_mismatch', 'raw bytes are not part of a value: they are all arguments, or the result');
  }
  const name = typeof value === 'object' ? value?.constructor?.name || 'a class without a name' : undefined;
  return name === undefined
    ? new Refusal('kind_mismatch', `a ${typeof value} cannot be encoded`)
    : new Refusal('kind_mismatch', `an object of ${name} cannot be encoded: use a plain object, or Named`);
}
