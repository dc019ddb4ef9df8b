import { answerChoice, answerPeerCheck, answerPublication, UNDECIDED } from './answers.js';
import { statusOfKind, WoolError } from './errors.js';
import type { ErrorRegistry } from './error-registry.js';
import { errorFrom } from './fault.js';
import { BATCH, Codec, type ErrorHandle, EventField, EventKind, native, type RuntimeHandle } from './native.js';
import { type Arguments, Decoder } from './values/decoder.js';

/** Where the payloads of a batch go. What does not fit is copied on its own. */
const SLAB_BYTES = 256 * 1024;

/** Batches handled in one turn of the event loop, so that timers and sockets get theirs. */
const BATCHES_PER_TURN = 16;

/** Something submitted, until its terminal event. */
export interface Waiter {
  /** Takes an event of the current batch. True: it was the terminal one. Must not throw. */
  onEvent(kind: number, index: number, queue: CompletionQueue): boolean;
  /** The runtime has gone: no event will come. */
  onGone(error: WoolError): void;
}

/** Takes the events of tasks that this process serves. Must not throw. */
export interface TaskSink {
  onTask(routine: number, task: number, index: number, queue: CompletionQueue): void;
  onStep(task: number, step: number, index: number, queue: CompletionQueue): void;
  onCancel(task: number): void;
}

/** Takes what comes unasked under a tag of its own, event `index` of the current batch. Must not throw. */
export type EventSink = (index: number, queue: CompletionQueue, kind: number) => void;

/** A payload as it came. */
export interface Encoded {
  /** A copy, whose memory is its own. */
  bytes: Uint8Array;
  codec: number;
}

/** An error that was thrown into a task: as JavaScript sees it, and as it came. */
export interface Thrown {
  error: Error;
  /** `undefined` in a thread, which is not where it came. */
  handle: ErrorHandle | undefined;
}

/**
 * The completion queue of one runtime in one environment: what libwool answers arrives here, in batches, when the
 * doorbell has rung.
 *
 * Everything that waits for an answer holds the queue, which keeps the process alive; an idle queue does not.
 */
export class CompletionQueue {
  readonly handle: RuntimeHandle;
  /**
   * Workers that serve and such, each with what it needs: they go on when nobody refers to them, for as long as the
   * runtime is open.
   */
  readonly serving = new Map<object, unknown>();
  /** Called when the runtime begins to close, perhaps again. Must not throw. */
  readonly whenClosing = new Set<() => void>();
  /** Called when the runtime has gone. Must not throw. */
  readonly whenGone = new Set<() => void>();
  readonly #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  readonly #fields = new Int32Array(BATCH * EventField.COUNT);
  readonly #decoder = new Decoder();
  readonly exactFloats: boolean;
  readonly #tasks: TaskSink;
  readonly #waiters: (Waiter | undefined)[] = [];
  /** By numbers that are never used again. */
  readonly #sinks = new Map<number, EventSink>();
  #lastSink = 0;
  readonly #freeTags: number[] = [];
  #holds = 0;
  #gone = false;

  constructor(
    options: { exactFloats: boolean; logLevel: number },
    readonly errors: ErrorRegistry,
    tasks: TaskSink,
    onLog: ((level: number, target: string, message: string) => void) | undefined,
  ) {
    this.exactFloats = options.exactFloats;
    this.#tasks = tasks;
    this.#decoder.use(this.#slab, this.exactFloats, true);
    this.handle = native.createRuntime(options.logLevel, this.#slab, this.#fields, this.#drain, onLog);
  }

  /** Keeps the process alive until `release`. */
  hold(): void {
    if (this.#holds++ === 0) {
      native.keepAlive(this.handle, true);
    }
  }

  release(): void {
    if (--this.#holds === 0) {
      native.keepAlive(this.handle, false);
    }
  }

  /** The tag by which events find `waiter`. It is given back by the terminal event, or by `forget`. */
  tagFor(waiter: Waiter): number {
    if (this.#gone) {
      throw closed();
    }
    const tag = this.#freeTags.pop() ?? this.#waiters.length;
    this.#waiters[tag] = waiter;
    return tag;
  }

  /** For a tag with which nothing was submitted after all. */
  forget(tag: number): void {
    this.#waiters[tag] = undefined;
    this.#freeTags.push(tag);
  }

  /** The tag of what `sink` takes, until `forgetSink`. */
  tagForSink(sink: EventSink): number {
    this.#sinks.set(++this.#lastSink, sink);
    return this.#lastSink;
  }

  forgetSink(tag: number): void {
    this.#sinks.delete(tag);
  }

  /** The value that event `index` of the current batch carries. @throws {ValueError} */
  valueAt(index: number): unknown {
    const base = index * EventField.COUNT;
    const offset = this.#field(base + EventField.OFFSET);
    const length = this.#field(base + EventField.LENGTH);
    if (this.#field(base + EventField.CODEC) === Codec.RAW) {
      return offset < 0
        ? native.takePayload(this.handle, index)
        : Buffer.from(this.#slab.subarray(offset, offset + length));
    }
    return offset < 0 ? this.#ownDecoder(index).readValue(0, length) : this.#decoder.readValue(offset, length);
  }

  /** The arguments of the task that event `index` of the current batch starts. @throws {ValueError} */
  argumentsAt(index: number): Arguments {
    const base = index * EventField.COUNT;
    if (this.#field(base + EventField.CODEC) === Codec.RAW) {
      return { positional: [this.valueAt(index)], named: undefined };
    }
    const offset = this.#field(base + EventField.OFFSET);
    const length = this.#field(base + EventField.LENGTH);
    return offset < 0 ? this.#ownDecoder(index).readArguments(0, length) : this.#decoder.readArguments(offset, length);
  }

  /** The error that event `index` of the current batch carries, if it failed. */
  failureAt(index: number): Error | undefined {
    const failed = this.#field(index * EventField.COUNT + EventField.STATUS) < 0;
    return failed ? errorFrom(native.takeError(this.handle, index), this.errors) : undefined;
  }

  /** What event `index` of the current batch throws into a task. */
  thrownAt(index: number): Thrown {
    const { description, handle } = native.takeThrown(this.handle, index);
    return { error: errorFrom(description, this.errors), handle };
  }

  /** The payload of event `index` of the current batch, not decoded. */
  encodedAt(index: number): Encoded {
    const base = index * EventField.COUNT;
    const offset = this.#field(base + EventField.OFFSET);
    const length = this.#field(base + EventField.LENGTH);
    const bytes =
      offset < 0 ? native.takePayload(this.handle, index) : this.#slab.subarray(offset, offset + length);
    return { bytes: new Uint8Array(bytes), codec: this.#field(base + EventField.CODEC) };
  }

  /** The runtime is about to close. */
  closing(): void {
    for (const tell of this.whenClosing) {
      tell();
    }
  }

  /** Takes all events there are, then makes sure that none comes any more. */
  dispose(): void {
    while (this.#drainBatch() > 0) {
      // Each batch is handled as it is taken.
    }
    this.#gone = true;
    native.disposeRuntime(this.handle);
    for (const waiter of this.#waiters.splice(0)) {
      waiter?.onGone(closed());
    }
    for (const tell of this.whenGone) {
      tell();
    }
    this.whenClosing.clear();
    this.whenGone.clear();
  }

  #ownDecoder(index: number): Decoder {
    const decoder = new Decoder();
    decoder.use(native.takePayload(this.handle, index), this.exactFloats, false);
    return decoder;
  }

  /** The doorbell has rung. Arrow: the addon calls it without `this`. */
  readonly #drain = (): void => {
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      if (this.#drainBatch() <= 0) {
        return;
      }
    }
    // The doorbell does not ring again while there are events.
    setImmediate(this.#drain);
  };

  #drainBatch(): number {
    if (this.#gone) {
      return -1;
    }
    const count = native.drain(this.handle);
    for (let index = 0; index < count; index++) {
      this.#dispatch(index);
    }
    return count;
  }

  #dispatch(index: number): void {
    const base = index * EventField.COUNT;
    const kind = this.#field(base + EventField.KIND);
    const tag = this.#field(base + EventField.TAG);
    const task = this.#field(base + EventField.TASK);
    switch (kind) {
      case EventKind.TASK:
        this.#tasks.onTask(tag, task, index, this);
        return;
      case EventKind.STEP:
        this.#tasks.onStep(task, this.#field(base + EventField.STEP), index, this);
        return;
      case EventKind.CANCEL:
        this.#tasks.onCancel(task);
        return;
      case EventKind.ADMISSION:
      case EventKind.TASK_EVENT:
      case EventKind.SUBSCRIBE:
      case EventKind.UNSUBSCRIBE:
        this.#sinks.get(tag)?.(index, this, kind);
        return;
      case EventKind.PUBLISH:
      case EventKind.WITHDRAW:
      case EventKind.CHOICE:
      case EventKind.PEER_CHECK:
        (this.#sinks.get(tag) ?? answerForNobody)(index, this, kind);
        return;
      default:
        if (this.#waiters[tag]?.onEvent(kind, index, this) === true) {
          this.forget(tag);
        }
    }
  }

  #field(at: number): number {
    return this.#fields[at] as number;
  }
}

/** Those who were asked have gone, and others wait for an answer. */
function answerForNobody(index: number, queue: CompletionQueue, kind: number): void {
  const handle = native.eventHandle(queue.handle, index);
  if (kind === EventKind.CHOICE) {
    answerChoice(handle, UNDECIDED);
  } else if (kind === EventKind.PEER_CHECK) {
    answerPeerCheck(handle, 'the pool has gone');
  } else {
    const status = kind === EventKind.PUBLISH ? statusOfKind('CLOSED') : 0;
    answerPublication(handle, status, 'nobody publishes workers here any more');
  }
}

function closed(): WoolError {
  return new WoolError('CLOSED', 'the runtime is closed');
}
