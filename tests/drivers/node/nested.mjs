// The standard routines that call others, and those about the task and its context.
import { call, context, currentTask, stream } from '../../../bindings/node/dist/index.mjs';
import { errorOfType } from './errors.mjs';

/** What the current task is. */
function told() {
  const { id, caller, routine, tag, remaining, workerUid, peer } = currentTask();
  const left = remaining === undefined ? null : Math.floor(remaining);
  return { id, caller: caller ?? null, routine, tag, remaining: left, worker: workerUid, peer };
}

async function chain(depth) {
  return [told(), ...(depth > 0 ? await call('conf.chain', [depth - 1]) : [])];
}

export async function fib(n) {
  return n < 2 ? n : BigInt(await call('conf.fib', [n - 1])) + BigInt(await call('conf.fib', [n - 2]));
}

async function* fibs(n) {
  if (n < 2) {
    yield n;
    return;
  }
  yield* stream('conf.fibs', [n - 1]);
  yield* stream('conf.fibs', [n - 2]);
}

/** What a routine of this name calls. */
function below(name, depth, routine, args) {
  return depth > 0 ? [name, [depth - 1, routine, args]] : [routine, args];
}

function nest(depth, routine, args) {
  return call(...below('conf.nest', depth, routine, args));
}

async function* nestStream(depth, routine, args) {
  yield* stream(...below('conf.neststream', depth, routine, args));
}

function found(namespace, name) {
  return context.get(namespace, name) ?? null;
}

function set(namespace, name, value) {
  if (value === null) {
    context.unset(namespace, name);
  } else {
    context.set(namespace, name, value);
  }
}

async function setContext(namespace, name, value, depth) {
  if (depth > 0) {
    await call('conf.setcontext', [namespace, name, value, depth - 1]);
  } else {
    set(namespace, name, value);
  }
  return found(namespace, name);
}

function failContext(namespace, name, value) {
  set(namespace, name, value);
  throw errorOfType('conf.Failed', 'as asked');
}

async function* countContext(namespace, name) {
  for (;;) {
    const count = found(namespace, name) ?? 0;
    set(namespace, name, count + 1);
    yield count;
  }
}

async function ownContext(n) {
  set('conf', 'own', n);
  return [await call('conf.context', ['conf', 'own']), found('conf', 'own')];
}

/** Lets go whom `conf.hold` holds. */
const held = new Set();

function hold(x) {
  const { signal } = currentTask();
  return new Promise((resolve, reject) => {
    const letGo = () => resolve(x);
    held.add(letGo);
    signal.addEventListener('abort', () => {
      held.delete(letGo);
      reject(signal.reason);
    });
  });
}

function letGo() {
  const count = held.size;
  held.forEach((resolve) => resolve());
  held.clear();
  return count;
}

/** By the names that follow `conf.`. */
export const UNARY = {
  ...{ task: told, chain, nest, hold, letgo: letGo },
  ...{ context: found, setcontext: setContext, failcontext: failContext, owncontext: ownContext },
};
export const STREAMS = { fibs, neststream: nestStream, countcontext: countContext };
