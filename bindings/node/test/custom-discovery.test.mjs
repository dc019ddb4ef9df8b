// Discoveries of the program's own.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { CustomDiscovery, Runtime, WoolError, WorkerPool } from 'libwool';

import { aborted, gate } from './support/peers.mjs';
import { until } from './support/processes.mjs';
import { poolFor, runtimeFor, up, WORKER } from './support/pools.mjs';
import { run, runNode } from './support/program.mjs';

/** Keeps records in memory, and tells those who subscribe of them. */
class Registry {
  records = new Map();
  subscribers = new Map();
  discovery = new CustomDiscovery(this);

  subscribe(subscriber, signal) {
    this.subscribers.set(subscriber, signal);
    for (const record of this.records.values()) {
      subscriber.found(record);
    }
    subscriber.scanned();
  }

  async publish(record) {
    await new Promise(setImmediate);
    this.records.set(record.uid, record);
    this.#tell((subscriber) => subscriber.found(record));
  }

  async withdraw(uid) {
    await new Promise(setImmediate);
    this.records.delete(uid);
    this.#tell((subscriber) => subscriber.gone(uid));
  }

  #tell(tell) {
    for (const subscriber of this.subscribers.keys()) {
      tell(subscriber);
    }
  }

  get signals() {
    return [...this.subscribers.values()];
  }
}

async function worker(t, options = {}) {
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  return runtime.serve(options);
}

test('an address is enough', async (t) => {
  const { address, uid } = await worker(t);
  let told;
  const discovery = new CustomDiscovery({
    subscribe(subscriber, signal) {
      told = { subscriber, signal };
    },
  });
  const pool = poolFor(t, { discovery });
  const early = pool.call('echo', [1]);
  const { subscriber, signal } = await until('a subscriber', () => told);
  subscriber.found({ addresses: [address] });
  subscriber.scanned();
  assert.equal(await early, 1);
  const [there] = await up(pool, 1);
  assert.deepEqual([there.uid, there.address, there.origin], [uid, address, 'found']);
  subscriber.gone(address);
  await until('the worker to leave', () => pool.status().workers.length === 0);
  assert.equal(signal.aborted, false);
  await pool.close();
  await aborted(signal);
  assert.equal(signal.reason.kind, 'CLOSED');
  subscriber.found({ addresses: [address] });
  subscriber.gone(address);
  subscriber.scanned();
  subscriber.failed(new Error('too late'));
});

test('workers publish themselves, and withdraw', async (t) => {
  const registry = new Registry();
  const options = { publish: registry.discovery, tags: ['gpu'], extra: { zone: 'a' }, advertise: ['127.0.0.1'] };
  const served = await worker(t, options);
  const { version, ...record } = registry.records.get(served.uid);
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(record, {
    uid: served.uid,
    addresses: [served.address],
    tags: ['gpu'],
    extra: { zone: 'a' },
    secure: false,
    identity: '',
    pid: process.pid,
    language: 'node',
    protocol: record.protocol,
    doors: ['session'],
  });
  const pool = poolFor(t, { discovery: registry.discovery });
  assert.equal(await pool.call('echo', ['found']), 'found');
  const again = await worker(t, { publish: registry.discovery });
  await up(pool, 2);
  await served.stop(0);
  assert.deepEqual([...registry.records.keys()], [again.uid]);
  await until('one worker', () => pool.status().workers.length === 1);
  assert.equal(pool.status().workers[0].uid, again.uid);
});

test('one discovery serves several pools and runtimes, each with its own end', async (t) => {
  const registry = new Registry();
  const served = await worker(t, { publish: registry.discovery });
  const runtime = runtimeFor(t);
  const pools = [
    poolFor(t, { runtime, discovery: registry.discovery }),
    poolFor(t, { runtime, discovery: registry.discovery }),
    poolFor(t, { discovery: registry.discovery }),
  ];
  for (const pool of pools) {
    assert.equal((await up(pool, 1))[0].uid, served.uid);
  }
  const isAborted = () => registry.signals.map((signal) => signal.aborted);
  assert.deepEqual(isAborted(), [false, false, false]);
  await pools[1].close();
  await until('the end of one', () => isAborted().filter(Boolean).length === 1);
  await runtime.close();
  await until('the end of the other', () => isAborted().filter(Boolean).length === 2);
  assert.equal(await pools[2].call('echo', [3]), 3);
});

test('what the pool starts is published', async (t) => {
  const registry = new Registry();
  const pool = poolFor(t, { spawn: 1, command: WORKER, discovery: registry.discovery });
  const pid = await pool.call('pid');
  const other = poolFor(t, { discovery: registry.discovery });
  assert.equal(await other.call('pid'), pid);
  assert.deepEqual([...registry.records.values()].map((record) => record.pid), [pid]);
  await pool.close();
  await until('no records', () => registry.records.size === 0);
});

test('a worker that cannot be published is not started', async (t) => {
  const withdrawn = [];
  let failing;
  const discovery = new CustomDiscovery({
    subscribe() {},
    publish: () => failing(),
    withdraw: (uid) => withdrawn.push(uid),
  });
  const runtime = runtimeFor(t);
  for (const [fail, expected] of [
    [() => Promise.reject(new WoolError('BUSY', 'not now')), { kind: 'BUSY', message: /not now/ }],
    [() => Promise.reject(new Error('no room')), { kind: 'DISCOVERY', message: /no room/ }],
    [() => null.x, { kind: 'DISCOVERY', message: /TypeError/ }],
    [() => Promise.reject(null), { kind: 'DISCOVERY', message: /null/ }],
    [() => Promise.reject(new Proxy(new Error('x'), { get: () => assert.fail() })), { kind: 'DISCOVERY' }],
  ]) {
    failing = fail;
    await assert.rejects(runtime.serve({ publish: discovery }), expected);
  }
  failing = () => {};
  const worker = await runtime.serve({ publish: discovery });
  await worker.stop(0);
  assert.ok(withdrawn.includes(worker.uid));
});

test('a failing withdrawal does not keep a worker', async (t) => {
  const discovery = new CustomDiscovery({
    subscribe() {},
    publish() {},
    withdraw: () => Promise.reject(new Error('no')),
  });
  const served = await worker(t, { publish: discovery });
  await served.stop(0);
});

test('a discovery that fails is a problem of the pool, until it works again', async (t) => {
  const { address } = await worker(t);
  let subscriber;
  const failures = [
    () => {
      throw new Error('the registry is down');
    },
    async () => {
      throw new WoolError('IO', 'the registry is down');
    },
    async (theirs) => {
      subscriber = theirs;
      theirs.found({ addresses: [] });
    },
  ];
  for (const subscribe of failures) {
    const pool = poolFor(t, { discovery: new CustomDiscovery({ subscribe }) });
    const [{ kind, message }] = await until('a problem', () => {
      const { problems } = pool.status();
      return problems.length === 1 && problems;
    });
    assert.equal(kind, 'DISCOVERY');
    assert.match(message, /the registry is down|no address/);
    if (subscriber !== undefined) {
      subscriber.found({ addresses: [address] });
      subscriber.scanned();
      assert.equal(await pool.call('echo', [1]), 1);
      await until('no problem', () => pool.status().problems.length === 0);
      subscriber.failed('down again');
      await until('a problem', () => pool.status().problems.some((problem) => problem.message.includes('down again')));
      assert.equal(await pool.call('echo', [2]), 2);
    }
  }
});

test('what is thrown because of the end is no problem', async (t) => {
  let [subscribed, thrown] = [0, 0];
  const discovery = new CustomDiscovery({
    async subscribe(_subscriber, signal) {
      subscribed++;
      await aborted(signal);
      thrown++;
      throw signal.reason;
    },
  });
  const pool = poolFor(t, { discovery });
  await until('a subscriber', () => subscribed === 1);
  await pool.close();
  await until('the end', () => thrown === 1);
});

test('records that are none are named', async (t) => {
  let subscriber;
  const discovery = new CustomDiscovery({
    subscribe(theirs) {
      subscriber = theirs;
    },
  });
  poolFor(t, { discovery });
  await until('a subscriber', () => subscriber);
  for (const [record, message] of [
    [undefined, /no worker's record/],
    ['127.0.0.1:1', /no worker's record/],
    [{}, /no address/],
    [{ addresses: '127.0.0.1:1' }, /"addresses"/],
    [{ addresses: ['a:1'], uid: 'no uuid' }, /uid|UUID/i],
    [{ addresses: ['a:1'], extra: { zone: 1 } }, /"extra"/],
    [{ addresses: ['a:1'], pid: -1 }, /"pid"/],
    [{ addresses: ['a:1'], protocol: [1] }, /"protocol"/],
  ]) {
    assert.throws(() => subscriber.found(record), { kind: 'INVALID_ARGUMENT', message });
  }
  assert.throws(() => subscriber.found({ addresses: ['a:1'], tags: [Symbol('x')] }), { name: 'ValueError' });
});

test('closing a runtime withdraws its workers and ends its subscriptions', async () => {
  const registry = new Registry();
  const runtime = new Runtime();
  const served = await runtime.serve({ publish: registry.discovery });
  new WorkerPool({ runtime, discovery: registry.discovery });
  await until('a subscriber', () => registry.subscribers.size === 1);
  assert.ok(registry.records.has(served.uid));
  await runtime.close();
  assert.equal(registry.records.size, 0);
  assert.deepEqual(registry.signals.map(({ aborted }) => aborted), [true]);
  await assert.rejects(runtime.serve({ publish: registry.discovery }), { kind: 'CLOSED' });
});

test('a runtime closes while a worker waits to be published', async () => {
  const asked = gate();
  const discovery = new CustomDiscovery({
    subscribe() {},
    publish() {
      asked.open();
      return new Promise(() => {});
    },
  });
  const runtime = new Runtime();
  const refused = assert.rejects(runtime.serve({ publish: discovery }), { name: 'WoolError' });
  await asked.opened;
  await runtime.close();
  await refused;
});

test('publishing may use files, however many workers do', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'wool-published-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const discovery = new CustomDiscovery({
    subscribe() {},
    publish: ({ uid, addresses }) => writeFile(join(directory, uid), addresses.join()),
    withdraw: (uid) => rm(join(directory, uid)),
  });
  // More than libuv has threads, all of which would wait for what one of them is to do.
  const runtimes = Array.from({ length: 12 }, () => new Runtime());
  const workers = await Promise.all(runtimes.map((runtime) => runtime.serve({ publish: discovery })));
  assert.deepEqual(readdirSync(directory).sort(), workers.map(({ uid }) => uid).sort());
  await Promise.all(runtimes.map((runtime) => runtime.close()));
  assert.deepEqual(readdirSync(directory), []);
});

test('a discovery does not keep the process alive, a worker in it does', async () => {
  const expected = { code: 0, signal: null, stdout: 'published\nwithdrawn\nidle\n', stderr: '' };
  assert.deepEqual(await run('own-discovery.mjs'), expected);
});

test('threads with their own discoveries are terminated in the middle of everything', async () => {
  const expected = { code: 0, signal: null, stdout: 'survived 20\n', stderr: '' };
  assert.deepEqual(await run('own-discovery-threads.mjs'), expected);
});

test('what a closed pool and a stopped worker used is forgotten', async () => {
  const program = new URL('./fixtures/forgotten.mjs', import.meta.url).pathname;
  assert.deepEqual(await runNode(['--expose-gc', program]), { code: 0, signal: null, stdout: 'forgotten\n', stderr: '' });
});
