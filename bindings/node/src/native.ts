// The addon, as native/ defines it. Nothing here is public.

declare const handle: unique symbol;

/** Opaque pointers: memory of the addon, freed when collected. */
export interface RuntimeHandle {
  readonly [handle]: 'runtime';
}
export interface PoolHandle {
  readonly [handle]: 'pool';
}
export interface WorkerHandle {
  readonly [handle]: 'worker';
}
/** A context of libwool's. */
export interface ContextHandle {
  readonly [handle]: 'context';
}
export interface TaskEventsHandle {
  readonly [handle]: 'task events';
}
export interface DiscoveryHandle {
  readonly [handle]: 'discovery';
}
export interface CredentialsHandle {
  readonly [handle]: 'credentials';
}
/** An error as it came from another process. */
export interface ErrorHandle {
  readonly [handle]: 'error';
}

/** Events that one `drain` gives at most. */
export const BATCH = 64;

/** What `drain` says of each event, as int32 at `index * EventField.COUNT + field`. */
export const EventField = {
  /** One of {@link EventKind}. */
  KIND: 0,
  STATUS: 1,
  /** The call's, or the routine's. */
  TAG: 2,
  /** The number of the task, -1 if it has been answered. Numbers are used again. */
  TASK: 3,
  /** Of the payload in the slab; -1: it is too large, see `takePayload`. */
  OFFSET: 4,
  LENGTH: 5,
  CODEC: 6,
  /** One of {@link Step}. */
  STEP: 7,
  COUNT: 8,
} as const;

export const EventKind = {
  RESULT: 1,
  ITEM: 2,
  END: 3,
  ERROR: 4,
  TASK: 5,
  STEP: 6,
  CANCEL: 7,
  CLOSED: 8,
  ADMISSION: 9,
  TASK_EVENT: 10,
  SUBSCRIBE: 11,
  UNSUBSCRIBE: 12,
  PUBLISH: 13,
  WITHDRAW: 14,
  CHOICE: 15,
  PEER_CHECK: 16,
} as const;
export const Step = { NEXT: 1, SEND: 2, THROW: 3, CLOSE: 4 } as const;
export const Verdict = { ACCEPT: 1, BUSY: 2, REFUSE: 3, FAIL: 4 } as const;
export const Balancing = { ROUND_ROBIN: 0, LEAST_LOADED: 1, CUSTOM: 2 } as const;
export const RoutineKind = { UNARY: 1, STREAM: 2 } as const;
export const Codec = { MSGPACK: 1, RAW: 2 } as const;

/** An error on its way to JavaScript. Only `status` and `message` are always there. */
export interface ErrorDescription {
  status: number;
  message: string;
  /** Remote type name; empty if the error is local. */
  type?: string;
  language?: string;
  retryable?: boolean;
  traceback?: string[];
  value?: Buffer;
  codec?: number;
  cause?: ErrorDescription;
}

/** An error on its way from JavaScript to another process. */
export interface FaultDescription {
  status: number;
  type: string;
  message: string;
  traceback: string[];
  /** MessagePack. */
  value?: Buffer;
  cause?: FaultDescription;
}

export interface NativeWorkerOptions {
  bind?: string | undefined;
  socketPath?: string | undefined;
  concurrency?: number | undefined;
  allowPlaintext?: boolean | undefined;
  secret?: string | undefined;
  maxPayload?: number | undefined;
  tags?: readonly string[] | undefined;
  publish?: DiscoveryHandle | undefined;
  pool?: PoolHandle | undefined;
  /** By this tag the admissions of the worker come as events; 0: there is no hook. */
  admitTag: number;
  advertise?: readonly string[] | undefined;
  /** Names and values in turn. */
  extra?: readonly string[] | undefined;
  credentials?: CredentialsHandle | undefined;
  identity?: string | undefined;
  callers?: readonly string[] | undefined;
  /** Routines and patterns in turn. */
  routineCallers?: readonly string[] | undefined;
  peers?: readonly string[] | undefined;
  stoppers?: readonly string[] | undefined;
  /** What is undefined is the default. */
  peerLimits: {
    connections?: number | undefined;
    sessions?: number | undefined;
    calls?: number | undefined;
    bytes?: number | undefined;
  };
}

/** As in wool.h: what is undefined is left out. */
export interface NativeCredentialsOptions {
  ca?: Uint8Array | undefined;
  certificate?: Uint8Array | undefined;
  key?: Uint8Array | undefined;
  crl?: Uint8Array | undefined;
  caFile?: string | undefined;
  certificateFile?: string | undefined;
  keyFile?: string | undefined;
  crlFile?: string | undefined;
  oneWay?: boolean | undefined;
  poll?: number | undefined;
}

/** As in wool.h: what is undefined, zero or empty is the default. */
export interface NativePoolOptions {
  spawn?: number | undefined;
  command?: readonly string[] | undefined;
  commandIsOwn?: boolean | undefined;
  concurrency?: number | undefined;
  grace?: number | undefined;
  discovery?: DiscoveryHandle | undefined;
  addresses?: readonly string[] | undefined;
  tags?: readonly string[] | undefined;
  lease?: number | undefined;
  quorum?: number | undefined;
  quorumTimeout?: number | undefined;
  dispatchTimeout?: number | undefined;
  secret?: string | undefined;
  allowPlaintext?: boolean | undefined;
  maxPayload?: number | undefined;
  bind?: string | undefined;
  advertise?: readonly string[] | undefined;
  /** One of {@link Balancing}. */
  balancer?: number | undefined;
  /** By this tag the choices of a CUSTOM one come as events. */
  balanceTag?: number | undefined;
  /** By this tag the checks of identities come as events; 0: there is none of the program's own. */
  peerCheckTag: number;
  credentials?: CredentialsHandle | undefined;
  identity?: string | undefined;
  peers?: readonly string[] | undefined;
}

/** One of the values that ride along with a call. */
export interface ContextValue {
  namespace: string;
  name: string;
  /** MessagePack. */
  value: Uint8Array;
}

/** What only some calls have. */
export interface CallExtras {
  context: readonly ContextValue[] | undefined;
  /** The task that makes the call. */
  parent: bigint | undefined;
  /** The context of the call, instead of the parent's. */
  bag: ContextHandle | undefined;
  /** UUID of the only worker that may have it. */
  worker: string | undefined;
}

type Submit = (
  pool: PoolHandle,
  tag: number,
  routine: string,
  bytes: Uint8Array,
  length: number,
  codec: number,
  timeout: number,
  dispatchTimeout: number,
  label: string,
  stepTimeout: number,
  prefetch: number,
  extras: CallExtras | undefined,
) => void;

/**
 * Every function throws what `makeError` makes. Bytes are copied during the call. Tags and task numbers are below 2^31.
 */
export interface Native {
  readonly version: string;
  initialise(makeError: (description: ErrorDescription) => Error): void;

  /**
   * @param slab where the payloads of a batch go, while they fit
   * @param fields `BATCH * EventField.COUNT` numbers
   * @param onDoorbell called when the queue is no longer empty; by then it may be
   */
  createRuntime(
    logLevel: number,
    slab: Buffer,
    fields: Int32Array,
    onDoorbell: () => void,
    onLog: ((level: number, target: string, message: string) => void) | undefined,
  ): RuntimeHandle;
  /** Rejects with an ErrorDescription. */
  closeRuntime(runtime: RuntimeHandle, timeout: number): Promise<void>;
  /** After it nothing happens any more: no doorbell, no event. */
  disposeRuntime(runtime: RuntimeHandle): void;
  keepAlive(runtime: RuntimeHandle, alive: boolean): void;

  /** Takes up to BATCH events; forgets the last batch. 0: none are left. -1: none will come. */
  drain(runtime: RuntimeHandle): number;
  takePayload(runtime: RuntimeHandle, index: number): Buffer;
  takeError(runtime: RuntimeHandle, index: number): ErrorDescription;
  /** Of a subscription, a publication. */
  eventHandle(runtime: RuntimeHandle, index: number): bigint;
  /** Of a STEP: what was thrown, and the same for `failTaskWith`. */
  takeThrown(runtime: RuntimeHandle, index: number): { description: ErrorDescription; handle: ErrorHandle };

  registerRoutine(
    runtime: RuntimeHandle,
    name: string,
    kind: number,
    tag: number,
    doc: string,
    parameters: readonly string[],
  ): void;
  /** These four free the task's number, unless they throw. */
  returnTask(runtime: RuntimeHandle, task: number, bytes: Uint8Array, length: number, codec: number): void;
  endTask(runtime: RuntimeHandle, task: number): void;
  failTask(runtime: RuntimeHandle, task: number, fault: FaultDescription): void;
  failTaskWith(runtime: RuntimeHandle, task: number, failure: ErrorHandle): void;
  yieldTask(runtime: RuntimeHandle, task: number, bytes: Uint8Array, length: number, codec: number): void;
  /** Frees the number of a task that cannot be answered any more. */
  dropTask(runtime: RuntimeHandle, task: number): void;
  /** For the functions below, in any thread. 0 if there is no such task. */
  taskHandle(runtime: RuntimeHandle, task: number): bigint;
  /** `caller` is zeros for none, `remaining` is -1 for no deadline, else milliseconds. */
  taskInfo(task: bigint): {
    id: Buffer;
    caller: Buffer;
    workerUid: Buffer;
    tag: string;
    remaining: number;
    peer: string[];
  };
  /** The one that the task has, not a copy. */
  taskContext(task: bigint): ContextHandle;
  /** The pool of the task's caller, for calls that `runtime` is told the answers of. */
  taskPool(runtime: RuntimeHandle, task: bigint): PoolHandle;

  createContext(): ContextHandle;
  /** MessagePack. */
  contextGet(context: ContextHandle, namespace: string, name: string): Buffer | undefined;
  contextSet(context: ContextHandle, namespace: string, name: string, bytes: Uint8Array, length: number): void;
  contextUnset(context: ContextHandle, namespace: string, name: string): void;

  /** Each comes as a TASK_EVENT of that tag. At most `capacity` are undrained, 0 is 4,096; further ones are missed. */
  listenToTasks(runtime: RuntimeHandle, tag: number, capacity: number): TaskEventsHandle;
  /** 0 once they are not listened to any more. */
  missedTaskEvents(events: TaskEventsHandle): number;
  /** Some may still be in the queue. */
  stopListening(events: TaskEventsHandle): void;

  /** Rejects with an ErrorDescription. */
  startWorker(
    runtime: RuntimeHandle,
    options: NativeWorkerOptions,
  ): Promise<{ handle: WorkerHandle; address: string; uid: string }>;
  stopWorker(worker: WorkerHandle, grace: number, tag: number): void;
  /** An event tells when it has stopped, whoever stops it. */
  workerStopped(worker: WorkerHandle, tag: number): void;

  /** Of an ADMISSION. Its handle goes to `answerAdmission`, once. */
  takeAdmission(
    runtime: RuntimeHandle,
    index: number,
  ): { handle: bigint; routine: string; tag: string; inFlight: number; peer: string[]; context?: ContextValue[] };
  /** @param verdict one of {@link Verdict} */
  answerAdmission(handle: bigint, verdict: number, message: string): void;

  createPool(runtime: RuntimeHandle, options: NativePoolOptions): PoolHandle;
  /** MessagePack. */
  poolStatus(pool: PoolHandle): Buffer;
  closePool(pool: PoolHandle, tag: number): void;

  /** Of a CHOICE. Its handle goes to `answerChoice`, once. */
  takeChoice(
    runtime: RuntimeHandle,
    index: number,
  ): {
    handle: bigint;
    routine: string;
    tag: string;
    workers: { uid: string; address: string; tags: string[]; inFlight: number; capacity: number }[];
  };
  /** @param index negative: none. One that is too large throws, and the next worker in turn is taken */
  answerChoice(handle: bigint, index: number): void;

  /** Of a PEER_CHECK. Its handle goes to `answerPeerCheck`, once. */
  takePeerCheck(runtime: RuntimeHandle, index: number): { handle: bigint; identity: string; uid: string };
  answerPeerCheck(handle: bigint, believe: boolean): void;
  /** Instead of an answer. */
  failPeerCheck(handle: bigint, message: string): void;

  createCredentials(options: NativeCredentialsOptions): CredentialsHandle;
  updateCredentials(credentials: CredentialsHandle, options: NativeCredentialsOptions): boolean;
  /** Whether they have changed. */
  reloadCredentials(credentials: CredentialsHandle): boolean;
  /** Throws their problem. */
  checkCredentials(credentials: CredentialsHandle): void;

  createLocalDiscovery(namespace: string, directory: string): DiscoveryHandle;
  createLanDiscovery(namespace: string, interfaces: readonly string[]): DiscoveryHandle;
  createStaticDiscovery(addresses: readonly string[]): DiscoveryHandle;
  createDnsDiscovery(name: string, servers: readonly string[]): DiscoveryHandle;
  createStackedDiscovery(discoveries: readonly DiscoveryHandle[]): DiscoveryHandle;
  /** What it is asked comes as events of that tag: SUBSCRIBE and so on. */
  createCustomDiscovery(runtime: RuntimeHandle, tag: number, publishes: boolean): DiscoveryHandle;
  /** The listing, as MessagePack. 0 is the default time. Rejects with an ErrorDescription. */
  listWorkers(runtime: RuntimeHandle, discovery: DiscoveryHandle, timeout: number): Promise<Buffer>;

  /** These four do nothing for a subscription that has ended. `record` is MessagePack. */
  subscriptionFound(subscription: bigint, record: Uint8Array): void;
  subscriptionGone(subscription: bigint, key: string): void;
  subscriptionScanned(subscription: bigint): void;
  subscriptionFailed(subscription: bigint, message: string): void;
  /** @param status 0, or that of an error with this message */
  answerPublication(publication: bigint, status: number, message: string): void;

  /** Whether this process is a worker now; if so, an event tells its end. */
  serveIfSpawned(runtime: RuntimeHandle, tag: number): boolean;

  submitCall: Submit;
  openStream: Submit;
  /** Of a call or a stream. Harmless when it has ended. */
  cancelCall(runtime: RuntimeHandle, tag: number): void;
  /** These four do nothing to a stream that has ended: its last event is on its way. */
  nextItem(runtime: RuntimeHandle, tag: number, count: number): void;
  sendItem(runtime: RuntimeHandle, tag: number, bytes: Uint8Array, length: number, codec: number): void;
  throwItem(runtime: RuntimeHandle, tag: number, fault: FaultDescription): void;
  closeStream(runtime: RuntimeHandle, tag: number): void;
}

export const native: Native = require('../build/Release/wool.node');
