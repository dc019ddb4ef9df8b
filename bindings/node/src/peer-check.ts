import { inspect } from 'node:util';

import { answerPeerCheck } from './answers.js';
import { Asked, type Asking, NOBODY } from './asked.js';
import { messageOf } from './errors-shown.js';
import { native } from './native.js';
import { invalid } from './options.js';
import type { CompletionQueue } from './queue.js';

/** A worker that was found, and what it claims to be. */
export interface PeerInfo {
  /** What its record claims: a DNS name or a URI. */
  readonly identity: string;
  /** Its UUID. */
  readonly uid: string;
}

/**
 * Decides whether the identity that a worker claims is believed, before each attempt to connect to it. Whoever answers
 * there must still prove by its certificate that it has it. When this throws, rejects, gives anything else than a boolean
 * or takes longer than 10 s, the worker is not connected to this time, and its `problem` in the pool's status says why.
 */
export type PeerCheck = (peer: PeerInfo) => boolean | PromiseLike<boolean>;

/** @throws {WoolError} `INVALID_ARGUMENT` */
export function peerChecking(option: PeerCheck | undefined, queue: CompletionQueue): Asking {
  if (option === undefined) {
    return NOBODY;
  }
  if (typeof option !== 'function') {
    throw invalid(`peerCheck is a function, not ${inspect(option)}`);
  }
  const asked = askedBy(queue);
  return { tag: asked.tag, begin: (pool) => asked.begin(pool, option), cancel: () => asked.forget() };
}

function askedBy(queue: CompletionQueue): Asked<PeerCheck> {
  return new Asked<PeerCheck>(queue, (index, check) => onCheck(index, queue, check));
}

function onCheck(index: number, queue: CompletionQueue, check: PeerCheck | undefined): void {
  const taken = take(index, queue);
  if (taken === undefined) {
    return;
  }
  const { handle, ...peer } = taken;
  if (check === undefined) {
    answerPeerCheck(handle, 'the pool has gone');
  } else {
    void answered(check, peer).then((answer) => answerPeerCheck(handle, answer));
  }
}

function take(index: number, queue: CompletionQueue): ReturnType<typeof native.takePeerCheck> | undefined {
  try {
    return native.takePeerCheck(queue.handle, index);
  } catch {
    // The runtime has been closed meanwhile.
    return undefined;
  }
}

/** Never rejects. @returns the answer; or why there is none */
async function answered(check: PeerCheck, peer: PeerInfo): Promise<boolean | string> {
  try {
    const answer: unknown = await check(peer);
    return typeof answer === 'boolean' ? answer : `it gave ${inspect(answer)}, which is no boolean`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
