import { WoolError } from '../errors.js';

/** What is wrong with a value; the names are the same in every language. */
export type ValueErrorReason =
  | 'truncated'
  | 'trailing_bytes'
  | 'reserved_byte'
  | 'invalid_utf8'
  | 'duplicate_key'
  | 'nan_key'
  | 'too_deep'
  | 'too_large'
  | 'unknown_extension'
  | 'invalid_extension'
  | 'invalid_arguments'
  | 'kind_mismatch'
  | 'out_of_range'
  | 'invalid_value'
  | 'argument_mismatch';

/**
 * A value that cannot be encoded, or bytes that are no value. Its `kind` is `CODEC`.
 *
 * `path` says where: `$` is the value (or the arguments) as a whole, `$.items[3].name` a part of it,
 * `$context.shop.customer` a value that was to ride along. Keys that are no plain words are quoted, as in
 * `$["two words"]`; `$<key 2>` is the third *key* of a map.
 */
export class ValueError extends WoolError {
  readonly reason: ValueErrorReason;
  readonly path: string;

  static {
    this.prototype.name = 'ValueError';
  }

  constructor(reason: ValueErrorReason, detail: string, path = '$') {
    super('CODEC', path === '$' ? detail : `${path}: ${detail}`);
    this.reason = reason;
    this.path = path;
  }
}

/**
 * What the codec throws while it works: a reason whose path grows as the call stack unwinds. No stack trace is taken;
 * that happens once, in {@link toValueError}.
 */
export class Refusal {
  private path = '';

  constructor(
    private readonly reason: ValueErrorReason,
    private readonly detail: string,
  ) {}

  within(segment: string): this {
    this.path = segment + this.path;
    return this;
  }

  toValueError(): ValueError {
    return new ValueError(this.reason, this.detail, `$${this.path}`);
  }
}

/** Puts `segment` before the path of what the codec threw, and gives it back to be thrown on. */
export function within(error: unknown, segment: string): unknown {
  return error instanceof Refusal ? error.within(segment) : error;
}

/** What the codec's caller gets to see. Errors that user code threw (a getter, a proxy) pass unchanged. */
export function toValueError(error: unknown): unknown {
  return error instanceof Refusal ? error.toValueError() : error;
}

/** The path segment of the list element at `index`. */
export function atIndex(index: number): string {
  return `[${index}]`;
}

/** Longest key an error quotes: keys may be what a stranger has sent. */
const LONGEST_SHOWN = 64;
const WORD = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The path segment of the value under a map's `key`, its `index`th. */
export function atKey(key: unknown, index: number): string {
  if (typeof key === 'string') {
    const shown = key.length > LONGEST_SHOWN ? `${key.slice(0, LONGEST_SHOWN)}…` : key;
    return shown === key && WORD.test(key) ? `.${key}` : `[${JSON.stringify(shown)}]`;
  }
  if (key === null || typeof key === 'boolean' || Number.isSafeInteger(key) || typeof key === 'bigint') {
    return `[${key}]`;
  }
  return `<value ${index}>`;
}

/** The path segment of a map's key number `index`. */
export function inKey(index: number): string {
  return `<key ${index}>`;
}
