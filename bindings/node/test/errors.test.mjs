import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { TaskError, WoolError } from 'libwool';

import { peers } from './support/peers.mjs';

class ShearingError extends Error {}

function shear() {
  throw new ShearingError('the sheep ran away');
}

/** The error with which calling a routine that throws `thrown` fails. */
async function failure(t, run) {
  const { pool } = await peers(t, (runtime) => runtime.register('fails', run));
  const error = await pool.call('fails').then(
    () => assert.fail('the call succeeded'),
    (reason) => reason,
  );
  // The worker is none the worse for it.
  await assert.rejects(pool.call('fails'), (again) => again.message === error.message);
  return error;
}

test('an error keeps type, message, traceback and language', async (t) => {
  const error = await failure(t, async () => shear());
  assert.ok(error instanceof TaskError && error instanceof WoolError);
  assert.deepEqual(
    [error.name, error.kind, error.remoteType, error.message, error.language],
    ['TaskError', 'TASK_FAILED', 'ShearingError', 'the sheep ran away', 'node'],
  );
  assert.match(error.remoteTraceback.at(-1), /^at shear \(.*errors\.test\.mjs/);
  assert.equal(error.cause, undefined);
  assert.equal(error.retryable, false);
});

test('built-in errors come back as what they were', async (t) => {
  const error = await failure(t, () => null.wool);
  assert.ok(error instanceof TypeError);
  assert.ok(error instanceof TaskError);
  assert.ok(error instanceof WoolError);
  assert.deepEqual([error.kind, error.remoteType, error.language], ['TASK_FAILED', 'TypeError', 'node']);
  assert.ok(error.remoteTraceback.length > 0);
  assert.ok(!(new TypeError('local') instanceof TaskError));
});

test('causes and data travel', async (t) => {
  const error = await failure(t, () => {
    const inner = Object.assign(new RangeError('too far'), { code: 'E_FAR', distance: 12 });
    throw new Error('could not walk', { cause: inner });
  });
  assert.ok(error.cause instanceof RangeError && error.cause instanceof TaskError);
  assert.equal(error.cause.message, 'too far');
  assert.deepEqual(error.cause.value, { code: 'E_FAR', distance: 12 });
});

test('a cause that leads back to itself ends somewhere', async (t) => {
  const error = await failure(t, () => {
    const round = new Error('round');
    round.cause = round;
    throw round;
  });
  assert.equal(error.cause.cause.message, 'round');
});

test('what is thrown need not be an Error', async (t) => {
  const cases = [
    [null, 'null'],
    [undefined, 'undefined'],
    ['a text', 'string'],
    [42, 'number'],
    [{ some: 'object' }, 'object'],
    [Object.create(null), 'object'],
  ];
  for (const [thrown, type] of cases) {
    const error = await failure(t, () => Promise.reject(thrown));
    assert.deepEqual([error.kind, error.remoteType], ['TASK_FAILED', type]);
    assert.notEqual(error.message, '');
  }
});

test('errors that cannot be looked at harm one task only', async (t) => {
  const trap = () => {
    throw new Error('from the trap');
  };
  const hostile = new Proxy(new Error('hidden'), { get: trap, getPrototypeOf: trap });
  assert.equal((await failure(t, () => Promise.reject(hostile))).kind, 'TASK_FAILED');
  const getter = Object.defineProperty(new Error('shown'), 'stack', { get: trap });
  assert.equal((await failure(t, () => Promise.reject(getter))).kind, 'TASK_FAILED');
});

test("an error of the library thrown by a routine is the routine's failure", async (t) => {
  const error = await failure(t, () => {
    throw new WoolError('BUSY', 'no room');
  });
  assert.deepEqual([error.kind, error.remoteType, error.message], ['TASK_FAILED', 'WoolError', 'no room']);
});

test('what cannot be read of an error is left out', async (t) => {
  const trap = () => {
    throw new Error('from the trap');
  };
  for (const name of ['stack', 'name', 'message', 'cause']) {
    const thrown = Object.defineProperty(new RangeError('shown'), name, { get: trap });
    const error = await failure(t, () => Promise.reject(thrown));
    assert.equal(error.kind, 'TASK_FAILED');
    assert.equal(error.remoteType, name === 'name' ? 'Error' : 'RangeError');
    assert.match(error.message, name === 'message' ? /cannot be read/ : /^shown$/);
  }
  const data = Object.defineProperty(new Error('shown'), 'data', { get: trap, enumerable: true });
  assert.equal((await failure(t, () => Promise.reject(data))).message, 'shown');
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {});
  revoke();
  assert.equal((await failure(t, () => Promise.reject(proxy))).kind, 'TASK_FAILED');
});

test('a message of 10 MiB arrives, cut', async (t) => {
  const error = await failure(t, () => {
    throw new RangeError('x'.repeat(10 * 1024 * 1024));
  });
  assert.ok(error instanceof RangeError);
  assert.match(error.message.slice(0, 1000), /^x{1000}$/);
  assert.ok(error.message.length < 70_000, `${error.message.length} characters`);
  assert.match(error.remoteTraceback.at(-1), /errors\.test\.mjs/);
});

test('printed, an error of a worker tells what happened there', async (t) => {
  const error = await failure(t, () => {
    const cause = Object.assign(new RangeError('too far'), { distance: 12 });
    throw Object.assign(new ShearingError('the sheep ran away', { cause }), { sheep: 'dolly' });
  });
  const printed = inspect(error);
  const lines = printed.split('\n');
  assert.equal(lines[0], 'TaskError [ShearingError]: the sheep ran away');
  assert.equal(lines[1], '    in a worker (node):');
  assert.match(lines[2], /^ {4}at .*errors\.test\.mjs/);
  assert.match(printed, /\n {2}value: \{ sheep: 'dolly' \},\n {2}\[cause\]: RangeError: too far\n/);
  assert.match(printed, /distance: 12/);
  assert.match(printed, /\n\}$/);
  assert.doesNotMatch(printed, /retryable|remoteType|libwool|queue\.js/);
  assert.match(error.stack, /^TaskError \[ShearingError\]: the sheep ran away\n {4}in a worker \(node\):\n {4}at /);
  assert.equal(inspect({ deep: { deeper: { deepest: error } } }, { depth: 1 }).includes('the sheep'), false);

  const builtIn = await failure(t, () => null.wool);
  assert.match(inspect(builtIn), /^TypeError: Cannot read properties of null \(reading 'wool'\)\n {4}in a worker/);
});
