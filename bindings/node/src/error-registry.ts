import { type Fault, type FaultOptions, standIn, WoolError } from './errors.js';
import { hide } from './errors-shown.js';
import { invalid } from './options.js';

/** A class of errors. */
export type ErrorClass<E extends Error = Error> = abstract new (...args: any[]) => E;

/** How a registered error travels. */
export interface RegisteredErrorOptions<E extends Error = Error> {
  /** The data that travels with the error: any value that can be encoded. Default: its own enumerable properties. */
  encode?: ((error: E) => unknown) | undefined;
  /**
   * The error that a caller gets. Default: an instance for which no constructor was called, with the message and the
   * data as its properties. What fails here, and what is no instance of the class, leaves the caller a `TaskError`.
   */
  decode?: ((data: unknown, fault: Fault) => E) | undefined;
}

interface Registered {
  readonly name: string;
  readonly type: ErrorClass;
  readonly encode: (error: Error) => unknown;
  readonly decode: (data: unknown, fault: Fault) => Error;
  warned: boolean;
}

/** The application errors of one runtime: by name, which is the contract between languages, and by class. */
export class ErrorRegistry {
  readonly #byName = new Map<string, Registered>();
  readonly #byPrototype = new Map<object, Registered>();

  /** @throws {WoolError} `ALREADY_EXISTS` for a name or a class that is taken; `INVALID_ARGUMENT` */
  register<C extends ErrorClass>(type: C, name: string, options: RegisteredErrorOptions<InstanceType<C>> = {}): void {
    if (typeof type !== 'function' || !(type.prototype instanceof Error)) {
      throw invalid('a registered error is a class that extends Error');
    }
    if (typeof name !== 'string' || name === '') {
      throw invalid(`the class ${type.name} is registered by a name, such as 'shop.OutOfStock'`);
    }
    if (this.#byName.has(name) || this.#byPrototype.has(type.prototype)) {
      const taken = this.#byName.has(name) ? `the error name ${name}` : `the class ${type.name}`;
      throw new WoolError('ALREADY_EXISTS', `${taken} is registered already`);
    }
    const registered: Registered = {
      name,
      type,
      encode: (options.encode as Registered['encode'] | undefined) ?? ownProperties,
      decode: options.decode ?? ((data, fault) => bare(type, data, fault)),
      warned: false,
    };
    this.#byName.set(name, registered);
    this.#byPrototype.set(type.prototype, registered);
  }

  /** By which name `error` travels, and with what data: those of the nearest class that is registered. */
  describe(error: Error): { name: string; data: () => unknown } | undefined {
    if (this.#byPrototype.size === 0) {
      return undefined;
    }
    for (let at: object | null = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
      const registered = this.#byPrototype.get(at);
      if (registered !== undefined) {
        return { name: registered.name, data: () => registered.encode(error) };
      }
    }
    return undefined;
  }

  /** The error of its own class for a fault, if that is registered. Never throws. */
  errorFor(fault: Fault, options: FaultOptions): Error | undefined {
    const registered = fault.kind === 'TASK_FAILED' ? this.#byName.get(fault.remoteType) : undefined;
    if (registered === undefined) {
      return undefined;
    }
    try {
      const error = registered.decode(fault.value, fault);
      if (!(error instanceof registered.type)) {
        throw new TypeError(`decode gave no instance of ${registered.type.name}`);
      }
      return standIn(error, fault, options);
    } catch (reason) {
      warn(registered, reason);
      return undefined;
    }
  }
}

/** Properties that travel by themselves, or say nothing that the class does not. */
const TOLD_APART = new Set(['name', 'message', 'stack', 'cause']);

/** Own enumerable properties, if there are any: what an error of a program's own is made up of. */
export function ownProperties(error: Error): Record<string, unknown> | undefined {
  const entries = Object.entries(error).filter(([name]) => !TOLD_APART.has(name));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** An instance for which no constructor was called: its arguments are not known. */
function bare(type: ErrorClass, data: unknown, { message }: Fault): Error {
  const error: Error = Object.create(type.prototype);
  hide(error, 'message', message);
  if (error.name === 'Error') {
    hide(error, 'name', type.name);
  }
  if (typeof data === 'object' && data !== null && Object.getPrototypeOf(data) === Object.prototype) {
    for (const [name, value] of Object.entries(data).filter(([key]) => !TOLD_APART.has(key))) {
      // Defined, not assigned: a worker's data calls no setters.
      Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: true });
    }
  }
  return error;
}

/** Once for each class: a decoder that fails is a mistake of the program, not of the call. */
function warn(registered: Registered, reason: unknown): void {
  if (!registered.warned) {
    registered.warned = true;
    const detail = reason instanceof Error ? reason.message : typeof reason;
    process.emitWarning(`the registered error ${registered.name} could not be decoded: ${detail}`, 'WoolWarning');
  }
}
