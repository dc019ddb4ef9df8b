// The standard routines of tests/drivers/PROTOCOL.md.
import { currentTask, threaded, WorkerPool } from '../../../bindings/node/dist/index.mjs';
import { releaseHeld } from './admission.mjs';
import { counted as countedInThreads, newShared, unblock } from './blocked.mjs';
import { credentials } from './credentials.mjs';
import { localDiscovery } from './discoveries.mjs';
import { errorOfType, OutOfStock } from './errors.mjs';
import { fib, STREAMS, UNARY } from './nested.mjs';
import { fill } from './tokens.mjs';

/** Kept by the routines over the life of the process. */
const counters = { started: 0, finished: 0, cancelled: 0, cleaned: 0, yielded: 0 };

/** Of `conf.block`. */
const shared = newShared();

/** The counters in the order in which they are told. */
export function counted() {
  const threads = countedInThreads(shared);
  const started = counters.started + threads.started;
  const finished = counters.finished + threads.finished;
  const { cancelled, cleaned, yielded } = counters;
  return { running: started - finished, started, finished, cancelled, cleaned, yielded };
}

function unary(body) {
  return async (...args) => {
    counters.started++;
    try {
      return await body(...args);
    } finally {
      counters.finished++;
    }
  };
}

function stream(body) {
  return async function* (...args) {
    counters.started++;
    try {
      yield* body(...args);
    } finally {
      counters.cleaned++;
      counters.finished++;
    }
  };
}

function add(a, b) {
  return BigInt(a) + BigInt(b);
}

function named(a, b, scale = 1) {
  return (BigInt(a) + BigInt(b)) * BigInt(scale);
}

function confInner(type, message) {
  throw errorOfType(type, message);
}

function failCause(n, message) {
  let cause;
  for (let i = n; i > 0; i--) {
    cause = new Error(`cause ${i}`, { cause });
  }
  throw new Error(message, { cause });
}

function failOdd(what) {
  switch (what) {
    case 'nothing':
      throw null;
    case 'data':
      throw Object.assign(errorOfType('conf.Odd', 'odd'), { data: () => {} });
    default:
      return Symbol('no value');
  }
}

/** Waits until the current task is cancelled, and ends as such a task does: with the signal's reason. */
function wait() {
  const { signal } = currentTask();
  return new Promise((_resolve, reject) => {
    const cancelled = () => {
      counters.cancelled++;
      reject(signal.reason);
    };
    if (signal.aborted) {
      cancelled();
    } else {
      signal.addEventListener('abort', cancelled, { once: true });
    }
  });
}

function* numbers(n) {
  for (let i = 0; i < n; i++) {
    yield i;
  }
}

async function* count(n) {
  for (const i of numbers(n)) {
    counters.yielded++;
    yield i;
  }
}

async function* failAfter(n, message) {
  yield* numbers(n);
  throw new Error(message);
}

async function* panicAfter(n, message) {
  yield* numbers(n);
  throw message;
}

async function* mirror() {
  for (let sent = null; ; ) {
    sent = yield sent;
  }
}

async function* accumulate(total) {
  for (let sum = BigInt(total); sum >= 0n; ) {
    try {
      sum += BigInt((yield sum) ?? 0);
    } catch (error) {
      if (error.remoteType !== 'conf.Reset') {
        throw error;
      }
      sum = 0n;
    }
  }
}

async function* stubborn() {
  let i = 0;
  try {
    for (; ; i++) {
      yield i;
    }
  } finally {
    yield i + 1;
  }
}

async function* failClean(message) {
  try {
    yield* numbers(Infinity);
  } finally {
    throw new Error(message);
  }
}

async function* stall() {
  yield 0;
  await wait();
}

function relay(runtime) {
  return async (namespace, directory, routine, args) => {
    const discovery = localDiscovery(namespace, directory);
    const pool = new WorkerPool({ runtime, discovery, credentials: credentials() });
    try {
      return await pool.call(routine, args);
    } finally {
      await pool.close();
    }
  };
}

export function registerRoutines(runtime, { threads = 2 } = {}) {
  runtime.registerError(OutOfStock, OutOfStock.wireName);
  for (const name of ['conf.echo', 'conf.direct']) runtime.register(name, unary((x) => x));
  const ints = (...names) => names.map((name) => ({ name, kind: 'int', optional: name === 'scale' }));
  runtime.register('conf.add', unary(add), { parameters: ints('a', 'b') });
  runtime.register('conf.named', unary(named), { parameters: ints('a', 'b', 'scale') });
  runtime.register(
    'conf.concat',
    unary((parts) => parts.join('')),
  );
  runtime.register(
    'conf.size',
    unary((bytes) => bytes.length),
  );
  runtime.register('conf.fill', unary(fill));
  runtime.register('conf.fail', unary(confInner));
  runtime.register(
    'conf.panic',
    unary((message) => Promise.reject(message)),
  );
  runtime.register('conf.wait', unary(wait));
  runtime.register('conf.gate', unary(wait));
  runtime.register(
    'conf.pid',
    unary(() => process.pid),
  );
  runtime.register(
    'conf.exit',
    unary((status) => process.exit(status)),
  );
  runtime.register('conf.counters', counted);
  runtime.register(
    'conf.peer',
    unary(() => currentTask().peer),
  );
  runtime.register('conf.relay', unary(relay(runtime)));
  runtime.register(
    'conf.outofstock',
    unary((item, left) => {
      throw new OutOfStock(item, left);
    }),
  );
  runtime.register('conf.failcause', unary(failCause));
  runtime.register(
    'conf.failbig',
    unary((n) => {
      throw new Error('x'.repeat(n));
    }),
  );
  runtime.register('conf.failodd', unary(failOdd));
  runtime.register('conf.fib', unary(fib), { parameters: ints('n') });
  for (const [name, body] of Object.entries(UNARY)) {
    runtime.register(`conf.${name}`, unary(body));
  }
  runtime.register(
    'conf.block',
    threaded(new URL('./block.mjs', import.meta.url), { threads, workerData: shared }),
  );
  runtime.register(
    'conf.unblock',
    unary(() => {
      releaseHeld();
      return unblock(shared);
    }),
  );
  registerStreams(runtime);
}

function registerStreams(runtime) {
  const streams = { count, directcount: count, failafter: failAfter, endless: () => count(Infinity), panicafter: panicAfter, mirror };
  const generators = { accumulate, stubborn, failclean: failClean, stall };
  for (const [name, body] of Object.entries({ ...streams, ...generators, ...STREAMS })) {
    runtime.register(`conf.${name}`, stream(body));
  }
}
