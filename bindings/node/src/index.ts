export type { AdmissionHook, AdmissionRequest } from './admission.js';
export type { Balancer, BalancerOption, Choice, ChoiceWorker } from './balancer.js';
export type { CallOptions, StreamOptions } from './call.js';
export type { Context } from './context.js';
export { context, type CurrentContext } from './current-context.js';
export { Credentials, type ProvidedOptions } from './credentials.js';
export type { CredentialsOptions } from './credentials-options.js';
export { CustomDiscovery, type Discoverer, type Subscriber } from './custom-discovery.js';
export {
  type Discovery,
  DnsDiscovery,
  type DnsDiscoveryOptions,
  LanDiscovery,
  type LanDiscoveryOptions,
  LocalDiscovery,
  type LocalDiscoveryOptions,
  StackedDiscovery,
  StaticDiscovery,
} from './discovery.js';
export type { ErrorClass, RegisteredErrorOptions } from './error-registry.js';
export {
  ERROR_KINDS,
  type ErrorKind,
  type Fault,
  type RemoteFault,
  retryable,
  TaskError,
  WoolError,
} from './errors.js';
export { FanOut, type Outcome, type Progress } from './fan-out.js';
export { type Listing, listWorkers, type ListWorkersOptions } from './listing.js';
export { main, serveIfSpawned } from './main.js';
export { Args, args, type BroadcastOutcome, type MapOptions, type MapOutcome } from './map.js';
export { call, currentPool, stream } from './nested.js';
export { ArgumentError, type Parameter } from './parameters.js';
export type { PeerCheck, PeerInfo } from './peer-check.js';
export type { PeerLimits } from './peer-limits.js';
export { type RemoteFunction, type RemoteGenerator, WorkerPool } from './pool.js';
export type { WorkerPoolOptions } from './pool-options.js';
export type { PoolStatus, ProcessStatus, TurnedAway, TurnedAwayReason, WorkerStatus } from './pool-status.js';
export type { RoutineOptions } from './routines.js';
export type { Routine, StreamRoutine } from './running.js';
export { runWorker, type RunWorkerOptions } from './run-worker.js';
export { type LogLevel, type LogRecord, Runtime, type RuntimeOptions } from './runtime.js';
export { RemoteStream } from './stream.js';
export { currentTask, Task } from './task.js';
export {
  type TaskCompletedEvent,
  type TaskEvent,
  type TaskEventOptions,
  TaskEvents,
  type TaskIterationEvent,
  type TaskLifeEvent,
} from './task-events.js';
export { threaded, type ThreadedOptions, type ThreadedRoutine } from './threads/threaded.js';
export { type DecodeOptions, decode, decodeArguments, encode, encodeArguments } from './values/codec.js';
export { Decimal } from './values/decimal.js';
export type { Arguments } from './values/decoder.js';
export { ValueError, type ValueErrorReason } from './values/error.js';
export { kindOf, type ValueKind } from './values/kind.js';
export { Duration, PlainDate, PlainTime, Timestamp } from './values/time.js';
export { Float, float, Named, Raw, raw, Tuple, tuple } from './values/types.js';
export { Uuid } from './values/uuid.js';
export { Worker, type WorkerOptions } from './worker.js';
export type { WorkerRecord, WorkerRecordInit } from './worker-record.js';
