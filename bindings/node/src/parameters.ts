import type { Arguments } from './values/decoder.js';
import { atIndex, atKey, ValueError } from './values/error.js';
import { kindOf, type ValueKind } from './values/kind.js';

/** What is told about a parameter of a routine. */
export interface Parameter {
  /** By which callers may pass it. */
  name: string;
  /** What an argument has to be; another kind is an {@link ArgumentError}, and the routine is not called. */
  kind?: ValueKind | undefined;
  /** It may be left out. Default: whether the function has a default value for it, or for one before it. */
  optional?: boolean | undefined;
}

/**
 * The arguments of a call do not fit the routine, which has not been called. The message begins with the routine's name
 * and says which argument it is, as in every language:
 * `calc.add: argument 2 "b" ($[1]): expected int, found string`.
 */
export class ArgumentError extends TypeError {
  static {
    this.prototype.name = 'ArgumentError';
  }
}

/** Where one argument is to go, and what it was given by. */
type Place = number | string;

/** The parameters of a routine, as far as they were told: what arguments are bound to. */
export class Parameters {
  readonly names: readonly string[];
  readonly #parameters: readonly Parameter[];
  readonly #needed: number;

  /** @param length how many parameters the function has before the first with a default value */
  constructor(
    private readonly routine: string,
    readonly told: readonly (string | Parameter)[],
    length: number,
  ) {
    this.#parameters = told.map((parameter, index) => {
      const { name, kind, optional } = typeof parameter === 'string' ? { name: parameter } as Parameter : parameter;
      return { name, kind, optional: optional ?? index >= length };
    });
    this.names = this.#parameters.map(({ name }) => name);
    this.#needed = this.#parameters.filter(({ optional }) => optional !== true).length;
  }

  /** The arguments as the function takes them; `read` decodes them. @throws {ArgumentError} */
  bind(read: () => Arguments): unknown[] {
    let decoded;
    try {
      decoded = read();
    } catch (error) {
      throw error instanceof ValueError ? this.#undecodable(error) : error;
    }
    return this.#place(decoded);
  }

  #place({ positional, named }: Arguments): unknown[] {
    if (this.names.length === 0) {
      return named === undefined ? positional : [...positional, named];
    }
    const found = positional.length + (named === undefined ? 0 : Object.keys(named).length);
    if (positional.length > this.names.length) {
      throw this.#wrongCount(found);
    }
    const args = [...positional];
    positional.forEach((value, index) => this.#check(index, index, value));
    for (const [name, value] of Object.entries(named ?? {})) {
      const index = this.names.indexOf(name);
      if (index < 0) {
        throw new ArgumentError(`${this.routine}: takes no argument named ${JSON.stringify(name)}`);
      }
      if (index < positional.length) {
        throw new ArgumentError(`${this.routine}: the argument ${JSON.stringify(name)} is given twice`);
      }
      this.#check(index, name, value);
      args[index] = value;
    }
    const missing = this.#parameters.findIndex(({ optional }, index) => optional !== true && !(index in args));
    if (missing >= 0) {
      throw this.#wrongCount(found, this.names[missing]);
    }
    // Holes would be skipped by what iterates over the arguments.
    return Array.from(args);
  }

  /** What is wrong with arguments that could not be decoded: a {@link ValueError}'s place is in one of them. */
  #undecodable(error: ValueError): ArgumentError {
    const detail = error.path === '$' ? error.message : error.message.slice(error.path.length + 2);
    const [, digits, name] = /^\$(?:\[(\d+)\]|\.([^.[<]+))/.exec(error.path) ?? [];
    const place = digits === undefined ? name : Number(digits);
    return place === undefined
      ? new ArgumentError(`${this.routine}: ${detail}`, { cause: error })
      : new ArgumentError(`${this.#subject(place)} (${error.path}): ${detail}`, { cause: error });
  }

  #check(index: number, place: Place, value: unknown): void {
    const { kind, optional } = this.#parameters[index] as Parameter;
    if (kind === undefined || (optional === true && value === null)) {
      return;
    }
    const found = kindOf(value);
    // An int that JavaScript holds exactly is a float, too; so it is in the other languages.
    if (found !== kind && !(kind === 'float' && found === 'int' && typeof value === 'number')) {
      const path = `$${typeof place === 'number' ? atIndex(place) : atKey(place, index)}`;
      throw new ArgumentError(`${this.#subject(place)} (${path}): expected ${kind}, found ${found}`);
    }
  }

  #subject(place: Place): string {
    if (typeof place === 'string') {
      return `${this.routine}: argument ${JSON.stringify(place)}`;
    }
    const name = this.names[place];
    return `${this.routine}: argument ${place + 1}${name === undefined ? '' : ` ${JSON.stringify(name)}`}`;
  }

  #wrongCount(found: number, missing?: string): ArgumentError {
    const most = this.names.length;
    const expected = this.#needed === most ? `${most}` : `${this.#needed} to ${most}`;
    const which = missing === undefined ? '' : `: ${JSON.stringify(missing)} is missing`;
    const plural = most === 1 ? '' : 's';
    return new ArgumentError(`${this.routine}: expects ${expected} argument${plural}, got ${found}${which}`);
  }
}
