import type { ErrorKind } from './errors.js';
import { native, type PoolHandle } from './native.js';
import { decode } from './values/codec.js';

/** What a pool tells of itself at one moment. */
export interface PoolStatus {
  /** The workers that belong to the pool. */
  workers: WorkerStatus[];
  /** Records that are there and not used, at most 1,000. */
  turnedAway: TurnedAway[];
  /** How often each reason has turned a record away since the pool was made. */
  turnedAwayCounts: Partial<Record<TurnedAwayReason, number>>;
  /** The worker processes that the pool keeps up. */
  processes: ProcessStatus[];
  /** Calls that wait for a worker, or for the balancer's choice. */
  waiting: number;
  /** Whether as many workers have been connected at once as the first call waits for. */
  quorumReached: boolean;
  /** Why workers that should be there are not: discovery does not work, processes end before they serve. */
  problems: { kind: ErrorKind; message: string }[];
}

/** A worker as a pool sees it. */
export interface WorkerStatus {
  /** Its UUID; empty while a worker at a fixed address has not answered. */
  uid: string;
  /** `host:port`, or `unix:/path`. */
  address: string;
  /** `fixed`: the pool was given its address. */
  origin: 'fixed' | 'found' | 'spawned';
  /**
   * `down`: it does not answer, and the pool goes on trying. `duplicate`: another entry is the same worker and is used;
   * this one takes over when that is lost or leaves.
   */
  state: 'connecting' | 'up' | 'draining' | 'down' | 'duplicate';
  /** Why it is down, or of whom it is a duplicate. */
  problem: string;
  /** What it serves. */
  routines: { name: string; kind: 'unary' | 'stream' }[];
  /** This pool's calls that it has not ended. */
  inFlight: number;
  /** Tasks that it takes at once. */
  capacity: number;
  tags: string[];
  /** Of its host; empty while it has not answered. */
  language: string;
  /** Of its libwool; empty while it has not answered. */
  version: string;
  /** Its process; 0 where that is not known. */
  pid: number;
}

/** A record that a pool does not use. */
export interface TurnedAway {
  /** The worker's uid where it can be read. */
  key: string;
  reason: TurnedAwayReason;
  message: string;
}

/** Why a record is not used; docs/pool-status.md says what to do about it. */
export type TurnedAwayReason =
  | 'tags'
  | 'lease'
  | 'namespace'
  | 'protocol'
  | 'version'
  | 'no_door'
  | 'secure'
  | 'no_address'
  | 'other_user'
  | 'other_boot'
  | 'other_network_namespace'
  | 'unreadable'
  | 'too_large';

/** A place for a worker process, which has one after the other. */
export interface ProcessStatus {
  slot: number;
  /** 0 while there is none. */
  pid: number;
  /** Of its worker; empty while that does not serve. */
  uid: string;
  /** `backoff`: the last one has ended, and the next one is started after a pause. */
  state: 'starting' | 'serving' | 'backoff' | 'stopping' | 'ended';
  /** How many there have been before this one. */
  restarts: number;
}

/** @throws {WoolError} */
export function poolStatus(pool: PoolHandle): PoolStatus {
  return inCamelCase(decode(native.poolStatus(pool))) as PoolStatus;
}

/** The parts of a status by their names in JavaScript. A later version may have more. */
function inCamelCase(part: unknown): unknown {
  if (Array.isArray(part)) {
    return part.map(inCamelCase);
  }
  if (typeof part !== 'object' || part === null) {
    return part;
  }
  const entries = Object.entries(part).map(([name, value]) => [
    name.replace(/_[a-z]/g, ([, letter]) => (letter as string).toUpperCase()),
    // Its names are reasons.
    name === 'turned_away_counts' ? value : inCamelCase(value),
  ]);
  return Object.fromEntries(entries);
}
