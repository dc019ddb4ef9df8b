import { inspect } from 'node:util';

import type { ErrorKind } from './errors.js';
import { native, type TaskEventsHandle } from './native.js';
import { count, invalid } from './options.js';
import type { CompletionQueue } from './queue.js';
import type { Uuid } from './values/uuid.js';

interface AnyTaskEvent {
  /** Where it happened: at a pool that makes the call, or at the worker that runs the task. */
  readonly side: 'caller' | 'worker';
  /** When, by the clock of this machine: as `Date.now()`, and finer, to the microsecond. */
  readonly timestamp: number;
  /** The task's UUID. */
  readonly id: string;
  /** What it runs. */
  readonly routine: string;
  /** The UUID of the task that called it, if one did. */
  readonly caller: string | undefined;
  /** The worker's UUID; `undefined` while the caller has given the task to none. */
  readonly worker: string | undefined;
}

/** Of a call or a task. */
export interface TaskLifeEvent extends AnyTaskEvent {
  /**
   * `task-created`: the call was made. `task-scheduled`: the caller gave it to a worker, again if that is offered it after
   * another; the worker took it. `task-started`: the routine began to run. `task-stopped`: it has stopped.
   */
  readonly kind: 'task-created' | 'task-scheduled' | 'task-started' | 'task-stopped';
}

/** The caller knows the outcome; the worker has given its last answer. */
export interface TaskCompletedEvent extends AnyTaskEvent {
  readonly kind: 'task-completed';
  readonly status: 'OK' | ErrorKind;
}

/** Of a step of a stream. */
export interface TaskIterationEvent extends AnyTaskEvent {
  /** The caller asked for the step; the worker resumed the routine for it; the item was yielded, and has come. */
  readonly kind: 'task-iteration-initiated' | 'task-iteration-started' | 'task-iteration-completed';
  readonly step: 'next' | 'send' | 'throw';
}

/**
 * Something that happened to a task. Each task is told of from its beginning to its end or, to those who listen too
 * late, not at all. Every `task-created` of a caller is followed by one `task-completed`; at a worker so is every
 * `task-scheduled`, and every `task-started` by one `task-stopped` before that.
 */
export type TaskEvent = TaskLifeEvent | TaskCompletedEvent | TaskIterationEvent;

export interface TaskEventOptions {
  /** As many wait for this thread's event loop; further ones are missed. Default 4,096. */
  capacity?: number | undefined;
}

/** Listens to task events, see {@link Runtime.onTaskEvent}. */
export class TaskEvents implements Disposable {
  readonly #queue: CompletionQueue;
  readonly #handle: TaskEventsHandle;
  readonly #tag: number;
  #missed: number | undefined;

  private constructor(queue: CompletionQueue, handle: TaskEventsHandle, tag: number) {
    this.#queue = queue;
    this.#handle = handle;
    this.#tag = tag;
    queue.serving.set(this, undefined);
  }

  /** @internal @throws {WoolError} */
  static listen(queue: CompletionQueue, handler: (event: TaskEvent) => void, options: TaskEventOptions): TaskEvents {
    if (typeof handler !== 'function') {
      throw invalid(`task events go to a function, not ${inspect(handler)}`);
    }
    const capacity = count('capacity', options.capacity, 1) ?? 0;
    const tag = queue.tagForSink((index) => handle(handler, () => eventOf(queue.valueAt(index) as Received)));
    try {
      return new TaskEvents(queue, native.listenToTasks(queue.handle, tag, capacity), tag);
    } catch (error) {
      queue.forgetSink(tag);
      throw error;
    }
  }

  /** How many events were missed, as they came faster than they were taken. */
  get missed(): number {
    return this.#missed ?? native.missedTaskEvents(this.#handle);
  }

  /** Stops listening: the handler is not called any more. Idempotent. */
  close(): void {
    this.#missed ??= native.missedTaskEvents(this.#handle);
    native.stopListening(this.#handle);
    this.#queue.forgetSink(this.#tag);
    this.#queue.serving.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** An event as it comes. */
interface Received {
  kind: TaskEvent['kind'];
  side: 'caller' | 'worker';
  timestamp_us: number;
  id: Uuid;
  routine: string;
  caller: Uuid | null;
  worker: Uuid | null;
  step: 'next' | 'send' | 'throw' | null;
  status: 'OK' | ErrorKind | null;
}

function eventOf({ kind, side, timestamp_us, id, routine, caller, worker, step, status }: Received): TaskEvent {
  const event = {
    kind,
    side,
    timestamp: timestamp_us / 1000,
    id: id.toString(),
    routine,
    caller: caller?.toString(),
    worker: worker?.toString(),
    ...(step === null ? {} : { step }),
    ...(status === null ? {} : { status }),
  };
  return event as TaskEvent;
}

/** What a handler throws is the program's own, as in every callback; other events are not to suffer from it. */
function handle(handler: (event: TaskEvent) => void, event: () => TaskEvent): void {
  try {
    handler(event());
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
