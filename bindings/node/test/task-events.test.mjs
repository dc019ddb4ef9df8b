// What is told of tasks.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { call, currentTask, Runtime, TaskEvents } from 'libwool';

import { collect, peers } from './support/peers.mjs';
import { until } from './support/processes.mjs';
import { run } from './support/program.mjs';

/** A worker, a pool, and what is told of both. */
async function heard(t, options) {
  const events = [];
  const served = await peers(t, (runtime) => {
    runtime.register('echo', (x) => x);
    runtime.register('outer', async () => [currentTask().id, await call('echo', [1])]);
    runtime.register('fail', () => {
      throw new RangeError('too far');
    });
    runtime.register('spin', async function* (n) {
      for (let i = 0; i < n; i++) {
        yield i;
      }
    });
  });
  const listening = served.runtime.onTaskEvent((event) => events.push(event), options);
  /** Of one routine at one side, once its tasks have ended there. */
  const of = async (routine, side) => {
    const these = () => events.filter((event) => event.routine === routine && event.side === side);
    await until(`the end of ${routine} at the ${side}`, () => these().at(-1)?.kind === 'task-completed');
    return these();
  };
  return { ...served, events, listening, of };
}

function kinds(events) {
  return events.map(({ kind, step, status }) => [kind, step, status].filter((part) => part !== undefined).join(' '));
}

test('a call is told of at both sides, from its beginning to its end', async (t) => {
  const { pool, worker, of } = await heard(t);
  const before = Date.now();
  await pool.call('echo', [1]);
  const [caller, atWorker] = [await of('echo', 'caller'), await of('echo', 'worker')];
  assert.deepEqual(kinds(caller), ['task-created', 'task-scheduled', 'task-completed OK']);
  assert.deepEqual(kinds(atWorker), ['task-scheduled', 'task-started', 'task-stopped', 'task-completed OK']);
  assert.equal(new Set([...caller, ...atWorker].map(({ id }) => id)).size, 1);
  assert.deepEqual(caller.map((event) => event.worker), [undefined, worker.uid, worker.uid]);
  assert.ok(atWorker.every((event) => event.worker === worker.uid && event.caller === undefined));
  assert.ok(caller.every(({ timestamp }) => timestamp >= before - 1 && timestamp <= Date.now() + 1));
});

test('so is a failure, and each step of a stream', async (t) => {
  const { pool, of } = await heard(t);
  await assert.rejects(pool.call('fail'));
  assert.equal(kinds(await of('fail', 'caller')).at(-1), 'task-completed TASK_FAILED');
  assert.equal(kinds(await of('fail', 'worker')).at(-1), 'task-completed TASK_FAILED');
  await collect(pool.stream('spin', [1]));
  const caller = kinds(await of('spin', 'caller'));
  // The first step may be asked for before and after it.
  assert.deepEqual(caller.filter((kind) => kind !== 'task-scheduled'), [
    'task-created',
    'task-iteration-initiated next',
    'task-iteration-completed next',
    'task-iteration-initiated next',
    'task-completed OK',
  ]);
});

test('a nested task is told of with the task that called it', async (t) => {
  const { pool, of } = await heard(t);
  const [id] = await pool.call('outer');
  for (const side of ['caller', 'worker']) {
    assert.ok((await of('echo', side)).every(({ caller }) => caller === id));
    assert.ok((await of('outer', side)).every((event) => event.id === id && event.caller === undefined));
  }
});

test('who does not listen any more hears nothing', async (t) => {
  const { runtime, pool, events, listening } = await heard(t);
  assert.ok(listening instanceof TaskEvents);
  listening.close();
  listening.close();
  await pool.call('echo', [1]);
  const others = [];
  runtime.onTaskEvent((event) => others.push(event.kind));
  await pool.call('echo', [1]);
  await until('the end of the other call', () => others.includes('task-completed'));
  assert.deepEqual([events, listening.missed], [[], 0]);
});

test('what is not taken in time is missed, and counted', async (t) => {
  const { pool, events, listening } = await heard(t, { capacity: 1 });
  await Promise.all(Array.from({ length: 100 }, () => pool.call('echo', [1])));
  assert.ok(listening.missed > 0);
  listening.close();
  assert.ok(listening.missed > 0);
  assert.ok(events.length < 700);
});

test('listening takes a function, a capacity and an open runtime', async () => {
  const runtime = new Runtime();
  assert.throws(() => runtime.onTaskEvent('print'), { kind: 'INVALID_ARGUMENT', message: /go to a function/ });
  assert.throws(() => runtime.onTaskEvent(() => {}, { capacity: 0 }), { kind: 'INVALID_ARGUMENT', message: /capacity/ });
  const listening = runtime.onTaskEvent(() => {});
  await runtime.close();
  listening.close();
  assert.throws(() => runtime.onTaskEvent(() => {}), { kind: 'CLOSED' });
});

test('listening alone does not keep the process alive, and what a handler throws is the program\'s', async () => {
  assert.deepEqual(await run('listens.mjs'), { code: 0, signal: null, stdout: 'Error: mine\nlistens\n', stderr: '' });
});
