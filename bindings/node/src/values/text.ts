import { isUtf8 } from 'node:buffer';

import { Refusal } from './error.js';

/** Longest string that is looked through for other characters than ASCII here: crossing into C++ costs more. */
const SHORT_STRING = 128;
/** Longest string that is built character by character, for the same reason. */
const TINY_STRING = 12;

/** Places for names, a power of two. */
const PLACES = 256;

/**
 * The names of properties that were read before, by a hash of their bytes. Maps of one kind have the same keys again
 * and again, and finding a string costs less than making it.
 */
const names: (string | undefined)[] = new Array<string | undefined>(PLACES);

/** Reads a string of UTF-8. Throws a {@link Refusal} for other bytes. */
export function textAt(bytes: Buffer, start: number, length: number): string {
  const end = start + length;
  if (length <= SHORT_STRING && isAscii(bytes, start, end)) {
    return length <= TINY_STRING ? tinyString(bytes, start, end) : bytes.toString('latin1', start, end);
  }
  // Buffers read malformed UTF-8 as U+FFFD without a word.
  if (!isUtf8(bytes.subarray(start, end))) {
    throw new Refusal('invalid_utf8', 'the string is not UTF-8');
  }
  return bytes.toString('utf8', start, end);
}

/** Reads the short name of a property, `length` 1 or more; `undefined` if it is not ASCII. */
export function nameAt(bytes: Buffer, start: number, length: number): string | undefined {
  const place = (length * 37 + (bytes[start] as number) * 5 + (bytes[start + length - 1] as number)) & (PLACES - 1);
  const candidate = names[place];
  if (candidate !== undefined && candidate.length === length && isAt(candidate, bytes, start)) {
    return candidate;
  }
  if (!isAscii(bytes, start, start + length)) {
    return undefined;
  }
  const name = bytes.toString('latin1', start, start + length);
  names[place] = name;
  return name;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) >= 0x80) {
      return false;
    }
  }
  return true;
}

function tinyString(bytes: Buffer, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) {
    text += String.fromCharCode(bytes[at] as number);
  }
  return text;
}

function isAt(name: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== bytes[start + i]) {
      return false;
    }
  }
  return true;
}
