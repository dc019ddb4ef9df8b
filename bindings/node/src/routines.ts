import { Answer, type Running } from './answer.js';
import { WoolError } from './errors.js';
import { native, RoutineKind } from './native.js';
import { type Parameter, Parameters } from './parameters.js';
import type { CompletionQueue, TaskSink } from './queue.js';
import { type Routine, RunningStream, runUnary, type StreamRoutine } from './running.js';
import { ValueError } from './values/error.js';

export interface RoutineOptions {
  /**
   * The positional parameters: their names, or more about them. With them, named arguments find their places, and
   * arguments that are too few, too many, wrongly named or of another kind are an `ArgumentError` before the function
   * is called. Without, the function takes what comes, and named arguments arrive together as one object after the
   * positional ones.
   */
  parameters?: readonly (string | Parameter)[];
  /** What the routine does, for people and tools. */
  doc?: string;
}

interface Registered {
  name: string;
  kind: number;
  run: Routine | StreamRoutine;
  parameters: Parameters;
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
    const parameters = new Parameters(name, options.parameters ?? [], run.length);
    const tag = this.#routines.length;
    native.registerRoutine(queue.handle, name, kind, tag, options.doc ?? '', [...parameters.names]);
    this.#routines.push({ name, kind, run, parameters });
  }

  onTask(tag: number, number: number, index: number, queue: CompletionQueue): void {
    const routine = this.#routines[tag] as Registered;
    const answer = new Answer(queue.handle, number, routine.name, () => {
      this.#running[number] = undefined;
    });
    let args;
    try {
      args = routine.parameters.bind(queue.argumentsAt(index));
    } catch (error) {
      answer.fail(error instanceof ValueError ? routine.parameters.undecodable(error) : error);
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
