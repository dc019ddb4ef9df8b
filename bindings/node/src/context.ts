// Values that ride along with a call, beside its arguments.
import { type ContextHandle, type ContextValue, native } from './native.js';
import { invalid } from './options.js';
import { type DecodeOptions, decode } from './values/codec.js';
import { Encoder } from './values/encoder.js';
import { atKey } from './values/error.js';

/** Values by namespace and name, such as `{ shop: { customer: 7 } }`. */
export type Context = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** As it is sent. @throws {WoolError} `INVALID_ARGUMENT`; `ValueError` for what cannot be encoded */
export function encodedContext(context: Context): ContextValue[] {
  checkNames('context', context);
  return Object.entries(context).flatMap(([namespace, values]) => {
    const where = `context${atKey(namespace, 0)}`;
    checkNames(where, values);
    return Object.entries(values).map(([name, value]) => {
      return { namespace, name, value: encoded(value, where + atKey(name, 0)) };
    });
  });
}

function checkNames(what: string, value: unknown): void {
  if (!isPlain(value)) {
    throw invalid(`${what} has to be a plain object: a context has values by namespace, then by name`);
  }
  if (!Object.keys(value).every((name) => name.isWellFormed())) {
    throw invalid(`${what} has a name with half of a surrogate pair, which UTF-8 cannot say`);
  }
}

/** Whether `value` keeps what it holds in properties of its own. In other realms, too. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function encoded(value: unknown, path: string): Uint8Array {
  const encoder = Encoder.acquire();
  try {
    encoder.writeValue(value, path);
    return encoder.copy();
  } finally {
    encoder.release();
  }
}

/** Values that calls take along, and that change with their answers. */
export class Bag {
  constructor(
    readonly handle: ContextHandle,
    private readonly exactFloats: boolean,
  ) {}

  /** A value, or `undefined` if it is not there. @throws {ValueError} */
  get(namespace: string, name: string, options?: DecodeOptions): unknown {
    checkName(namespace, name);
    const found = native.contextGet(this.handle, namespace, name);
    return found && decode(found, { exactFloats: this.exactFloats, ...options });
  }

  /** @throws {WoolError} `PAYLOAD_TOO_LARGE`; `ValueError` for what cannot be encoded */
  set(namespace: string, name: string, value: unknown): void {
    checkName(namespace, name);
    const bytes = encoded(value, `context${atKey(namespace, 0)}${atKey(name, 0)}`);
    native.contextSet(this.handle, namespace, name, bytes, bytes.length);
  }

  unset(namespace: string, name: string): void {
    checkName(namespace, name);
    native.contextUnset(this.handle, namespace, name);
  }
}

function checkName(...names: readonly unknown[]): void {
  if (!names.every((name) => typeof name === 'string' && name.isWellFormed())) {
    throw invalid('a value of a context has a namespace and a name, both strings that UTF-8 can say');
  }
}

/** What came along with a call that has not been let in. Its values are decoded when they are asked for. */
export class ReceivedContext {
  constructor(
    /** `undefined`: nothing did. */
    readonly values: readonly ContextValue[] | undefined,
    private readonly exactFloats: boolean,
  ) {}

  /** A value, or `undefined` if it is not there. @throws {ValueError} */
  get(namespace: string, name: string): unknown {
    const found = this.values?.find((value) => value.namespace === namespace && value.name === name);
    return found && decode(found.value, { exactFloats: this.exactFloats });
  }
}
