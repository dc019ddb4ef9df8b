import type { BalancerOption } from './balancer.js';
import { Credentials } from './credentials.js';
import type { Discovery } from './discovery.js';
import type { NativePoolOptions } from './native.js';
import { count, grace, invalid, text, texts, wait } from './options.js';
import type { PeerCheck } from './peer-check.js';
import { ownCommand } from './program.js';
import type { Runtime } from './runtime.js';

/**
 * Which workers a pool calls, and how. With nothing said it starts a worker process per core. With `spawn` it starts so
 * many; with `discovery` or `addresses` it joins the workers that are there; with both it does both.
 */
export interface WorkerPoolOptions {
  /**
   * Worker processes to start and to keep up; 0 starts none. Default: one per core, or none where `discovery` or
   * `addresses` are given.
   */
  spawn?: number | undefined;
  /**
   * The program that becomes a worker, and its arguments. Default: this program again, which has to have come to
   * {@link main}.
   */
  command?: readonly string[] | undefined;
  /** Tasks at once in each of the started workers. Default 1,024. */
  concurrency?: number | undefined;
  /**
   * Milliseconds that the started workers get to finish their tasks when the pool closes: 0 cancels at once, negative
   * or `Infinity` never. Default 0.
   */
  grace?: number | undefined;
  /** Where workers are found, and where those that the pool starts are published. */
  discovery?: Discovery | undefined;
  /** Workers at fixed addresses: `host:port`, or `unix:/path`. */
  addresses?: readonly string[] | undefined;
  /** Labels that found workers must have, all of them. The started ones get them. */
  tags?: readonly string[] | undefined;
  /** The most found workers that are admitted; those that the pool starts do not count. Default: all. */
  lease?: number | undefined;
  /** Connected workers that the first call waits for. Default 1. */
  quorum?: number | undefined;
  /** How long calls wait for the quorum, milliseconds. Default 60,000. */
  quorumTimeout?: number | undefined;
  /** How long a call looks for a worker that takes it, milliseconds. Default 60,000. */
  dispatchTimeout?: number | undefined;
  /** Presented to the workers at `addresses`. Those that are found say theirs in their records. */
  secret?: string | undefined;
  /**
   * How calls are spread over the workers that can take them. `round-robin`: one after the other. `least-loaded`: of two
   * that are drawn by lot, the one with fewer calls of this pool in flight. Or a function of your own. Default
   * `round-robin`.
   *
   * ```ts
   * // The worker with the most room.
   * const balancer = ({ workers }: Choice) => {
   *   const room = workers.map(({ inFlight, capacity }) => capacity - inFlight);
   *   return room.indexOf(Math.max(...room));
   * };
   * ```
   */
  balancer?: BalancerOption | undefined;
  /** Where the started workers serve, for others: `host:port`, port 0 picks a free one. Default `127.0.0.1:0`. */
  bind?: string | undefined;
  /** How others reach the started workers, as {@link WorkerOptions.advertise}. */
  advertise?: readonly string[] | undefined;
  /** Dials addresses beyond this machine's loopback without TLS, and lets `bind` be one. Default false. */
  allowPlaintext?: boolean | undefined;
  /**
   * What the pool presents to workers, and which of them it believes. Default: no TLS. The workers that it starts get them,
   * too, never by a disk or an environment.
   */
  credentials?: Credentials | undefined;
  /** The identity of the started workers: see {@link WorkerOptions.identity}. */
  identity?: string | undefined;
  /**
   * Patterns, as {@link WorkerOptions.callers}, for identities that are believed: a worker whose record claims such a one
   * is verified by it, wherever it is reached. Default: all are verified by the address that was dialled.
   */
  peers?: readonly string[] | undefined;
  /**
   * Decides instead of `peers` which identities are believed. Not together with it.
   *
   * ```ts
   * const pool = new WorkerPool({ discovery, credentials, peerCheck: ({ identity }) => registry.knows(identity) });
   * ```
   */
  peerCheck?: PeerCheck | undefined;
  /** Largest payload, bytes. Default 256 MiB. */
  maxPayload?: number | undefined;
  /** Default: {@link Runtime.default}. */
  runtime?: Runtime | undefined;
}

/** @throws {WoolError} `INVALID_ARGUMENT`; `SPAWN_FAILED` when this program cannot be started again */
export function nativePoolOptions(
  options: WorkerPoolOptions,
): Omit<NativePoolOptions, 'discovery' | 'balancer' | 'balanceTag' | 'peerCheckTag'> {
  const spawn = count('spawn', options.spawn, 0);
  const addresses = someTexts('addresses', options.addresses);
  const command = someTexts('command', options.command);
  const joins = options.discovery !== undefined || addresses !== undefined;
  const startsItself = command === undefined && (spawn ?? (joins ? 0 : 1)) > 0;
  return {
    spawn: spawn === 0 ? -1 : spawn,
    command: startsItself ? ownCommand() : command,
    commandIsOwn: startsItself,
    concurrency: count('concurrency', options.concurrency, 1),
    grace: options.grace === undefined ? undefined : grace(options.grace),
    addresses,
    tags: texts('tags', options.tags),
    lease: count('lease', options.lease, 1),
    quorum: count('quorum', options.quorum, 1),
    quorumTimeout: wait('quorumTimeout', options.quorumTimeout),
    dispatchTimeout: wait('dispatchTimeout', options.dispatchTimeout),
    secret: options.secret,
    bind: text('bind', options.bind),
    advertise: texts('advertise', options.advertise),
    credentials: Credentials.handleOf(options.credentials),
    identity: text('identity', options.identity),
    peers: texts('peers', options.peers),
    allowPlaintext: options.allowPlaintext,
    maxPayload: options.maxPayload,
  };
}

/** An empty list would be taken for none, and the pool for another kind. */
function someTexts(name: string, value: readonly string[] | undefined): readonly string[] | undefined {
  if (texts(name, value)?.length === 0) {
    throw invalid(`${name} is empty: say at least one, or leave it out`);
  }
  return value;
}
