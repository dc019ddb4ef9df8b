// The standard routines of tests/drivers/PROTOCOL.md.
import { currentTask, WorkerPool } from '../../../bindings/node/dist/index.mjs';
import { discovery } from './options.mjs';
import { fill } from './tokens.mjs';

/** Kept by the routines over the life of the process. */
const counters = { started: 0, finished: 0, cancelled: 0, cleaned: 0 };

/** The counters in the order in which they are told. */
export function counted() {
  const { started, finished, cancelled, cleaned } = counters;
  return { running: started - finished, started, finished, cancelled, cleaned };
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

function fail(type, message) {
  const error = new (class extends Error {})(message);
  error.name = type;
  throw error;
}

function confInner(type, message) {
  fail(type, message);
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

async function* count(n) {
  for (let i = 0; i < n; i++) {
    yield i;
  }
}

async function* failAfter(n, message) {
  yield* count(n);
  throw new Error(message);
}

function relay(runtime) {
  return async (namespace, directory, routine, args) => {
    const pool = new WorkerPool({ runtime, discovery: discovery(namespace, directory) });
    try {
      return await pool.call(routine, args);
    } finally {
      await pool.close();
    }
  };
}

export function registerRoutines(runtime) {
  runtime.register(
    'conf.echo',
    unary((x) => x),
  );
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
  runtime.register('conf.relay', unary(relay(runtime)));
  runtime.register('conf.count', stream(count));
  runtime.register('conf.failafter', stream(failAfter));
  runtime.register(
    'conf.endless',
    stream(() => count(Infinity)),
  );
}
