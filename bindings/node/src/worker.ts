import { type AdmissionHook, admissions } from './admission.js';
import { closing } from './closing.js';
import { Credentials, patternsOf, routineCallers } from './credentials.js';
import type { Discovery } from './discovery.js';
import { WoolError } from './errors.js';
import { errorFrom } from './fault.js';
import { type ErrorDescription, native, type WorkerHandle } from './native.js';
import { type Opened, openOption } from './opened.js';
import { grace as checkGrace, invalid, text, texts } from './options.js';
import { type PeerLimits, peerLimits } from './peer-limits.js';
import { WorkerPool } from './pool.js';
import type { CompletionQueue, Waiter } from './queue.js';

export interface WorkerOptions {
  /** `host:port`; port 0 picks a free one. Default `127.0.0.1:0`. */
  bind?: string | undefined;
  /** Also serves on a Unix socket at this path. */
  socketPath?: string | undefined;
  /** Tasks at once; beyond that tasks are refused as `BUSY`. Default 1,024. */
  concurrency?: number | undefined;
  /** Binds beyond this machine's loopback without TLS. Default false. */
  allowPlaintext?: boolean | undefined;
  /** Callers must present it. With `publish`, default is a random one that only this user's processes can read. */
  secret?: string | undefined;
  /** Largest payload, bytes. Default 256 MiB. */
  maxPayload?: number | undefined;
  /**
   * How others reach it, in its record, where that is not what it is bound to: `host`, `host:port`, IPv6 hosts in
   * brackets. Default: the address that it is bound to. Bound to all addresses of the machine (`0.0.0.0:0`), a worker on
   * the LAN is reached at those of its networks; for another discovery they have to be said.
   */
  advertise?: readonly string[] | undefined;
  /** Labels by which pools choose. */
  tags?: readonly string[] | undefined;
  /** What else its record says of it, for others ({@link WorkerRecord.extra}). */
  extra?: Readonly<Record<string, string>> | undefined;
  /** Where pools find this worker. Default: nowhere. */
  publish?: Discovery | undefined;
  /**
   * What the worker presents to its callers, and which of them it believes. Default: no TLS. With them it may bind beyond
   * this machine's loopback.
   */
  credentials?: Credentials | undefined;
  /**
   * The name that the worker claims in its record, and that its certificate holds: a DNS name or a URI (SPIFFE). Pools
   * whose `peers` accept it take that instead of the address that they dialled.
   */
  identity?: string | undefined;
  /**
   * Patterns for the names of certificates: `caller.example`, `*.example`, `spiffe://example/caller`,
   * `spiffe://example/*`, `*`. Who has none of them is not let in. Default: all whose certificates are good. Over the Unix
   * socket the secret decides.
   */
  callers?: readonly string[] | undefined;
  /** Who may call what, beside `callers`: a routine, or `prefix.*`, that is named is for those alone. */
  routineCallers?: Readonly<Record<string, readonly string[]>> | undefined;
  /** As `peers` of a pool, for those by which routines call on. */
  peers?: readonly string[] | undefined;
  /**
   * Patterns, as `callers`, for the names of those who may stop the worker over the network (the gRPC method `wool.v1.Control/stop`).
   * Default: nobody, and never who has no certificate.
   */
  stoppers?: readonly string[] | undefined;
  /** The most that one peer may have of the worker. */
  peerLimits?: PeerLimits | undefined;
  /**
   * By which the routines of this worker call ({@link call}) where the pool of their caller cannot be used, as it is one
   * of another machine. The worker keeps it open. Default: none, and such calls are `UNSUPPORTED`.
   */
  pool?: WorkerPool | undefined;
  /**
   * Is asked before each task is started, and may take its time. To let it in, return; to send the caller to another
   * worker, or to let it wait, throw a `BUSY` {@link WoolError}; to turn it away, one that is `PERMISSION_DENIED`. What
   * else it throws is the hook's own failure, and the caller's call is `REJECTED`. In no case has the task been started.
   */
  admit?: AdmissionHook | undefined;
}

/**
 * Serves the routines of a runtime in this process, on this event loop; {@link Runtime.serve} makes it. It keeps the
 * process alive until it stops, also when one of its {@link WorkerOptions.stoppers} has stopped it.
 */
export class Worker implements AsyncDisposable {
  /** Where it listens, such as `127.0.0.1:43211`. */
  readonly address: string;
  /** Its UUID, new with every start. */
  readonly uid: string;
  readonly #queue: CompletionQueue;
  readonly #handle: WorkerHandle;
  /** Settles when it has stopped, whoever stopped it. */
  readonly #over: Promise<void>;
  #stopped: Promise<void> | undefined;

  /**
   * @param needs what it goes on with, `release` frees what was made for it
   * @throws {WoolError} `BUSY`, `CLOSED` when its end could not be told
   */
  private constructor(
    queue: CompletionQueue,
    started: { handle: WorkerHandle; address: string; uid: string },
    needs: unknown,
    release: () => void,
  ) {
    this.#queue = queue;
    this.#handle = started.handle;
    this.address = started.address;
    this.uid = started.uid;
    let settle!: () => void;
    this.#over = new Promise((resolve) => {
      settle = resolve;
    });
    const end = (): void => {
      queue.serving.delete(this);
      release();
      queue.release();
      settle();
    };
    const waiter: Waiter = {
      onEvent: () => {
        end();
        return true;
      },
      onGone: end,
    };
    const tag = queue.tagFor(waiter);
    try {
      native.workerStopped(this.#handle, tag);
    } catch (error) {
      queue.forget(tag);
      throw error;
    }
    queue.serving.set(this, needs);
    queue.hold();
  }

  /** @internal @throws {WoolError} such as `IO` for an address in use */
  static async start(queue: CompletionQueue, options: WorkerOptions): Promise<Worker> {
    let admitTag = 0;
    let opened: Opened | undefined;
    const release = (): void => {
      queue.forgetSink(admitTag);
      opened?.close();
    };
    queue.hold();
    try {
      const pool = WorkerPool.handleOf('pool', options.pool);
      const checked = {
        tags: texts('tags', options.tags),
        advertise: texts('advertise', options.advertise),
        extra: pairs('extra', options.extra),
        credentials: Credentials.handleOf(options.credentials),
        identity: text('identity', options.identity),
        callers: patternsOf('callers', options.callers),
        routineCallers: routineCallers(options.routineCallers),
        peers: texts('peers', options.peers),
        stoppers: texts('stoppers', options.stoppers),
        peerLimits: peerLimits(options.peerLimits),
      };
      admitTag = options.admit === undefined ? 0 : queue.tagForSink(admissions(options.admit));
      opened = openOption('publish', options.publish, queue);
      const publish = opened?.handle;
      const started = await native.startWorker(queue.handle, { ...options, ...checked, publish, pool, admitTag });
      return new Worker(queue, started, pool, release);
    } catch (error) {
      release();
      throw error instanceof Error ? error : errorFrom(error as ErrorDescription);
    } finally {
      queue.release();
    }
  }

  /** @internal Settles when the worker has stopped, whoever stopped it, or with its runtime. */
  static over(worker: Worker): Promise<void> {
    return worker.#over;
  }

  /**
   * Stops taking tasks, and lets those that run end.
   *
   * @param grace milliseconds until they are cancelled: 0 at once, negative or `Infinity` never
   * @returns settled when the last task has ended. Stopping again waits for the same, but a shorter grace counts at once
   */
  async stop(grace: number): Promise<void> {
    const milliseconds = checkGrace(grace);
    const stopped = closing(this.#queue, (tag) => native.stopWorker(this.#handle, milliseconds, tag));
    if (this.#stopped === undefined) {
      this.#stopped = stopped.catch(ignoreClosed).then(() => this.#over);
    } else {
      stopped.catch(() => {});
    }
    return this.#stopped;
  }

  /** Stops at once: tasks that run are cancelled. Idempotent. */
  close(): Promise<void> {
    return this.stop(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Names and values in turn. @throws {WoolError} `INVALID_ARGUMENT` */
function pairs(name: string, value: Readonly<Record<string, string>> | undefined): string[] | undefined {
  if (value === undefined) {
    return undefined;
  }
  const all = typeof value === 'object' && value !== null ? Object.entries(value).flat() : [undefined];
  if (!all.every((item) => typeof item === 'string')) {
    throw invalid(`${name} is an object of strings, not ${String(value)}`);
  }
  return all as string[];
}

/** With its runtime, the worker has stopped too. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof WoolError && error.kind === 'CLOSED')) {
    throw error;
  }
}
