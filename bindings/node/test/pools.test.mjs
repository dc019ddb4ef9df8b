// Pools in this process, whose workers are processes, or found, or in this process too.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LocalDiscovery, Runtime, WorkerPool } from 'libwool';

import { allEnded, isRunning, until } from './support/processes.mjs';
import { fixture, poolFor, runtimeFor, turnedAway, up, WORKER } from './support/pools.mjs';
import { discovery } from './support/records.mjs';

/** The worker processes of a pool, when as many serve. */
function serving(pool, count) {
  return until(`${count} processes that serve`, () => {
    const processes = pool.status().processes.filter(({ state }) => state === 'serving');
    return processes.length === count && processes;
  });
}

test('an ephemeral pool starts workers, calls them in turn, and leaves none', async (t) => {
  const pool = poolFor(t, { spawn: 2, quorum: 2, command: WORKER });
  const pids = new Set(await Promise.all([1, 2, 3, 4].map(() => pool.call('pid'))));
  const started = (await serving(pool, 2)).map(({ pid }) => pid);
  assert.deepEqual(pids, new Set(started));
  assert.ok(!pids.has(process.pid));
  await pool.close();
  assert.deepEqual(started.filter(isRunning), []);
  await assert.rejects(pool.call('pid'), { kind: 'CLOSED' });
});

test('a pool tells its status', async (t) => {
  const found = discovery();
  const pool = poolFor(t, { spawn: 1, command: WORKER, discovery: found, tags: ['test'], concurrency: 3 });
  const pinned = pool.stream('pinned');
  const { value: pid } = await pinned.next();
  const [worker] = await up(pool, 1);
  const { uid, address, version, routines } = worker;
  assert.match(uid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(address, /^(127\.0\.0\.1:\d+|unix:\/.+)$/);
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok(routines.some(({ name, kind }) => name === 'pid' && kind === 'unary'));
  assert.ok(routines.some(({ name, kind }) => name === 'pinned' && kind === 'stream'));
  const rest = { origin: 'spawned', state: 'up', problem: '', inFlight: 1, capacity: 3, tags: ['test'], language: 'node' };
  assert.deepEqual(worker, { uid, address, version, routines, pid, ...rest });
  const status = pool.status();
  assert.deepEqual(status.processes, [{ slot: 0, pid, uid, state: 'serving', restarts: 0 }]);
  assert.deepEqual(
    { ...status, workers: [], processes: [] },
    {
      workers: [],
      turnedAway: [],
      turnedAwayCounts: {},
      processes: [],
      waiting: 0,
      quorumReached: true,
      problems: [],
    },
  );
  await pinned.return();
});

test('a killed worker loses its tasks, not the pool', async (t) => {
  const pool = poolFor(t, { spawn: 2, quorum: 2, command: WORKER });
  const pinned = pool.stream('pinned');
  const { value: pid } = await pinned.next();
  const before = await serving(pool, 2);
  const lost = assert.rejects(pinned.next(), { kind: 'WORKER_LOST', retryable: false });
  const outcomes = Promise.allSettled(Array.from({ length: 200 }, () => pool.call('echo', [1])));
  process.kill(pid, 'SIGKILL');
  await lost;
  for (const { reason } of await outcomes) {
    assert.ok(reason === undefined || reason.kind === 'WORKER_LOST', String(reason));
  }
  const after = await until('the worker that takes its place', async () => {
    const processes = await serving(pool, 2);
    return processes.every((each) => each.pid !== pid) && processes;
  });
  const { slot } = before.find((each) => each.pid === pid);
  assert.deepEqual(
    after.map(({ restarts }) => restarts),
    [0, 1].map((each) => (each === slot ? 1 : 0)),
  );
  await up(pool, 2);
  assert.equal(await pool.call('echo', ['whole']), 'whole');
});

test('a routine that ends its process is a lost worker', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: WORKER });
  await assert.rejects(pool.call('exit', [5]), { kind: 'WORKER_LOST' });
  assert.equal(await pool.call('echo', ['again']), 'again');
});

test('workers that end before they serve fail the calls with their story', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: [process.execPath, fixture('crash.mjs')] });
  await assert.rejects(pool.call('pid'), (error) => {
    assert.equal(error.kind, 'SPAWN_FAILED');
    assert.equal(error.retryable, true);
    assert.match(error.message, /status 3\b/);
    assert.match(error.message, /there is no such table/);
    return true;
  });
  const [{ kind, message }] = pool.status().problems;
  assert.equal(kind, 'SPAWN_FAILED');
  assert.match(message, /there is no such table/);
});

test('a command that is no program fails the calls', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: ['/nowhere/at/all'] });
  await assert.rejects(pool.call('pid'), { kind: 'SPAWN_FAILED', message: /\/nowhere\/at\/all/ });
});

test('a command that keeps the control socket from its worker fails the calls', async (t) => {
  const command = ['sh', '-c', '"$0" "$1" </dev/null', ...WORKER];
  const pool = poolFor(t, { spawn: 1, command });
  await assert.rejects(pool.call('pid'), { kind: 'SPAWN_FAILED', message: /pass its standard input on/ });
});

test('a worker that a wrapper starts serves, and ends with its pool', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: ['sh', '-c', '"$0" "$1"; exit 0', ...WORKER] });
  const pid = await pool.call('pid');
  assert.notEqual(pool.status().processes[0].pid, pid);
  await pool.close();
  await allEnded([pid]);
});

test('a worker that gets SIGTERM lets its tasks end, and is replaced', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: WORKER });
  const count = pool.stream('count', [3]);
  assert.equal((await count.next()).value, 0);
  const [{ pid, uid }] = await up(pool, 1);
  process.kill(pid, 'SIGTERM');
  await until('a worker that takes no new tasks', () =>
    pool.status().workers.every((worker) => worker.uid !== uid || worker.state !== 'up'),
  );
  assert.deepEqual([(await count.next()).value, (await count.next()).value], [1, 2]);
  assert.equal((await count.next()).done, true);
  await allEnded([pid]);
  assert.notEqual(await pool.call('pid'), pid);
});

test('the standard input of a worker is empty', async (t) => {
  for (const command of [WORKER, [process.execPath, fixture('looks-at-stdin.mjs')]]) {
    const pool = poolFor(t, { spawn: 1, command });
    assert.equal(await pool.call('stdin'), '');
    assert.equal(await pool.call('stdin'), '');
    await pool.close();
  }
});

test('a worker ends with its pool, whatever its event loop has to do', async (t) => {
  const pool = poolFor(t, { spawn: 1, command: [process.execPath, fixture('busy-at-exit.mjs')] });
  const pid = await pool.call('pid');
  const { processes } = pool.status();
  assert.equal(processes[0].pid, pid);
  await pool.close();
  assert.ok(!isRunning(pid));
});

test('a pool that closes with a grace lets the tasks of others end', async (t) => {
  const found = discovery();
  const owner = poolFor(t, { spawn: 1, command: WORKER, discovery: found, grace: Infinity });
  const other = poolFor(t, { discovery: found });
  const count = other.stream('count', [3]);
  assert.equal((await count.next()).value, 0);
  const [{ pid }] = await serving(owner, 1);
  let closed = false;
  const closing = owner.close().then(() => {
    closed = true;
  });
  await until('a worker that takes no new tasks', () =>
    other.status().workers.every(({ state }) => state !== 'up'),
  );
  assert.deepEqual([(await count.next()).value, (await count.next()).value], [1, 2]);
  assert.equal(closed, false);
  assert.equal((await count.next()).done, true);
  await closing;
  assert.ok(!isRunning(pid));
});

test('a hybrid pool publishes what it starts, and joins what it finds', async (t) => {
  const found = discovery();
  const runtime = runtimeFor(t);
  runtime.register('pid', () => process.pid);
  const worker = await runtime.serve({ publish: found });
  const hybrid = poolFor(t, { spawn: 1, command: WORKER, discovery: found });
  const durable = poolFor(t, { discovery: found });
  const [ours, theirs] = [await up(hybrid, 2), await up(durable, 2)];
  assert.deepEqual(ours.map(({ origin }) => origin).sort(), ['found', 'spawned']);
  assert.deepEqual(theirs.map(({ origin }) => origin).sort(), ['found', 'found']);
  assert.deepEqual(durable.status().processes, []);
  const { uid } = ours.find(({ origin }) => origin === 'found');
  assert.equal(uid, worker.uid);
  await hybrid.close();
  const [left] = await up(durable, 1);
  assert.equal(left.uid, worker.uid);
  assert.equal(await durable.call('pid'), process.pid);
});

test('worker and caller in one process find each other, and part again', async (t) => {
  const found = discovery();
  const runtime = runtimeFor(t);
  runtime.register('double', (x) => 2 * x);
  const pool = new WorkerPool({ runtime, discovery: found });
  const early = pool.call('double', [21]);
  const worker = await runtime.serve({ publish: found });
  assert.equal(await early, 42);
  await worker.close();
  await until('the worker to leave', () => pool.status().workers.length === 0);
  const again = await runtime.serve({ publish: found });
  assert.equal(await pool.call('double', [4]), 8);
  assert.equal((await up(pool, 1))[0].uid, again.uid);
});

test('a published worker keeps out who cannot read its record', async (t) => {
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  const worker = await runtime.serve({ publish: discovery() });
  const stranger = poolFor(t, { addresses: [worker.address], dispatchTimeout: 1000 });
  await assert.rejects(stranger.call('echo', [1]), { name: 'WoolError' });
});

test('a pool takes only workers with its tags', async (t) => {
  const found = discovery();
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  const plain = await runtime.serve({ publish: found, tags: ['cpu'] });
  const pool = poolFor(t, { discovery: found, tags: ['gpu', 'fast'], dispatchTimeout: 500 });
  const record = await turnedAway(pool, 'tags');
  assert.equal(record.key, plain.uid);
  await assert.rejects(pool.call('echo', [1]), { kind: 'NO_WORKERS_AVAILABLE', message: /tags/, retryable: true });
  assert.ok(pool.status().turnedAwayCounts.tags >= 1);
  const right = await runtime.serve({ publish: found, tags: ['fast', 'gpu', 'big'] });
  const [worker] = await up(pool, 1);
  assert.equal(worker.uid, right.uid);
  assert.deepEqual([...worker.tags].sort(), ['big', 'fast', 'gpu']);
  assert.equal(await pool.call('echo', [1]), 1);
});

test('a lease bounds the workers that are admitted, and the next one takes a place that gets free', async (t) => {
  const found = discovery();
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  const first = await runtime.serve({ publish: found });
  const pool = poolFor(t, { discovery: found, lease: 1 });
  assert.equal((await up(pool, 1))[0].uid, first.uid);
  const second = await runtime.serve({ publish: found });
  assert.equal((await turnedAway(pool, 'lease')).key, second.uid);
  await first.close();
  await until('the second worker', () => pool.status().workers.some(({ uid }) => uid === second.uid));
  assert.equal(await pool.call('echo', [1]), 1);
});

test('the first call waits for the quorum', async (t) => {
  const found = discovery();
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  await runtime.serve({ publish: found });
  const pool = poolFor(t, { discovery: found, quorum: 2 });
  await up(pool, 1);
  let answered = false;
  const call = pool.call('echo', [1]).then(() => {
    answered = true;
  });
  await until('a call that waits', () => pool.status().waiting === 1);
  assert.equal(pool.status().quorumReached, false);
  assert.equal(answered, false);
  await runtime.serve({ publish: found });
  await call;
  assert.equal(pool.status().quorumReached, true);
});

test('a quorum that is not reached in time is told as such', async (t) => {
  const pool = poolFor(t, { discovery: discovery(), quorum: 2, quorumTimeout: 50 });
  await assert.rejects(pool.call('echo', [1]), { kind: 'NO_WORKERS_AVAILABLE', message: /quorum/ });
});

test('without a worker, calls give up after the dispatch timeout', async (t) => {
  const pool = poolFor(t, { discovery: discovery(), dispatchTimeout: 50 });
  await assert.rejects(pool.call('echo', [1]), { kind: 'NO_WORKERS_AVAILABLE', message: /no worker was found/ });
});

test('options that are wrong are named', async (t) => {
  const runtime = runtimeFor(t);
  const found = discovery();
  for (const [options, message] of [
    [{ spawn: 1.5 }, /^spawn .*1\.5/],
    [{ spawn: -1 }, /^spawn /],
    [{ spawn: 0 }, /needs a discovery or addresses/],
    [{ command: 'node worker.mjs' }, /^command .*one string/],
    [{ command: [] }, /^command is empty/],
    [{ addresses: [] }, /^addresses is empty/],
    [{ discovery: found, concurrency: 0 }, /^concurrency /],
    [{ discovery: found, lease: 0 }, /^lease /],
    [{ discovery: found, quorum: NaN }, /^quorum /],
    [{ discovery: found, quorumTimeout: 0 }, /^quorumTimeout /],
    [{ discovery: found, dispatchTimeout: 'long' }, /^dispatchTimeout /],
    [{ discovery: found, grace: 'long' }, /^grace /],
    [{ discovery: found, tags: [1] }, /^tags /],
    [{ discovery: 'farm' }, /^discovery .*farm/],
    [{ discovery: found, lease: 1, quorum: 3 }, /quorum of 3/],
  ]) {
    assert.throws(() => new WorkerPool({ runtime, ...options }), { kind: 'INVALID_ARGUMENT', message });
  }
  await assert.rejects(runtime.serve({ publish: 'farm' }), { kind: 'INVALID_ARGUMENT', message: /^publish / });
  assert.throws(() => new LocalDiscovery('.hidden'), { kind: 'INVALID_ARGUMENT' });
  assert.throws(() => new LocalDiscovery(), { kind: 'INVALID_ARGUMENT' });
});

test('a place for records that cannot be one is told', async (t) => {
  const nowhere = new LocalDiscovery('test', { directory: '/dev/null/nowhere' });
  const runtime = new Runtime();
  t.after(() => runtime.close());
  await assert.rejects(runtime.serve({ publish: nowhere }), { kind: 'DISCOVERY' });
});
