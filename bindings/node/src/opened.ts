// How discoveries are opened, beside their classes: that is nothing for others to see.
import type { DiscoveryHandle } from './native.js';
import { invalid } from './options.js';
import type { CompletionQueue } from './queue.js';

/** A discovery as one pool, worker or list uses it. */
export interface Opened {
  readonly handle: DiscoveryHandle;
  /** Nothing more is begun with it. What it is still asked, it answers. */
  close(): void;
}

const openers = new WeakMap<object, (queue: CompletionQueue) => Opened>();

/** Says how `discovery` is opened. */
export function opensBy(discovery: object, open: (queue: CompletionQueue) => Opened): void {
  openers.set(discovery, open);
}

/** Of a discovery that does not depend on who uses it. */
export function shared(handle: DiscoveryHandle): Opened {
  return { handle, close() {} };
}

/** @param discovery one that has been checked @throws {WoolError} `CLOSED` */
export function open(discovery: object, queue: CompletionQueue): Opened {
  return (openers.get(discovery) as (queue: CompletionQueue) => Opened)(queue);
}

/** Opens what an option is to be a discovery; `undefined` is none. @throws {WoolError} `CLOSED`, `INVALID_ARGUMENT` */
export function openOption(option: string, discovery: unknown, queue: CompletionQueue): Opened | undefined {
  if (discovery === undefined) {
    return undefined;
  }
  checkDiscovery(option, discovery);
  return open(discovery, queue);
}

/** @throws {WoolError} `INVALID_ARGUMENT` */
export function checkDiscovery(option: string, discovery: unknown): asserts discovery is object {
  if (typeof discovery !== 'object' || discovery === null || !openers.has(discovery)) {
    throw invalid(`${option} is a discovery such as new LocalDiscovery('farm'), not ${String(discovery)}`);
  }
}
