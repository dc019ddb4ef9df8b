import { Answer, type Running } from './answer.js';
import { WoolError } from './errors.js';
import { native, RoutineKind } from './native.js';
import type { CompletionQueue, TaskSink } from './queue.js';
import { type Routine, RunningStream, runUnary, type StreamRoutine } from './running.js';
import type { Arguments } from './values/decoder.js';

export interface RoutineOptions {
  /**
   * Names of the positional parameters. With them, named arguments find their places; without, named arguments
   * arrive together as one object after the positional ones.
   */
  parameters?: readonly string[];
  /** What the routine does, for people and tools. */
  doc?: string;
}

interface Registered {
  name: string;
  kind: number;
  run: Routine | StreamRoutine;
  parameters: readonly string[];
}

const GENERATORS = [function* () {}, async function* () {}].map((example) => example.constructor);

/** The routines of one runtime, and the tasks of them that run now. */
export class Routines implements TaskSink {
  readonly #routines: Registered[] = [];
  readonly #running: (Running | undefined)[] = [];

  /** @throws {WoolError} `ALREADY_EXISTS` for a name that is taken, `CLOSED` */
  register(
    queue: CompletionQueue,
    name: string,
    run: Routine | StreamRoutine,
    stream: boolean,
    options: RoutineOptions,
  ): void {
    if (typeof name !== 'string' || typeof run !== 'function') {
      throw new WoolError('INVALID_ARGUMENT', 'a routine needs a name and a function');
    }
    const kind = stream || GENERATORS.some((type) => run instanceof type) ? RoutineKind.STREAM : RoutineKind.UNARY;
    const parameters = [...(options.parameters ?? [])];
    const tag = this.#routines.length;
    native.registerRoutine(queue.handle, name, kind, tag, options.doc ?? '', parameters);
    this.#routines.push({ name, kind, run, parameters });
  }

  onTask(tag: number, number: number, index: number, queue: CompletionQueue): void {
    const routine = this.#routines[tag] as Registered;
    const answer = new Answer(queue.handle, number, routine.name, () => {
      this.#running[number] = undefined;
    });
    let args;
    try {
      args = inPlace(routine, queue.argumentsAt(index));
    } catch (error) {
      answer.fail(error);
      return;
    }
    if (routine.kind === RoutineKind.STREAM) {
      this.#running[number] = new RunningStream(routine.run as StreamRoutine, args, answer);
    } else {
      this.#running[number] = answer;
      runUnary(routine.run as Routine, args, answer);
    }
  }

  onStep(task: number, step: number): void {
    this.#running[task]?.step(step);
  }

  onCancel(task: number): void {
    this.#running[task]?.cancel();
  }
}

/** The arguments as the function takes them. */
function inPlace({ name, parameters }: Registered, { positional, named }: Arguments): unknown[] {
  if (named === undefined) {
    return positional;
  }
  if (parameters.length === 0) {
    return [...positional, named];
  }
  const args = [...positional];
  for (const [key, value] of Object.entries(named)) {
    const place = parameters.indexOf(key);
    if (place < positional.length) {
      const problem = place < 0 ? 'no parameter' : 'more than one value for the parameter';
      throw new TypeError(`${name} has ${problem} ${JSON.stringify(key)}`);
    }
    args[place] = value;
  }
  // Holes would be skipped by what iterates over the arguments.
  return Array.from(args);
}
