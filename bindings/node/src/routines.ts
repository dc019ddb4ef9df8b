import { Answer, NativeTask, type Running } from './answer.js';
import type { ErrorRegistry } from './error-registry.js';
import { WoolError } from './errors.js';
import { native, RoutineKind } from './native.js';
import { type Parameter, Parameters } from './parameters.js';
import type { CompletionQueue, TaskSink } from './queue.js';
import { isGenerator, type Routine, RunningStream, runUnary, type StreamRoutine } from './running.js';
import { ThreadPools } from './threads/pool.js';
import { ThreadTask } from './threads/task.js';
import { ThreadedRoutine } from './threads/threaded.js';

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
  run: Routine | StreamRoutine | ThreadedRoutine;
  parameters: Parameters;
}

/** The routines of one runtime, and the tasks of them that run now. */
export class Routines implements TaskSink {
  readonly #routines: Registered[] = [];
  readonly #running: (Running | undefined)[] = [];
  /** Of routines that do not run on this thread. */
  readonly threads = new ThreadPools();

  constructor(private readonly errors: ErrorRegistry) {}

  /** @throws {WoolError} `ALREADY_EXISTS` for a name that is taken, `CLOSED` */
  register(
    queue: CompletionQueue,
    name: string,
    run: Routine | StreamRoutine | ThreadedRoutine,
    stream: boolean,
    options: RoutineOptions,
  ): void {
    if (typeof name !== 'string' || !(typeof run === 'function' || run instanceof ThreadedRoutine)) {
      throw new WoolError('INVALID_ARGUMENT', 'a routine needs a name and a function');
    }
    const kind = stream || isGenerator(run) ? RoutineKind.STREAM : RoutineKind.UNARY;
    const length = typeof run === 'function' ? run.length : 0;
    const parameters = new Parameters(name, options.parameters ?? [], length);
    const tag = this.#routines.length;
    native.registerRoutine(queue.handle, name, kind, tag, options.doc ?? '', [...parameters.names]);
    this.#routines.push({ name, kind, run, parameters });
  }

  onTask(tag: number, number: number, index: number, queue: CompletionQueue): void {
    const routine = this.#routines[tag] as Registered;
    const task = new NativeTask(queue, number);
    const answer = new Answer(task, routine.name, this.errors, () => {
      this.#running[number] = undefined;
    });
    if (routine.run instanceof ThreadedRoutine) {
      const args = queue.encodedAt(index);
      const running = new ThreadTask(task, answer, routine.kind, routine.run, routine.parameters, args);
      this.#running[number] = running;
      this.threads.of(routine.run, queue.exactFloats).submit(running);
      return;
    }
    let args;
    try {
      args = routine.parameters.bind(() => queue.argumentsAt(index));
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

  onStep(task: number, step: number, index: number, queue: CompletionQueue): void {
    this.#running[task]?.step(step, index, queue);
  }

  onCancel(task: number): void {
    this.#running[task]?.cancel();
  }
}
