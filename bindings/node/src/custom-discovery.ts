import { inspect } from 'node:util';

import { answerPublication } from './answers.js';
import { statusOfKind, WoolError } from './errors.js';
import { messageOf } from './errors-shown.js';
import { type DiscoveryHandle, EventKind, native } from './native.js';
import { type Opened, opensBy } from './opened.js';
import { invalid } from './options.js';
import type { CompletionQueue } from './queue.js';
import { encodeRecord, type WorkerRecord, type WorkerRecordInit } from './worker-record.js';

/** A way of your own to find workers, and perhaps to publish them; see {@link CustomDiscovery}. */
export interface Discoverer {
  /**
   * Somebody, such as a pool, wants to be told of workers through `subscriber`, until `signal` is aborted. It may do
   * so before it returns, or go on for as long as it likes; for each of several pools it is called once. What it throws
   * is told as {@link Subscriber.failed}.
   */
  subscribe(subscriber: Subscriber, signal: AbortSignal): unknown;
  /**
   * Publishes a worker, or a newer record of it. The worker waits for it, up to 30 s, and is not started when this
   * fails: with the kind of the {@link WoolError} that is thrown, with `DISCOVERY` for all else. Without this function
   * the discovery only finds.
   */
  publish?(record: WorkerRecord): unknown;
  /** The worker takes no more calls, or has failed to be published. */
  withdraw?(uid: string): unknown;
}

/**
 * A discovery of your own: a database, a file, the interface of an orchestrator.
 *
 * ```ts
 * const registry = new CustomDiscovery({
 *   async subscribe(subscriber, signal) {
 *     for (const address of await addresses()) subscriber.found({ addresses: [address] });
 *     subscriber.scanned();
 *   },
 * });
 * const pool = new WorkerPool({ discovery: registry });
 * ```
 *
 * Its functions are called on the event loop of the thread whose pool or worker uses it, and may be asynchronous. Any
 * number of pools and workers may use it, of several runtimes. It does not keep the process alive by itself.
 *
 * Workers that are found are trusted: they are presented the pool's `secret`.
 */
export class CustomDiscovery {
  readonly #discoverer: Discoverer;

  /** @throws {WoolError} `INVALID_ARGUMENT` for what has no `subscribe` */
  constructor(discoverer: Discoverer) {
    for (const name of ['subscribe', 'publish', 'withdraw'] as const) {
      const given: unknown = discoverer?.[name];
      if (typeof given !== 'function' && (name === 'subscribe' || given !== undefined)) {
        throw invalid(`a discovery of your own has a function ${name}, not ${inspect(given)}`);
      }
    }
    this.#discoverer = discoverer;
    opensBy(this, (queue) => new OpenedDiscoverer(this.#discoverer, queue));
  }
}

/** Somebody who wants to be told of workers. Once it does not any more, what it is told does nothing. */
export class Subscriber {
  readonly #handle: bigint;

  /** @internal */
  constructor(handle: bigint) {
    this.#handle = handle;
  }

  /**
   * There is a worker, or a newer record of it.
   *
   * @throws {WoolError} `INVALID_ARGUMENT` for a record without an address, or with a part that is none
   */
  found(record: WorkerRecordInit): void {
    native.subscriptionFound(this.#handle, encodeRecord(record));
  }

  /** A worker has gone. @param key its uid, or, where its record has none, its first address */
  gone(key: string): void {
    native.subscriptionGone(this.#handle, key);
  }

  /**
   * All that was there at the beginning has been told, or, after {@link failed}, it works again. Until then calls wait for
   * workers that may still come, up to their dispatch timeout.
   */
  scanned(): void {
    native.subscriptionScanned(this.#handle);
  }

  /** It does not work at present; the workers that are known stay. A pool tells of it in {@link PoolStatus.problems}. */
  failed(error: unknown): void {
    native.subscriptionFailed(this.#handle, messageOf(error));
  }
}

/** Takes what libwool asks of a discoverer for one pool, worker or list. */
class OpenedDiscoverer implements Opened {
  readonly handle: DiscoveryHandle;
  readonly #discoverer: Discoverer;
  readonly #queue: CompletionQueue;
  readonly #tag: number;
  readonly #subscriptions = new Map<bigint, AbortController>();
  /** Workers that are going to be withdrawn. */
  readonly #published = new Set<string>();
  /** Questions whether a worker is published. */
  readonly #publications = new Set<bigint>();
  #closed = false;
  /** The runtime closes: no more workers are published. */
  #closing = false;

  constructor(discoverer: Discoverer, queue: CompletionQueue) {
    this.#discoverer = discoverer;
    this.#queue = queue;
    this.#tag = queue.tagForSink((index, _queue, kind) => this.#onEvent(kind, index));
    try {
      this.handle = native.createCustomDiscovery(queue.handle, this.#tag, discoverer.publish !== undefined);
    } catch (error) {
      queue.forgetSink(this.#tag);
      throw error;
    }
    queue.whenClosing.add(this.#onClosing);
    queue.whenGone.add(this.#onGone);
  }

  close(): void {
    this.#closed = true;
    this.#forgetIfDone();
  }

  #onEvent(kind: number, index: number): void {
    const handle = native.eventHandle(this.#queue.handle, index);
    switch (kind) {
      case EventKind.SUBSCRIBE:
        this.#subscribe(handle);
        return;
      case EventKind.UNSUBSCRIBE:
        this.#unsubscribe(handle);
        return;
      case EventKind.PUBLISH:
        void this.#publish(handle, this.#queue.valueAt(index) as WorkerRecord);
        return;
      default:
        void this.#withdraw(handle, this.#queue.valueAt(index) as string);
    }
  }

  #subscribe(handle: bigint): void {
    const subscriber = new Subscriber(handle);
    const controller = new AbortController();
    this.#subscriptions.set(handle, controller);
    void settled(() => this.#discoverer.subscribe(subscriber, controller.signal)).then((outcome) => {
      // Whoever is told to end may well do so by an error.
      if (outcome !== undefined && !controller.signal.aborted) {
        subscriber.failed(outcome.thrown);
      }
    });
  }

  #unsubscribe(handle: bigint): void {
    const controller = this.#subscriptions.get(handle);
    this.#subscriptions.delete(handle);
    // Who has unsubscribed does not come back.
    this.#closed ||= this.#subscriptions.size === 0;
    this.#forgetIfDone();
    abort(controller);
  }

  /** Never rejects. */
  async #publish(handle: bigint, record: WorkerRecord): Promise<void> {
    this.#published.add(record.uid);
    this.#publications.add(handle);
    if (this.#closing) {
      this.#onClosing();
      return;
    }
    const outcome = await settled(() => this.#discoverer.publish?.(record));
    this.#publications.delete(handle);
    answer(handle, outcome);
  }

  /** Never rejects. */
  async #withdraw(handle: bigint, uid: string): Promise<void> {
    const outcome = await settled(() => this.#discoverer.withdraw?.(uid));
    answer(handle, outcome);
    this.#published.delete(uid);
    this.#forgetIfDone();
  }

  #forgetIfDone(): void {
    if (this.#closed && this.#subscriptions.size === 0 && this.#published.size === 0) {
      this.#queue.forgetSink(this.#tag);
      this.#queue.whenClosing.delete(this.#onClosing);
      this.#queue.whenGone.delete(this.#onGone);
    }
  }

  // Arrows: they are called without `this`.

  readonly #onClosing = (): void => {
    this.#closing = true;
    for (const handle of this.#publications) {
      answerPublication(handle, statusOfKind('CLOSED'), 'the runtime closes');
    }
    this.#publications.clear();
  };

  readonly #onGone = (): void => {
    const controllers = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    controllers.forEach(abort);
  };
}

function abort(controller: AbortController | undefined): void {
  controller?.abort(new WoolError('CLOSED', 'nobody listens to this discovery any more'));
}

/** The second answer does nothing. */
function answer(handle: bigint, outcome: { thrown: unknown } | undefined): void {
  const status = outcome === undefined ? 0 : statusOf(outcome.thrown);
  answerPublication(handle, status, outcome === undefined ? '' : messageOf(outcome.thrown));
}

/** What `run` throws, now or later. Never rejects. */
async function settled(run: () => unknown): Promise<{ thrown: unknown } | undefined> {
  try {
    await run();
    return undefined;
  } catch (thrown) {
    return { thrown };
  }
}

function statusOf(thrown: unknown): number {
  try {
    return statusOfKind(thrown instanceof WoolError ? thrown.kind : 'DISCOVERY');
  } catch {
    return statusOfKind('DISCOVERY');
  }
}
