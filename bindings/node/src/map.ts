import { call, type CallOptions, type Request } from './call.js';
import { WoolError } from './errors.js';
import { FanOut, type Outcome } from './fan-out.js';
import { count, invalid } from './options.js';
import type { PoolStatus } from './pool-status.js';
import { Raw } from './values/types.js';

/** How a {@link WorkerPool.map} calls; the options of calls are each call's own. */
export interface MapOptions extends CallOptions {
  /**
   * The most calls under way at once. Inputs are taken when their calls can be made, so that they may be many, or
   * without end; while nobody takes outcomes, at most so many more are kept. Default 64.
   */
  inFlight?: number | undefined;
  /** Outcomes come in the order of their inputs, not as the calls end: a slow one holds up those behind it. */
  ordered?: boolean | undefined;
}

/** How the call of one input of a map ended. */
export type MapOutcome<T> = {
  /** Of the input, from 0. */
  readonly index: number;
} & Outcome<T>;

/** How a broadcast's call of one worker ended. */
export type BroadcastOutcome<T> = {
  /** The worker's `uid`. */
  readonly worker: string;
} & Outcome<T>;

/** All arguments of a call, as one input of {@link WorkerPool.map}. */
export class Args {
  constructor(readonly positional: readonly unknown[]) {}
}

/** Makes {@link Args}: `pool.map('calc.add', [args(1, 2), args(3, 4)])`. */
export function args(...positional: unknown[]): Args {
  return new Args(positional);
}

const IN_FLIGHT = 64;

/** What is called, but for the arguments. */
type Target = Omit<Request, 'args' | 'options'>;

/** @throws {WoolError} `INVALID_ARGUMENT` */
export function map<T>(
  target: Target,
  inputs: Iterable<unknown> | AsyncIterable<unknown>,
  { inFlight, ordered, signal, ...options }: MapOptions,
): FanOut<MapOutcome<T>> {
  if (typeof inputs !== 'object' || inputs === null || !isIterable(inputs)) {
    throw invalid(`a map takes something to iterate over, not ${String(inputs)}`);
  }
  return FanOut.create({
    inputs,
    total: lengthOf(inputs),
    inFlight: count('inFlight', inFlight, 1) ?? IN_FLIGHT,
    ordered: ordered === true,
    signal,
    call: (input, ended) => call({ ...target, args: argumentsOf(input), options: { ...options, signal: ended } }),
    item: (_input, index, outcome) => ({ index, ...outcome }) as MapOutcome<T>,
  });
}

/** @param status of the pool, when it is asked for */
export function broadcast<T>(
  target: Target,
  positional: readonly unknown[] | Raw,
  { signal, ...options }: Omit<CallOptions, 'worker'>,
  status: () => PoolStatus,
): FanOut<BroadcastOutcome<T>> {
  return FanOut.create({
    inputs: { [Symbol.iterator]: () => serving(status(), target.routine)[Symbol.iterator]() },
    total: undefined,
    inFlight: Infinity,
    ordered: false,
    signal,
    call: (worker, ended) => call({ ...target, args: positional, options: { ...options, worker, signal: ended } }),
    item: (worker, _index, outcome) => ({ worker, ...outcome }) as BroadcastOutcome<T>,
  });
}

/** The uids of the workers that a broadcast is for. @throws {WoolError} `NO_WORKERS_AVAILABLE`, `ROUTINE_NOT_FOUND` */
function serving({ workers }: PoolStatus, routine: string): Set<string> {
  const up = workers.filter(({ state }) => state === 'up');
  if (up.length === 0) {
    const message = `no worker is connected and takes calls: nobody was called for ${routine}`;
    throw new WoolError('NO_WORKERS_AVAILABLE', message, { retryable: true });
  }
  const serves = up.filter(({ routines }) => routines.some(({ name, kind }) => name === routine && kind === 'unary'));
  if (serves.length === 0) {
    const message = `no connected worker serves ${routine} as a unary routine: is it registered there?`;
    throw new WoolError('ROUTINE_NOT_FOUND', message, { retryable: true });
  }
  // One may have joined by its address and by discovery, too.
  return new Set(serves.map(({ uid }) => uid));
}

function argumentsOf(input: unknown): readonly unknown[] | Raw {
  if (input instanceof Args) {
    return input.positional;
  }
  return input instanceof Raw ? input : [input];
}

function isIterable(inputs: object): boolean {
  return Symbol.asyncIterator in inputs || Symbol.iterator in inputs;
}

function lengthOf(inputs: object): number | undefined {
  if (Array.isArray(inputs)) {
    return inputs.length;
  }
  return inputs instanceof Set || inputs instanceof Map ? inputs.size : undefined;
}
