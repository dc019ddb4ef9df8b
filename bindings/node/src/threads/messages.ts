// What the main side and a thread tell each other. A thread serves one task at a time; `task` numbers them, so that
// what comes late is told apart.
import type { ErrorDescription, FaultDescription } from '../native.js';
import type { Parameter } from '../parameters.js';
import type { Encoded } from '../queue.js';

/** What a thread is started with. */
export interface Setup {
  kind: 'setup';
  /** URL of the module with the routines. */
  module: string;
  /** The export that is called with the thread's registry of errors, first of all. */
  setup: string | undefined;
  exactFloats: boolean;
  /** Holds the number of the cancelled task: also seen by code that does not come back to the event loop. */
  cancelled: Int32Array;
}

export interface Start {
  kind: 'start';
  task: number;
  routine: string;
  /** One of `RoutineKind`. */
  routineKind: number;
  export: string;
  parameters: readonly (string | Parameter)[];
  arguments: Encoded;
  /** As libwool knows the task. */
  handle: bigint;
}

/** What a stream's task is told; as `Operation`, on its way. */
export type Told =
  | { step: 'next' | 'close' }
  | { step: 'send'; value: Encoded }
  | { step: 'throw'; description: ErrorDescription }
  | { step: 'abort'; status: number; message: string };

export type ToThread =
  | Setup
  | Start
  | { kind: 'step'; task: number; told: Told }
  | { kind: 'cancel'; task: number };

export type Answered =
  | { kind: 'return' | 'yield'; value: Encoded }
  | { kind: 'end' }
  | { kind: 'fail'; fault: FaultDescription }
  /** With what was thrown into it last. */
  | { kind: 'failWith' };

export type FromThread =
  | { task: number; answer: Answered }
  /** The module could not be loaded: the thread is of no use. */
  | { task: number; broken: FaultDescription };
