import assert from 'node:assert/strict';
import { test } from 'node:test';

import { currentTask, Runtime, WorkerPool } from 'libwool';

import { aborted, gate, peers } from './support/peers.mjs';

test('closing a pool ends what is in flight as CLOSED', async (t) => {
  const started = gate();
  const { pool } = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      started.open();
      await aborted(currentTask().signal);
    });
    runtime.register('blocked', async function* () {
      await aborted(currentTask().signal);
    });
  });
  const calls = Array.from({ length: 10 }, () => pool.call('wait'));
  const item = pool.stream('blocked').next();
  await started.opened;
  const closed = pool.close();
  for (const outcome of await Promise.allSettled([...calls, item])) {
    assert.equal(outcome.reason?.kind, 'CLOSED');
  }
  await closed;
});

test('closing is idempotent, and what is closed refuses as CLOSED', async (t) => {
  const { runtime, worker, pool } = await peers(t, (runtime) => runtime.register('echo', (x) => x));
  assert.equal(await pool.call('echo', [1]), 1);
  await Promise.all([pool.close(), pool.close()]);
  await pool.close();
  await assert.rejects(pool.call('echo', [1]), { kind: 'CLOSED' });
  await assert.rejects(pool.stream('echo').next(), { kind: 'CLOSED' });
  await Promise.all([worker.close(), worker.close(), worker.stop(0)]);
  await Promise.all([runtime.close(), runtime.close()]);
  await runtime.close();
  await worker.close();
  await pool.close();
  assert.throws(() => runtime.register('late', () => 1), { kind: 'CLOSED' });
  assert.throws(() => new WorkerPool({ runtime, addresses: [worker.address] }), { kind: 'CLOSED' });
  await assert.rejects(runtime.serve(), { kind: 'CLOSED' });
});

test('closing a runtime ends its calls, its tasks and its streams', async () => {
  const started = gate();
  const told = gate();
  const runtime = new Runtime();
  runtime.register('wait', async () => {
    started.open();
    await aborted(currentTask().signal);
    told.open();
  });
  const worker = await runtime.serve();
  const pool = new WorkerPool({ runtime, addresses: [worker.address] });
  const call = pool.call('wait');
  await started.opened;
  const closed = runtime.close();
  await assert.rejects(call, { kind: 'CLOSED' });
  await told.opened;
  await closed;
});

test('a close that a routine holds up says so, and can be waited for again', async () => {
  const started = gate();
  const release = gate();
  const runtime = new Runtime();
  runtime.register('stubborn', async () => {
    started.open();
    await release.opened;
  });
  const worker = await runtime.serve();
  const pool = new WorkerPool({ runtime, addresses: [worker.address] });
  const call = assert.rejects(pool.call('stubborn'), { kind: 'CLOSED' });
  await started.opened;
  await assert.rejects(runtime.close(50), { kind: 'TIMEOUT' });
  await call;
  release.open();
  await runtime.close();
});

test('stop with a grace lets tasks end, and refuses new ones', async (t) => {
  const started = gate();
  const release = gate();
  const { worker, pool } = await peers(t, (runtime) => {
    runtime.register('finish', async () => {
      started.open();
      await release.opened;
      return 'finished';
    });
  });
  const call = pool.call('finish');
  await started.opened;
  let stopped = false;
  const stop = worker.stop(-1).then(() => {
    stopped = true;
  });
  await assert.rejects(pool.call('finish', [], { dispatchTimeout: 50 }), { name: 'WoolError' });
  assert.equal(stopped, false);
  release.open();
  assert.equal(await call, 'finished');
  await stop;
});

test('stop without a grace cancels', async (t) => {
  const started = gate();
  const told = gate();
  const { worker, pool } = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      started.open();
      await aborted(currentTask().signal);
      told.open();
      throw new Error('stopped');
    });
  });
  const call = pool.call('wait');
  await started.opened;
  const stop = worker.stop(0);
  await told.opened;
  await assert.rejects(call, { name: /Error$/ });
  await stop;
  await assert.rejects(worker.stop('soon'), { kind: 'INVALID_ARGUMENT' });
});

test('names, options and addresses are checked', async (t) => {
  const { runtime } = await peers(t, (runtime) => runtime.register('taken', () => 1));
  assert.throws(() => runtime.register('taken', () => 2), { kind: 'ALREADY_EXISTS' });
  assert.throws(() => runtime.register('', () => 2), { kind: 'INVALID_ARGUMENT' });
  assert.throws(() => runtime.register('no.function', 5), { kind: 'INVALID_ARGUMENT' });
  assert.throws(() => new Runtime({ logLevel: 'loud' }), { kind: 'INVALID_ARGUMENT' });
  assert.throws(() => new WorkerPool({ runtime, addresses: '127.0.0.1:1' }), { kind: 'INVALID_ARGUMENT' });
  assert.throws(() => new WorkerPool({ runtime, addresses: ['no address'] }), { kind: 'INVALID_ARGUMENT' });
  await assert.rejects(runtime.serve({ bind: 'no address' }), { name: 'WoolError' });
});

test('calls wait for a worker that comes, and give up on one that does not', async (t) => {
  const runtime = new Runtime();
  t.after(() => runtime.close());
  const pool = new WorkerPool({ runtime, addresses: ['127.0.0.1:1'], dispatchTimeout: 100 });
  await assert.rejects(pool.call('nowhere'), { kind: 'NO_WORKERS_AVAILABLE', retryable: true });
});

test('the default runtime is made when it is needed', async () => {
  const runtime = Runtime.default();
  assert.equal(Runtime.default(), runtime);
  runtime.register('hello', (name) => `hello ${name}`);
  const worker = await runtime.serve();
  const pool = new WorkerPool({ addresses: [worker.address] });
  assert.equal(await pool.call('hello', ['wool']), 'hello wool');
  await runtime.close();
  assert.notEqual(Runtime.default(), runtime);
  await Runtime.default().close();
});

test('log records reach the log', async () => {
  const records = [];
  const runtime = new Runtime({ log: (record) => records.push(record), logLevel: 'debug' });
  const worker = await runtime.serve();
  await worker.close();
  await runtime.close();
  for (const { level, target, message } of records) {
    assert.ok(['error', 'warn', 'info', 'debug'].includes(level));
    assert.equal(typeof target, 'string');
    assert.equal(typeof message, 'string');
  }
});
