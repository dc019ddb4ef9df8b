// What a thread of threaded routines runs: the module's exports, one task at a time.
import { parentPort } from 'node:worker_threads';

import { Answer, type Running } from '../answer.js';
import { ErrorRegistry } from '../error-registry.js';
import { kindOfStatus, WoolError } from '../errors.js';
import { errorFrom, faultFrom } from '../fault.js';
import { RoutineKind } from '../native.js';
import { Parameters } from '../parameters.js';
import { isGenerator, type Operation, type Routine, RunningStream, runUnary, type StreamRoutine } from '../running.js';
import { CompletionQueue, type TaskSink } from '../queue.js';
import { ThreadChannel, type ThreadSide } from './channel.js';
import { argumentsOf, valueOf } from './encoded.js';
import type { FromThread, Setup, Start, Told, ToThread } from './messages.js';

type Exports = Readonly<Record<string, unknown>>;

/** A thread serves no routines of its own. */
const NO_TASKS: TaskSink = { onTask() {}, onStep() {}, onCancel() {} };

class Entry implements ThreadSide {
  readonly #errors = new ErrorRegistry();
  readonly #module: Promise<Exports>;
  #task = 0;
  #running: Running | undefined;
  #queue: CompletionQueue | undefined;

  constructor(
    readonly setup: Setup,
    readonly post: (message: FromThread, transfer?: ArrayBuffer[]) => void,
  ) {
    this.#module = this.#load();
    // Whoever has a task waits for it, too.
    this.#module.catch(() => {});
  }

  queue(): CompletionQueue {
    this.#queue ??= new CompletionQueue(
      { exactFloats: this.setup.exactFloats, logLevel: 0 },
      this.#errors,
      NO_TASKS,
      undefined,
    );
    return this.#queue;
  }

  onMessage(message: Exclude<ToThread, Setup>): void {
    if (message.kind === 'start') {
      this.#start(message);
    } else if (message.task !== this.#task) {
      return;
    } else if (message.kind === 'cancel') {
      this.#running?.cancel();
    } else {
      this.#tell(message.told);
    }
  }

  #start(start: Start): void {
    this.#task = start.task;
    const channel = new ThreadChannel(start, this);
    const answer = new Answer(channel, start.routine, this.#errors, () => {
      this.#running = undefined;
    });
    const run = (): Promise<unknown> => this.#run(start);
    if (start.routineKind === RoutineKind.STREAM) {
      this.#running = new RunningStream(run as StreamRoutine, [], answer);
    } else {
      this.#running = answer;
      runUnary(run, [], answer);
    }
  }

  async #run(start: Start): Promise<unknown> {
    const routine = await this.#routine(start);
    const parameters = new Parameters(start.routine, start.parameters, routine.length);
    return routine(...parameters.bind(() => argumentsOf(start.arguments, this.setup.exactFloats)));
  }

  async #routine(start: Start): Promise<Routine> {
    let exports: Exports;
    try {
      exports = await this.#module;
    } catch (error) {
      const message = `the module of ${start.routine} could not be loaded: ${this.setup.module}`;
      const reason = new Error(message, { cause: error });
      this.post({ task: start.task, broken: faultFrom(reason, this.#errors) });
      throw reason;
    }
    const routine = exports[start.export];
    if (typeof routine !== 'function') {
      throw new TypeError(`${this.setup.module} exports no function ${start.export}`);
    }
    if (start.routineKind === RoutineKind.UNARY && isGenerator(routine)) {
      throw new TypeError(`${start.routine} is a generator: register it with registerStream`);
    }
    return routine as Routine;
  }

  #tell(told: Told): void {
    if (this.#running instanceof RunningStream) {
      this.#running.enqueue(this.#operation(told));
    }
  }

  #operation(told: Told): Operation {
    switch (told.step) {
      case 'send':
        try {
          return { step: 'send', value: valueOf(told.value, this.setup.exactFloats) };
        } catch (error) {
          return { step: 'abort', error };
        }
      case 'throw':
        return { step: 'throw', thrown: { error: errorFrom(told.description, this.#errors), handle: undefined } };
      case 'abort':
        return { step: 'abort', error: new WoolError(kindOfStatus(told.status), told.message) };
      default:
        return { step: told.step };
    }
  }

  async #load(): Promise<Exports> {
    const exports: Exports = await import(this.setup.module);
    const { setup } = this.setup;
    if (setup !== undefined) {
      const prepare = exports[setup];
      if (typeof prepare !== 'function') {
        throw new TypeError(`the module exports no function ${setup}`);
      }
      const errors = this.#errors;
      await prepare({ registerError: errors.register.bind(errors) });
    }
    return exports;
  }
}

if (parentPort !== null) {
  const port = parentPort;
  let entry: Entry | undefined;
  port.on('message', (message: ToThread) => {
    if (message.kind === 'setup') {
      entry = new Entry(message, (answer, transfer) => port.postMessage(answer, transfer));
    } else {
      entry?.onMessage(message);
    }
  });
}
