// Discoveries of libwool's, and lists of what they find. Those of the LAN and of DNS are played elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CustomDiscovery,
  DnsDiscovery,
  LanDiscovery,
  listWorkers,
  LocalDiscovery,
  StackedDiscovery,
  StaticDiscovery,
  WorkerPool,
} from 'libwool';

import { until } from './support/processes.mjs';
import { poolFor, runtimeFor, up, WORKER } from './support/pools.mjs';
import { discovery } from './support/records.mjs';

/** A runtime, and workers of it with these options. */
async function served(t, ...options) {
  const runtime = runtimeFor(t);
  runtime.register('echo', (x) => x);
  const workers = [];
  for (const each of options) {
    workers.push(await runtime.serve(each));
  }
  return { runtime, workers };
}

test('workers at addresses that are known', async (t) => {
  const { workers } = await served(t, {}, {});
  const pool = poolFor(t, { discovery: new StaticDiscovery(workers.map(({ address }) => address)) });
  const there = await up(pool, 2);
  assert.deepEqual(new Set(there.map(({ uid }) => uid)), new Set(workers.map(({ uid }) => uid)));
  assert.equal(await pool.call('echo', [1]), 1);
});

test('a stack finds what any of its discoveries finds', async (t) => {
  const found = discovery();
  const { workers } = await served(t, { publish: found }, {});
  const other = new StaticDiscovery([workers[1].address]);
  const pool = poolFor(t, { discovery: new StackedDiscovery([found, other]) });
  const there = await up(pool, 2);
  assert.deepEqual(new Set(there.map(({ uid }) => uid)), new Set(workers.map(({ uid }) => uid)));
});

test('a stack publishes where its discoveries publish', async (t) => {
  const [one, other] = [discovery(), discovery()];
  const { workers } = await served(t, { publish: new StackedDiscovery([one, other]) });
  for (const each of [one, other]) {
    const [{ uid }] = await up(poolFor(t, { discovery: each }), 1);
    assert.equal(uid, workers[0].uid);
  }
  await workers[0].stop(0);
  for (const each of [one, other]) {
    assert.deepEqual((await listWorkers(each)).workers, []);
  }
});

test('a list tells the records of workers', async (t) => {
  const found = discovery();
  const extra = { zone: 'a', 'rack.row': '7' };
  const options = { publish: found, tags: ['gpu'], extra, advertise: ['wool.example:7000'] };
  const { runtime, workers } = await served(t, options);
  const { workers: listed, turnedAway, problem } = await listWorkers(found, { runtime });
  assert.deepEqual(turnedAway, []);
  assert.equal(problem, undefined);
  const [{ version, protocol, addresses, ...record }] = listed;
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(protocol.map(Number.isInteger), [true, true]);
  assert.ok(addresses.includes('wool.example:7000'), addresses.join());
  assert.deepEqual(record, {
    uid: workers[0].uid,
    tags: ['gpu'],
    extra,
    secure: false,
    identity: '',
    pid: process.pid,
    language: 'node',
    doors: ['session'],
  });
  await workers[0].stop(0);
  assert.deepEqual(await listWorkers(found, { runtime }), { workers: [], turnedAway: [], problem: undefined });
});

test('a list that has nowhere to look says so', async (t) => {
  const runtime = runtimeFor(t);
  const nowhere = new LocalDiscovery('test', { directory: '/dev/null/nowhere' });
  await assert.rejects(listWorkers(nowhere, { runtime }), { kind: 'DISCOVERY' });
  await runtime.close();
  await assert.rejects(listWorkers(discovery(), { runtime }), { kind: 'CLOSED' });
});

test('what only finds does not publish', async (t) => {
  const runtime = runtimeFor(t);
  for (const publish of [
    new StaticDiscovery(['127.0.0.1:1']),
    new DnsDiscovery('wool.example:7000'),
    new CustomDiscovery({ subscribe() {} }),
  ]) {
    await assert.rejects(runtime.serve({ publish }), { kind: 'UNSUPPORTED' });
  }
});

test('discoveries tell what they were made of', () => {
  const lan = new LanDiscovery({ namespace: 'farm', interfaces: ['lo'] });
  assert.deepEqual([lan.namespace, lan.interfaces], ['farm', ['lo']]);
  assert.deepEqual([new LanDiscovery().namespace, new LanDiscovery().interfaces], [undefined, []]);
  const dns = new DnsDiscovery('_wool._tcp.farm.example', { servers: ['192.0.2.53:53'] });
  assert.deepEqual([dns.name, dns.servers], ['_wool._tcp.farm.example', ['192.0.2.53:53']]);
  assert.deepEqual(new StaticDiscovery(['a:1']).addresses, ['a:1']);
  assert.deepEqual(new StackedDiscovery([lan, dns]).discoveries, [lan, dns]);
});

test('what is no discovery is refused', async (t) => {
  const runtime = runtimeFor(t);
  for (const make of [
    () => new LanDiscovery({ namespace: '' }),
    () => new LanDiscovery({ namespace: 'x'.repeat(129) }),
    () => new LanDiscovery({ interfaces: 'lo' }),
    () => new StaticDiscovery([]),
    () => new StaticDiscovery(['nowhere']),
    () => new StaticDiscovery('127.0.0.1:1'),
    () => new DnsDiscovery(),
    () => new DnsDiscovery('wool.example:7000', { servers: ['dns.example'] }),
    () => new StackedDiscovery([]),
    () => new StackedDiscovery(['farm']),
    () => new StackedDiscovery(discovery()),
    () => new CustomDiscovery(),
    () => new CustomDiscovery({}),
    () => new CustomDiscovery({ subscribe() {}, publish: 'yes' }),
    () => new WorkerPool({ runtime, discovery: { subscribe() {} } }),
    () => new WorkerPool({ runtime, discovery: Object.create(LanDiscovery.prototype) }),
  ]) {
    assert.throws(make, { kind: 'INVALID_ARGUMENT' }, String(make));
  }
  await assert.rejects(listWorkers('farm'), { kind: 'INVALID_ARGUMENT', message: /farm/ });
  await assert.rejects(listWorkers(undefined), { kind: 'INVALID_ARGUMENT' });
  await assert.rejects(listWorkers(discovery(), { timeout: 0 }), { kind: 'INVALID_ARGUMENT', message: /^timeout / });
  for (const options of [{ extra: { zone: 1 } }, { extra: 'zone' }, { advertise: 'a:1' }, { advertise: [1] }]) {
    await assert.rejects(runtime.serve(options), { kind: 'INVALID_ARGUMENT', message: /^(extra|advertise) / });
  }
});

test('the workers that a pool starts serve where it says', async (t) => {
  const found = discovery();
  const options = { spawn: 1, command: WORKER, discovery: found, bind: '127.0.0.2:0', advertise: ['127.0.0.2'] };
  const pool = poolFor(t, options);
  await up(pool, 1);
  const [{ addresses }] = await until('the record of the worker', async () => {
    const { workers } = await listWorkers(found);
    return workers.length === 1 && workers;
  });
  assert.match(addresses[0], /^127\.0\.0\.2:\d+$/);
});
