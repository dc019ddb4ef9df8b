import type { CustomDiscovery } from './custom-discovery.js';
import { type DiscoveryHandle, native } from './native.js';
import { checkDiscovery, open, type Opened, opensBy, shared } from './opened.js';
import { invalid, texts } from './options.js';
import type { CompletionQueue } from './queue.js';

/** Where workers are announced and found. */
export type Discovery =
  | LocalDiscovery
  | LanDiscovery
  | StaticDiscovery
  | DnsDiscovery
  | StackedDiscovery
  | CustomDiscovery;

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
    opensBy(this, () => shared(this.#handle));
  }
}

export interface LanDiscoveryOptions {
  /** The name under which workers are published and looked for, 1 to 128 bytes. Default: those without one. */
  namespace?: string | undefined;
  /**
   * The only network interfaces, each by its name (`eth0`) or an address of it. Default: all but loopback, which counts
   * only where it is named.
   */
  interfaces?: readonly string[] | undefined;
}

/**
 * The workers on the local network, found without configuration (Zeroconf: DNS-SD over multicast DNS). Anybody on that
 * network can publish records, so the workers that are found are never told a pool's `secret`.
 *
 * ```ts
 * const lan = new LanDiscovery({ namespace: 'farm' });
 * await runtime.serve({ publish: lan, bind: '0.0.0.0:0', allowPlaintext: true });
 * const pool = new WorkerPool({ discovery: lan, allowPlaintext: true });
 * ```
 */
export class LanDiscovery {
  readonly namespace: string | undefined;
  readonly interfaces: readonly string[];
  readonly #handle: DiscoveryHandle;

  /** @throws {WoolError} `INVALID_ARGUMENT` */
  constructor(options: LanDiscoveryOptions = {}) {
    const { namespace, interfaces = [] } = options;
    // Where libwool takes an empty one for none.
    if (namespace !== undefined && (typeof namespace !== 'string' || namespace === '')) {
      throw invalid('the namespace of a LAN discovery is a string of 1 to 128 bytes');
    }
    texts('interfaces', interfaces);
    this.#handle = native.createLanDiscovery(namespace ?? '', interfaces);
    this.namespace = namespace;
    this.interfaces = [...interfaces];
    opensBy(this, () => shared(this.#handle));
  }
}

/**
 * Workers at addresses that are known, in a {@link StackedDiscovery} beside others; alone, they are the `addresses` of
 * {@link WorkerPoolOptions}. It only finds: nothing can be published in it.
 */
export class StaticDiscovery {
  readonly addresses: readonly string[];
  readonly #handle: DiscoveryHandle;

  /**
   * @param addresses `host:port`, IPv6 hosts in brackets, or `unix:/path`; at least one
   * @throws {WoolError} `INVALID_ARGUMENT`
   */
  constructor(addresses: readonly string[]) {
    this.addresses = [...(texts('addresses', addresses) ?? [])];
    this.#handle = native.createStaticDiscovery(this.addresses);
    opensBy(this, () => shared(this.#handle));
  }
}

export interface DnsDiscoveryOptions {
  /** Who is asked, `address:port`, instead of the servers that the system is set up with. */
  servers?: readonly string[] | undefined;
}

/**
 * Workers behind a name in DNS, such as a headless service: it is looked up again when what was found has aged. It only
 * finds: nothing can be published in it.
 *
 * ```ts
 * new DnsDiscovery('workers.farm.svc.cluster.local:7000'); // a worker at each address of the host, at this port
 * new DnsDiscovery('_wool._tcp.farm.example');             // a worker for each SRV record of the name
 * ```
 */
export class DnsDiscovery {
  readonly name: string;
  readonly servers: readonly string[];
  readonly #handle: DiscoveryHandle;

  /** @throws {WoolError} `INVALID_ARGUMENT` for what is no such name */
  constructor(name: string, options: DnsDiscoveryOptions = {}) {
    if (typeof name !== 'string') {
      throw invalid(`a DNS discovery looks up a name, a string, not ${String(name)}`);
    }
    this.name = name;
    this.servers = [...(texts('servers', options.servers) ?? [])];
    this.#handle = native.createDnsDiscovery(name, this.servers);
    opensBy(this, () => shared(this.#handle));
  }
}

/**
 * Several discoveries as one: a pool finds what any of them finds, and a worker is published in all of them that
 * publish. Of two that know the same worker the earlier one is believed.
 *
 * ```ts
 * new StackedDiscovery([new LocalDiscovery('farm'), new LanDiscovery({ namespace: 'farm' })]);
 * ```
 */
export class StackedDiscovery {
  readonly discoveries: readonly Discovery[];

  /** @throws {WoolError} `INVALID_ARGUMENT` for none, or what is no discovery */
  constructor(discoveries: readonly Discovery[]) {
    if (!Array.isArray(discoveries) || discoveries.length === 0) {
      throw invalid('a stack of discoveries is a list of at least one');
    }
    for (const discovery of discoveries) {
      checkDiscovery('each of a stack', discovery);
    }
    this.discoveries = [...discoveries];
    opensBy(this, (queue) => this.#open(queue));
  }

  #open(queue: CompletionQueue): Opened {
    const opened: Opened[] = [];
    const close = (): void => opened.forEach((each) => each.close());
    try {
      for (const discovery of this.discoveries) {
        opened.push(open(discovery, queue));
      }
      return { handle: native.createStackedDiscovery(opened.map(({ handle }) => handle)), close };
    } catch (error) {
      close();
      throw error;
    }
  }
}
