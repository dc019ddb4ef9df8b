import { inspect } from 'node:util';

import { answerChoice, UNDECIDED } from './answers.js';
import { Asked, type Asking, NOBODY } from './asked.js';
import { messageOf } from './errors-shown.js';
import { Balancing, native } from './native.js';
import { invalid } from './options.js';
import type { CompletionQueue } from './queue.js';

/** A call that waits for a worker to be chosen. */
export interface Choice {
  readonly routine: string;
  /** The call's `tag`; empty if there is none. */
  readonly tag: string;
  /** Those that can take it, at least one, in no order that means anything. */
  readonly workers: readonly ChoiceWorker[];
}

/** A worker that can take a call. */
export interface ChoiceWorker {
  /** Its UUID. */
  readonly uid: string;
  /** Where this pool reaches it. */
  readonly address: string;
  readonly tags: readonly string[];
  /** Calls of this pool that it has not ended. */
  readonly inFlight: number;
  /** How many of them it takes. */
  readonly capacity: number;
}

/**
 * Chooses the worker that gets a call: its index in {@link Choice.workers}. `undefined` or a negative number is none of
 * them; then the call waits, and is asked about again when something has changed, up to its dispatch timeout. When this
 * throws, rejects or gives what is no such index, the next worker in turn gets the call, and a warning says so once.
 */
export type Balancer = (choice: Choice) => number | undefined | PromiseLike<number | undefined>;

/** How a pool spreads its calls, see {@link WorkerPoolOptions.balancer}. */
export type BalancerOption = 'round-robin' | 'least-loaded' | Balancer;

const NUMBERS = { 'round-robin': Balancing.ROUND_ROBIN, 'least-loaded': Balancing.LEAST_LOADED };

/** What a pool's options are told of a balancer. */
export interface Balanced extends Asking {
  readonly balancer: number;
}

/** @throws {WoolError} `INVALID_ARGUMENT` */
export function balancing(option: BalancerOption = 'round-robin', queue: CompletionQueue): Balanced {
  if (typeof option === 'function') {
    const asked = askedBy(queue);
    return {
      balancer: Balancing.CUSTOM,
      tag: asked.tag,
      begin: (pool) => asked.begin(pool, option),
      cancel: () => asked.forget(),
    };
  }
  if (!(typeof option === 'string' && Object.hasOwn(NUMBERS, option))) {
    throw invalid(`balancer is 'round-robin', 'least-loaded' or a function, not ${inspect(option)}`);
  }
  return { ...NOBODY, balancer: NUMBERS[option] };
}

function askedBy(queue: CompletionQueue): Asked<Balancer> {
  const report = warnsOnce();
  return new Asked<Balancer>(queue, (index, balancer) => onChoice(index, queue, balancer, report));
}

function onChoice(
  index: number,
  queue: CompletionQueue,
  balancer: Balancer | undefined,
  report: (problem: string) => void,
): void {
  const taken = take(index, queue);
  if (taken === undefined) {
    return;
  }
  const { handle, ...choice } = taken;
  if (balancer === undefined) {
    answerChoice(handle, UNDECIDED);
  } else {
    choose(balancer, handle, choice, report);
  }
}

/** Warns of the first problem. */
function warnsOnce(): (problem: string) => void {
  let isWarned = false;
  return (problem) => {
    if (!isWarned) {
      isWarned = true;
      process.emitWarning(`a pool's balancer failed, and the next worker in turn was taken: ${problem}`, 'WoolWarning');
    }
  };
}

function take(index: number, queue: CompletionQueue): ReturnType<typeof native.takeChoice> | undefined {
  try {
    return native.takeChoice(queue.handle, index);
  } catch {
    // The call has ended meanwhile.
    return undefined;
  }
}

/** Never throws. */
function choose(balance: Balancer, handle: bigint, choice: Choice, report: (problem: string) => void): void {
  // As it was asked: the function may do with the list what it likes.
  const count = choice.workers.length;
  const failed = (thrown: unknown): void => {
    answerChoice(handle, UNDECIDED);
    report(messageOf(thrown));
  };
  const chosen = (index: unknown): void => {
    if (index === undefined || (Number.isInteger(index) && (index as number) < count)) {
      answerChoice(handle, index === undefined ? -1 : Math.max(-1, index as number));
    } else {
      answerChoice(handle, UNDECIDED);
      report(`it chose ${inspect(index)} of ${count} workers`);
    }
  };
  try {
    const index = balance(choice);
    if (typeof index === 'object' && index !== null) {
      Promise.resolve(index).then(chosen).catch(failed);
    } else {
      chosen(index);
    }
  } catch (thrown) {
    failed(thrown);
  }
}
