import type { Discovery } from './discovery.js';
import type { ErrorKind } from './errors.js';
import { errorFrom } from './fault.js';
import { type ErrorDescription, native } from './native.js';
import { checkDiscovery, open } from './opened.js';
import { wait } from './options.js';
import type { TurnedAway } from './pool-status.js';
import { Runtime } from './runtime.js';
import { decode } from './values/codec.js';
import type { WorkerRecord } from './worker-record.js';

export interface ListWorkersOptions {
  /** How long to look at most, milliseconds. Default 5,000. */
  timeout?: number | undefined;
  /** Default: {@link Runtime.default}. */
  runtime?: Runtime | undefined;
}

/** What a discovery finds at one moment. */
export interface Listing {
  workers: WorkerRecord[];
  /** Records that are there and that no pool can use. */
  turnedAway: TurnedAway[];
  /** Why the discovery does not work at present. */
  problem: { kind: ErrorKind; message: string } | undefined;
}

/** A listing as it comes. */
interface Received {
  workers: WorkerRecord[];
  turned_away: TurnedAway[];
  problem: { kind: ErrorKind; message: string } | null;
}

/**
 * The workers that a discovery finds, without calling any of them: what it has found when its first look around is over,
 * which takes about 1.5 s on the LAN, or when the time is up.
 *
 * ```ts
 * const { workers } = await listWorkers(new LanDiscovery());
 * for (const { uid, addresses, tags } of workers) console.log(uid, addresses.join(), tags.join());
 * ```
 *
 * @throws {WoolError} `DISCOVERY` when workers cannot be found here at all; `INVALID_ARGUMENT`; `CLOSED`
 */
export async function listWorkers(discovery: Discovery, options: ListWorkersOptions = {}): Promise<Listing> {
  const timeout = wait('timeout', options.timeout) ?? 0;
  checkDiscovery('what workers are listed of', discovery);
  const queue = Runtime.queueOf(options.runtime ?? Runtime.default());
  const opened = open(discovery, queue);
  queue.hold();
  try {
    return listingFrom(decode(await native.listWorkers(queue.handle, opened.handle, timeout)) as Received);
  } catch (error) {
    throw error instanceof Error ? error : errorFrom(error as ErrorDescription);
  } finally {
    queue.release();
    opened.close();
  }
}

function listingFrom({ workers, turned_away, problem }: Received): Listing {
  return { workers, turnedAway: turned_away, problem: problem ?? undefined };
}
