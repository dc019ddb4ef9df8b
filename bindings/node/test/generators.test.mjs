import assert from 'node:assert/strict';
import { test } from 'node:test';

import { currentTask, float, raw, TaskError, threaded } from 'libwool';

import { model } from './fixtures/threads/work.mjs';
import { aborted, gate, peers } from './support/peers.mjs';

class Reset extends Error {}

/** Routines that take what is sent and thrown, and note what happens to them. */
function generators(log) {
  return (runtime) => {
    runtime.registerError(Reset, 'test.Reset');
    runtime.register('accumulate', async function* (total) {
      log.push('begin');
      try {
        while (total >= 0) {
          try {
            total += (yield total) ?? 0;
          } catch (error) {
            if (!(error instanceof Reset)) {
              throw error;
            }
            total = 0;
          }
        }
      } finally {
        log.push('cleaned');
      }
    });
    runtime.register('caught', async function* () {
      try {
        yield 'ready';
      } catch (error) {
        yield [error instanceof TypeError, error instanceof TaskError, error.constructor.name, error.message];
      }
    });
    runtime.registerStream('list', () => ['a', 'b', 'c']);
  };
}

const DONE = { value: undefined, done: true };

function item(value) {
  return { value, done: false };
}

async function failureOf(promise) {
  return promise.then(
    ({ value }) => assert.fail(`it gave ${value}`),
    (error) => error,
  );
}

test('what is sent is the result of the yield', async (t) => {
  const log = [];
  const { pool } = await peers(t, generators(log));
  const stream = pool.stream('accumulate', [10]);
  assert.deepEqual(await stream.next(), item(10));
  assert.deepEqual(await stream.next(5), item(15));
  assert.deepEqual(await stream.next(), item(15));
  assert.deepEqual(await stream.next(undefined), item(15));
  assert.deepEqual(await stream.next(-15), item(0));
  assert.deepEqual(log, ['begin']);
  assert.deepEqual(await stream.next(-1), DONE);
  assert.deepEqual(log, ['begin', 'cleaned']);
  assert.deepEqual(await stream.next(3), DONE);
  assert.deepEqual(await stream.throw(new Error('late')), DONE);
});

test('null is sent, undefined is not', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('what', async function* () {
      let sent = 'first';
      for (;;) {
        sent = yield String(sent);
      }
    });
  });
  const stream = pool.stream('what');
  const values = [];
  for (const sent of [undefined, null, undefined, 0, '', false]) {
    values.push((await stream.next(sent)).value);
  }
  assert.deepEqual(values, ['first', 'null', 'undefined', '0', '', 'false']);
  await stream.return();
});

test('values of all sizes and kinds are sent', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('back', async function* () {
      for (let sent = null; ; ) {
        sent = yield sent;
      }
    });
  });
  const stream = pool.stream('back');
  await stream.next();
  for (const value of [{ a: [1, 2n ** 70n, null] }, Buffer.alloc(3_000_000, 7), new Set(['x']), 0.5]) {
    assert.deepEqual((await stream.next(value)).value, value);
  }
  await stream.return();
});

test('a value before the generator has begun is refused, and the stream stays usable', async (t) => {
  const log = [];
  const { pool } = await peers(t, generators(log));
  const stream = pool.stream('accumulate', [1]);
  await assert.rejects(stream.next(5), { kind: 'INVALID_ARGUMENT' });
  assert.deepEqual(log, []);
  assert.deepEqual(await stream.next(), item(1));
  await assert.rejects(
    stream.next(() => 1),
    { kind: 'CODEC' },
  );
  assert.deepEqual(await stream.next(5), item(6));
  await stream.return();
});

test('what is thrown before the generator has begun is the outcome, and nothing runs', async (t) => {
  const log = [];
  const { pool } = await peers(t, generators(log));
  const stream = pool.stream('accumulate', [1]);
  const error = new Reset('at once');
  assert.equal(await failureOf(stream.throw(error)), error);
  assert.deepEqual(await stream.next(), DONE);
  assert.deepEqual(log, []);
});

test('a registered error is caught by its class', async (t) => {
  const { pool } = await peers(t, generators([]));
  const stream = pool.stream('accumulate', [7]);
  await stream.next();
  assert.deepEqual(await stream.throw(new Reset('again')), item(0));
  assert.deepEqual(await stream.next(3), item(3));
  await stream.return();
});

test('an error that is not caught is the outcome, as it was', async (t) => {
  const log = [];
  const { pool } = await peers(t, generators(log));
  const stream = pool.stream('accumulate', [1]);
  await stream.next();
  const cause = Object.assign(new RangeError('deep'), { depth: 3 });
  const thrown = Object.assign(new Error('mine', { cause }), { code: 'E_MINE' });
  thrown.name = 'OwnError';
  const error = await failureOf(stream.throw(thrown));
  assert.ok(error instanceof TaskError);
  assert.deepEqual(
    [error.kind, error.remoteType, error.message, error.value],
    ['TASK_FAILED', 'OwnError', 'mine', { code: 'E_MINE' }],
  );
  // Its traceback is that of the caller who made it.
  assert.match(error.remoteTraceback.at(-1), /generators\.test\.mjs/);
  assert.ok(error.cause instanceof RangeError);
  assert.deepEqual(error.cause.value, { depth: 3 });
  assert.deepEqual(log, ['begin', 'cleaned']);
  assert.deepEqual(await stream.next(), DONE);
});

test("what is thrown is of JavaScript's own class, or a TaskError", async (t) => {
  const { pool } = await peers(t, generators([]));
  const cases = [
    [new TypeError('built in'), [true, true, 'TypeError', 'built in']],
    [new (class Unheard extends Error {})('unknown'), [false, true, 'TaskError', 'unknown']],
    ['a text', [false, true, 'TaskError', 'a text']],
  ];
  for (const [thrown, expected] of cases) {
    const stream = pool.stream('caught');
    await stream.next();
    assert.deepEqual((await stream.throw(thrown)).value, expected);
    assert.deepEqual(await stream.next(), DONE);
  }
  for (const thrown of [null, undefined, 5]) {
    const stream = pool.stream('caught');
    await stream.next();
    assert.equal((await stream.throw(thrown)).value[2], 'TaskError');
    await stream.return();
  }
});

test('an iterator that takes no errors is closed, and ends with what was thrown', async (t) => {
  const returned = [];
  const { pool } = await peers(t, (runtime) => {
    generators([])(runtime);
    runtime.registerStream('closable', () => ({
      [Symbol.iterator]: () => ({
        next: (sent) => ({ value: sent ?? 'plain', done: false }),
        return: () => {
          returned.push('returned');
          return { done: true };
        },
      }),
    }));
  });
  const list = pool.stream('list');
  await list.next();
  await assert.rejects(list.throw(new Reset('no')), (error) => error instanceof Reset && error.message === 'no');
  assert.deepEqual(await list.next(), DONE);

  const closable = pool.stream('closable');
  await closable.next();
  assert.deepEqual(await closable.next('sent'), item('sent'));
  await assert.rejects(closable.throw(new Error('thrown')), { message: 'thrown' });
  assert.deepEqual(returned, ['returned']);
});

test('calls before the earlier answer are served in order', async (t) => {
  const { pool } = await peers(t, generators([]));
  const stream = pool.stream('accumulate', [1]);
  const results = await Promise.all([
    stream.next(),
    stream.next(1),
    stream.next(),
    stream.throw(new Reset('back')),
    stream.next(5),
    stream.next(6),
    stream.return(),
    stream.next(7),
    stream.next(),
  ]);
  assert.deepEqual(results, [item(1), item(2), item(2), item(0), item(5), item(11), DONE, DONE, DONE]);
});

test('a failure answers the call it belongs to; those after it find the end', async (t) => {
  const { pool } = await peers(t, generators([]));
  const stream = pool.stream('accumulate', [1]);
  const outcomes = await Promise.allSettled([
    stream.next(),
    stream.throw(new Error('enough')),
    stream.next(1),
    stream.return(),
  ]);
  assert.deepEqual(
    outcomes.map(({ value, reason }) => reason?.message ?? value),
    [item(1), 'enough', DONE, DONE],
  );
});

test('return waits for the item that was asked for', async (t) => {
  const go = gate();
  const log = [];
  const { pool } = await peers(t, (runtime) => {
    runtime.register('slow', async function* () {
      try {
        yield 'first';
        await go.opened;
        yield 'second';
        log.push('never');
      } finally {
        log.push('cleaned');
      }
    });
  });
  const stream = pool.stream('slow');
  await stream.next();
  const pending = [stream.next(), stream.return()];
  go.open();
  assert.deepEqual(await Promise.all(pending), [item('second'), DONE]);
  assert.deepEqual(log, ['cleaned']);
});

test('a generator that yields when it is closed has failed', async (t) => {
  const { pool, worker } = await peers(t, (runtime) => {
    runtime.register('stubborn', async function* () {
      for (let i = 0; ; i++) {
        try {
          yield i;
        } finally {
          continue;
        }
      }
    });
  });
  const stream = pool.stream('stubborn');
  await stream.next();
  await assert.rejects(stream.return(), {
    kind: 'TASK_FAILED',
    remoteType: 'StreamClosed',
    message: /^stubborn yielded an item after its stream was closed/,
  });
  assert.deepEqual(await stream.next(), DONE);
  // Nothing of it is left on the worker, which would wait for its tasks.
  await worker.stop(Infinity);
});

test('the clean-up has run before the place is free', async (t) => {
  const log = [];
  const { pool } = await peers(
    t,
    (runtime) => {
      runtime.register('open', async function* () {
        try {
          for (;;) {
            yield log.push('item');
          }
        } finally {
          await new Promise(setImmediate);
          log.push('cleaned');
        }
      });
      runtime.register('look', () => log.push('looked'));
    },
    { concurrency: 1 },
  );
  const stream = pool.stream('open');
  await stream.next();
  const looked = pool.call('look');
  await stream.return();
  await looked;
  assert.deepEqual(log, ['item', 'cleaned', 'looked']);
});

test('what is sent and cannot be decoded closes the generator and is its outcome', async (t) => {
  const log = [];
  const { pool, worker } = await peers(t, (runtime) => {
    runtime.register('size', async function* () {
      try {
        for (let sent = raw(Buffer.alloc(0)); ; ) {
          sent = yield sent.length ?? 0;
        }
      } finally {
        log.push('cleaned');
      }
    });
  });
  const stream = pool.stream('size');
  await stream.next();
  assert.deepEqual(await stream.next(raw(Buffer.from([0xc1, 2]))), item(2));
  const inseparable = new Map([
    [1, 'int'],
    [float(1), 'float'],
  ]);
  await assert.rejects(stream.next(inseparable), { kind: 'CODEC' });
  assert.deepEqual(log, ['cleaned']);
  assert.deepEqual(await stream.next(), DONE);
  await worker.stop(Infinity);
});

test('a step that takes too long ends the stream', async (t) => {
  const cancelled = gate();
  const { pool } = await peers(t, (runtime) => {
    runtime.register('stalls', async function* (before) {
      for (let i = 0; i < before; i++) {
        yield i;
      }
      await aborted(currentTask().signal);
      cancelled.open();
      currentTask().signal.throwIfAborted();
    });
  });
  const stream = pool.stream('stalls', [2], { stepTimeout: 1000 });
  assert.deepEqual(await stream.next(), item(0));
  // The budget is one of steps: time between them does not count.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(await stream.next(), item(1));
  await assert.rejects(stream.next(), { kind: 'DEADLINE_EXCEEDED' });
  await cancelled.opened;
  assert.deepEqual(await stream.next(), DONE);
});

test('budgets of time', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('one', () => 1);
    runtime.register('ones', function* () {
      yield 1;
    });
  });
  for (const name of ['timeout', 'stepTimeout', 'dispatchTimeout']) {
    const next = (milliseconds) => pool.stream('ones', [], { [name]: milliseconds }).next();
    for (const wrong of [-1, -Infinity, NaN, '5']) {
      await assert.rejects(next(wrong), { kind: 'INVALID_ARGUMENT' }, `${name} ${wrong}`);
    }
    await assert.rejects(next(0), { kind: 'DEADLINE_EXCEEDED' });
    for (const none of [undefined, Infinity, 1e300, Number.MAX_SAFE_INTEGER, 2 ** 53]) {
      assert.deepEqual(await next(none), item(1), `${name} ${none}`);
    }
  }
  await assert.rejects(pool.call('one', [], { timeout: -1 }), { kind: 'INVALID_ARGUMENT' });
  assert.equal(await pool.call('one', [], { timeout: 1e300 }), 1);
});

test('a generator on a runtime that closes ends as closed', async (t) => {
  const { pool, runtime } = await peers(t, generators([]));
  const stream = pool.stream('accumulate', [1]);
  await stream.next();
  const pending = [stream.next(1), stream.next(2)];
  const settled = Promise.allSettled(pending);
  await runtime.close();
  for (const { status, reason } of await settled) {
    assert.ok(status === 'fulfilled' || reason.kind === 'CLOSED');
  }
});

/** Small numbers that are the same in every run. */
function* numbersFrom(seed) {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 16;
  }
}

/** Calls methods of a generator, some of them at once, and gives what comes of each. */
async function play(generator, seed) {
  const numbers = numbersFrom(seed);
  const pick = (most) => numbers.next().value % most;
  const calls = [
    () => generator.next(),
    () => generator.next('sent'),
    () => generator.next({ some: [pick(10)] }),
    () => generator.throw(new TypeError(`thrown ${pick(10)}`)),
    () => generator.next(),
    () => generator.next('sent'),
    () => generator.next('end'),
    () => generator.throw(new RangeError('not caught')),
    () => generator.return(),
  ];
  const outcomes = [await generator.next()];
  for (let round = 0; round < 6; round++) {
    const likely = pick(4) > 0 ? 6 : calls.length;
    const atOnce = Array.from({ length: 1 + pick(4) }, () => calls[pick(likely)]());
    for (const { value, reason } of await Promise.allSettled(atOnce)) {
      outcomes.push(reason === undefined ? value : `${reason.constructor.name}: ${reason.message}`);
    }
  }
  // JavaScript's generators throw what they are given after their end.
  const end = outcomes.findIndex((outcome) => outcome.done || /^RangeError/.test(outcome));
  return end < 0 ? outcomes : outcomes.slice(0, end + 1);
}

test('a remote generator behaves as a local one, in a thread, too', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('model', model);
    const work = new URL('./fixtures/threads/work.mjs', import.meta.url);
    runtime.registerStream('threaded', threaded(work, { export: 'model', threads: 1 }));
  });
  for (let seed = 1; seed <= 100; seed++) {
    const most = 3 + (seed % 9);
    const expected = await play(model(most), seed);
    for (const routine of ['model', 'threaded']) {
      const stream = pool.stream(routine, [most]);
      assert.deepEqual(await play(stream, seed), expected, `${routine}, seed ${seed}`);
      await stream.return();
    }
  }
});
