import { inspect } from 'node:util';

import { ReceivedContext } from './context.js';
import { WoolError } from './errors.js';
import { native, Verdict } from './native.js';
import { invalid } from './options.js';
import type { EventSink } from './queue.js';

/** What a worker is asked to start. */
export interface AdmissionRequest {
  readonly routine: string;
  /** The caller's `tag`; empty if there is none. */
  readonly tag: string;
  /** Other tasks that this worker has, those that are being asked about included. */
  readonly inFlight: number;
  /** The names that the certificate of the caller holds, DNS names and URIs; none without TLS. */
  readonly peer: readonly string[];
  /**
   * A value that rides along with the call ({@link CallOptions.context}), or `undefined` if it is not there.
   *
   * @throws {ValueError} for what cannot be decoded
   */
  readonly context: <T = unknown>(namespace: string, name: string) => T | undefined;
}

/** Decides whether a worker starts a task, see {@link WorkerOptions.admit}. */
export type AdmissionHook = (request: AdmissionRequest) => void | PromiseLike<void>;

/** Asks `hook`. @throws {WoolError} `INVALID_ARGUMENT` */
export function admissions(hook: AdmissionHook): EventSink {
  if (typeof hook !== 'function') {
    throw invalid(`admit is a function, not ${String(hook)}`);
  }
  return (index, queue) => {
    const { handle, context, ...asked } = native.takeAdmission(queue.handle, index);
    const received = new ReceivedContext(context, queue.exactFloats);
    const get = <T>(namespace: string, name: string): T | undefined => received.get(namespace, name) as T | undefined;
    void answered(hook, { ...asked, context: get }).then(([verdict, message]) => answer(handle, verdict, message));
  };
}

function answer(handle: bigint, verdict: number, message: string): void {
  try {
    native.answerAdmission(handle, verdict, message);
  } catch {
    // The runtime has been closed meanwhile.
  }
}

/** Never rejects. */
async function answered(hook: AdmissionHook, request: AdmissionRequest): Promise<[number, string]> {
  try {
    const returned: unknown = await hook(request);
    // Somebody meant to keep the task out.
    return returned === false ? [Verdict.FAIL, 'it returned false: throw a WoolError instead'] : [Verdict.ACCEPT, ''];
  } catch (thrown) {
    return verdictOf(thrown);
  }
}

function verdictOf(thrown: unknown): [number, string] {
  try {
    if (thrown instanceof WoolError && thrown.kind === 'BUSY') {
      return [Verdict.BUSY, thrown.message];
    }
    if (thrown instanceof WoolError && thrown.kind === 'PERMISSION_DENIED') {
      return [Verdict.REFUSE, thrown.message];
    }
    return [Verdict.FAIL, thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : inspect(thrown)];
  } catch {
    return [Verdict.FAIL, 'it threw something that cannot be looked at'];
  }
}
