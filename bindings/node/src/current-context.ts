import { ambient, runWith } from './ambient.js';
import { Bag } from './context.js';
import { native } from './native.js';
import { invalid } from './options.js';
import { Task } from './task.js';
import type { DecodeOptions } from './values/codec.js';

/**
 * The context that the running code is in: values by namespace and name that ride along with all calls made in it, and
 * that come back with their answers as the callees have changed them. Each task has one, made of what came with its
 * call; elsewhere there is one within {@link CurrentContext.run}. Tasks at the same time have different ones.
 */
export interface CurrentContext {
  /**
   * A value, decoded, or `undefined` if it is not there, or there is no context.
   *
   * @param options how it is decoded; default: as the runtime of the task has it
   * @throws {ValueError} for what cannot be decoded
   */
  get<T = unknown>(namespace: string, name: string, options?: DecodeOptions): T | undefined;

  /**
   * Sets a value. It flows on with the calls made from now on, and back to the caller with the next item, result or
   * error.
   *
   * @throws {ValueError} for what cannot be encoded
   * @throws {WoolError} `PAYLOAD_TOO_LARGE` when names and values would have more than 64 KiB; `INVALID_ARGUMENT` where
   *   there is no context; `CLOSED` when the task has ended
   */
  set(namespace: string, name: string, value: unknown): void;

  /** Takes a value away, here and where the context flows to. @throws {WoolError} as {@link set} */
  unset(namespace: string, name: string): void;

  /**
   * Runs `body` with a context of its own, without values, also after `await` and in callbacks.
   *
   * @returns what `body` returns
   */
  run<T>(body: () => T): T;
}

/**
 * The context that the running code is in.
 *
 * ```ts
 * await context.run(async () => {
 *   context.set('shop', 'customer', 7);
 *   await pool.call('cart.total', [items]);
 *   console.log(context.get('shop', 'discount')); // as the routine has set it
 * });
 * ```
 */
export const context: CurrentContext = Object.freeze({
  get<T>(namespace: string, name: string, options?: DecodeOptions): T | undefined {
    return current()?.get(namespace, name, options) as T | undefined;
  },

  set(namespace: string, name: string, value: unknown): void {
    required().set(namespace, name, value);
  },

  unset(namespace: string, name: string): void {
    required().unset(namespace, name);
  },

  run<T>(body: () => T): T {
    return runWith({ bag: new Bag(native.createContext(), false) }, body);
  },
});

function current(): Bag | undefined {
  const here = ambient();
  return here?.bag ?? (here?.task && Task.bagOf(here.task));
}

function required(): Bag {
  const bag = current();
  if (bag === undefined) {
    throw invalid('there is a context in routines and within context.run(...) only');
  }
  return bag;
}
