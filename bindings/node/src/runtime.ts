import { type ErrorClass, type RegisteredErrorOptions, ErrorRegistry } from './error-registry.js';
import { WoolError } from './errors.js';
import { errorFrom } from './fault.js';
import { type ErrorDescription, native } from './native.js';
import { CompletionQueue } from './queue.js';
import { type RoutineOptions, Routines } from './routines.js';
import type { Routine, StreamRoutine } from './running.js';
import { type TaskEvent, type TaskEventOptions, TaskEvents } from './task-events.js';
import type { ThreadedRoutine } from './threads/threaded.js';
import { Worker, type WorkerOptions } from './worker.js';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LEVELS)[number];

export interface LogRecord {
  level: LogLevel;
  /** The part of libwool that speaks. */
  target: string;
  message: string;
}

export interface RuntimeOptions {
  /** Where libwool's log goes; it never prints. Records are dropped when they come faster than they are taken. */
  log?: ((record: LogRecord) => void) | undefined;
  /** The most detailed level that is logged. Default `warn`. */
  logLevel?: LogLevel | undefined;
  /**
   * Integral floats arrive as {@link Float} instead of plain numbers, so that what is passed on stays exactly what it
   * was. For programs that forward values. Default false.
   */
  exactFloats?: boolean | undefined;
}

/** Milliseconds that `close` waits unless told otherwise. */
const CLOSE_TIMEOUT = 10_000;

native.initialise((description) => errorFrom(description));

/**
 * libwool in this thread: routines, the workers that serve them, and the pools that call others'. Each thread
 * (`worker_threads`) has its own.
 */
export class Runtime implements AsyncDisposable {
  static #default: Runtime | undefined;
  readonly #errors = new ErrorRegistry();
  readonly #routines = new Routines(this.#errors);
  readonly #queue: CompletionQueue;
  #closed: Promise<void> | undefined;

  /**
   * This thread's runtime for pools that are given none: that of {@link main}, else one that is made when first asked
   * for, and again after it was closed.
   */
  static default(): Runtime {
    if (Runtime.#default === undefined || Runtime.#default.#closed !== undefined) {
      Runtime.#default = new Runtime();
    }
    return Runtime.#default;
  }

  constructor(options: RuntimeOptions = {}) {
    const { log, logLevel = 'warn', exactFloats = false } = options;
    const level = LEVELS.indexOf(logLevel) + 1;
    if (level === 0) {
      throw new WoolError('INVALID_ARGUMENT', `logLevel is one of ${LEVELS.join(', ')}, not ${String(logLevel)}`);
    }
    const onLog =
      log &&
      ((number: number, target: string, message: string): void => {
        log({ level: LEVELS[number - 1] ?? 'debug', target, message });
      });
    this.#queue = new CompletionQueue({ exactFloats, logLevel: level }, this.#errors, this.#routines, onLog);
  }

  /**
   * Makes `run` callable by `name`. Generator functions become stream routines, all others unary ones. They run on this
   * thread's event loop; {@link threaded} is for those that compute or block. Workers that serve already tell their
   * callers, who may answer `ROUTINE_NOT_FOUND` until they have heard it: register before you serve.
   *
   * ```ts
   * runtime.register('calc.add', async (a: number, b: number) => a + b);
   * runtime.register('count.up', async function* (n: number) {
   *   for (let i = 0; i < n; i++) yield i;
   * });
   * ```
   *
   * @throws {WoolError} `ALREADY_EXISTS` for a name that is taken
   */
  register(name: string, run: Routine | ThreadedRoutine, options: RoutineOptions = {}): void {
    this.#routines.register(this.#queue, name, run, false, options);
  }

  /**
   * Like {@link register}, for a function that returns something to iterate over and is no generator function, and for
   * threaded generators.
   */
  registerStream(name: string, run: StreamRoutine | ThreadedRoutine, options: RoutineOptions = {}): void {
    this.#routines.register(this.#queue, name, run, true, options);
  }

  /**
   * Lets errors of a class travel under a name that all languages agree on. What a routine of this runtime throws, and
   * what is thrown into a stream, is known by that name wherever it arrives; what arrives under it is of this class,
   * and a {@link TaskError} for `instanceof`, too. Of a class that is not registered itself, the nearest that it extends
   * counts.
   *
   * ```ts
   * class OutOfStock extends Error {
   *   constructor(readonly item: string, readonly left: number) {
   *     super(`${item}: ${left} left`);
   *   }
   * }
   * runtime.registerError(OutOfStock, 'shop.OutOfStock');
   * ```
   *
   * @throws {WoolError} `ALREADY_EXISTS` for a name or a class that is taken; `INVALID_ARGUMENT`
   */
  registerError<C extends ErrorClass>(
    type: C,
    name: string,
    options: RegisteredErrorOptions<InstanceType<C>> = {},
  ): void {
    this.#errors.register(type, name, options);
  }

  /** Starts a worker that serves the routines, those registered later too. @throws {WoolError} */
  serve(options: WorkerOptions = {}): Promise<Worker> {
    return Worker.start(this.#queue, options);
  }

  /**
   * Listens to what happens to the tasks that the pools of this runtime call and its workers run, from now on.
   *
   * ```ts
   * const events = runtime.onTaskEvent((event) => {
   *   if (event.kind === 'task-completed' && event.side === 'caller') console.log(event.routine, event.status);
   * });
   * ```
   *
   * Events come on this thread's event loop, for each task and side in the order in which they happen; also those of
   * threaded routines and of the calls that these make. Listening alone does not keep the process alive, and goes on
   * until it is closed, or the runtime is.
   *
   * @throws {WoolError} `INVALID_ARGUMENT`; `CLOSED` if the runtime is
   */
  onTaskEvent(handler: (event: TaskEvent) => void, options: TaskEventOptions = {}): TaskEvents {
    return TaskEvents.listen(this.#queue, handler, options);
  }

  /**
   * Closes workers and pools; everything pending ends as `CLOSED`. Idempotent.
   *
   * @param timeout milliseconds to wait for tasks that run; then it rejects with `TIMEOUT`, and may be called again
   */
  close(timeout = CLOSE_TIMEOUT): Promise<void> {
    this.#closed ??= this.#close(timeout).catch((error: unknown) => {
      this.#closed = undefined;
      throw error;
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeout: number): Promise<void> {
    this.#queue.hold();
    this.#queue.closing();
    try {
      await native.closeRuntime(this.#queue.handle, timeout === Infinity ? -1 : Math.ceil(timeout));
    } catch (error) {
      throw error instanceof Error ? error : errorFrom(error as ErrorDescription);
    } finally {
      this.#queue.release();
    }
    this.#queue.dispose();
    await this.#routines.threads.close();
  }

  /** @internal Makes `runtime` this thread's default, unless it has one. */
  static offerDefault(runtime: Runtime): void {
    if (Runtime.#default === undefined || Runtime.#default.#closed !== undefined) {
      Runtime.#default = runtime;
    }
  }

  /** @internal */
  static queueOf(runtime: Runtime): CompletionQueue {
    return runtime.#queue;
  }
}
