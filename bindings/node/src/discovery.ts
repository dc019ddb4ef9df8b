import { type DiscoveryHandle, native } from './native.js';
import { invalid } from './options.js';

/** Where workers are announced and found. */
export type Discovery = LocalDiscovery;

export interface LocalDiscoveryOptions {
  /** Where the records are kept, instead of the user's own place in shared memory. */
  directory?: string | undefined;
}

/**
 * The workers of this user on this machine that are published under a name. Workers of other users are neither seen
 * nor called.
 *
 * ```ts
 * const farm = new LocalDiscovery('farm');
 * await runtime.serve({ publish: farm });               // in one process
 * const pool = new WorkerPool({ discovery: farm });     // in another, in any language
 * ```
 */
export class LocalDiscovery {
  readonly namespace: string;
  readonly directory: string | undefined;
  readonly #handle: DiscoveryHandle;

  /**
   * @param namespace 1 to 32 of `A-Z a-z 0-9 . _ -`, not beginning with a dot
   * @throws {WoolError} `INVALID_ARGUMENT` for another name
   */
  constructor(namespace: string, options: LocalDiscoveryOptions = {}) {
    const { directory } = options;
    if (typeof namespace !== 'string' || (directory !== undefined && typeof directory !== 'string')) {
      throw invalid('a local discovery has a namespace and perhaps a directory, both strings');
    }
    this.#handle = native.createLocalDiscovery(namespace, directory ?? '');
    this.namespace = namespace;
    this.directory = directory;
  }

  /** @internal @throws {WoolError} `INVALID_ARGUMENT` for what is no discovery */
  static handleOf(option: string, discovery: Discovery | undefined): DiscoveryHandle | undefined {
    if (discovery !== undefined && !(discovery instanceof LocalDiscovery)) {
      throw invalid(`${option} is a discovery such as new LocalDiscovery('farm'), not ${String(discovery)}`);
    }
    return discovery === undefined ? undefined : discovery.#handle;
  }
}
