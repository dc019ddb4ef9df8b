// Which workers a pool believes, and what a worker lets its peers do.
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';

import { Credentials, CustomDiscovery, runWorker } from 'libwool';

import { certificates, own, served } from './support/certificates.mjs';
import { gate } from './support/peers.mjs';
import { poolFor, runtimeFor } from './support/pools.mjs';
import { until } from './support/processes.mjs';

/** A discovery that tells what it was told. */
function discovery() {
  const records = [];
  return new CustomDiscovery({
    publish: (record) => void records.push(record),
    withdraw() {},
    subscribe(subscriber) {
      records.forEach((record) => subscriber.found(record));
      subscriber.scanned();
    },
  });
}

/** A worker that is `farm.example` and, by its certificate, not where it is reached; and pools that look for it. */
async function claimed(t) {
  const file = certificates({ farm: ['farm.example'], caller: ['caller.example'] });
  const farm = discovery();
  const credentials = new Credentials(own(file, 'farm'));
  const worker = await served(t, { publish: farm, credentials, identity: 'farm.example' });
  const caller = new Credentials(own(file, 'caller'));
  const open = (options) => poolFor(t, { discovery: farm, credentials: caller, dispatchTimeout: 20_000, ...options });
  return { worker, open };
}

/** Waits for a problem of the only worker of a pool. */
function problemOf(pool, pattern) {
  return until(`a problem like ${pattern}`, () => {
    const { problem } = pool.status().workers[0] ?? {};
    return pattern.test(problem ?? '') && problem;
  });
}

test('a check decides which identity is believed', async (t) => {
  const { worker, open } = await claimed(t);
  const asked = [];
  const believing = open({ peerCheck: (peer) => asked.push(peer) > 0 });
  assert.deepEqual(await believing.call('peer'), ['caller.example']);
  assert.deepEqual(asked[0], { identity: 'farm.example', uid: worker.uid });
  const later = open({
    peerCheck: async ({ identity }) => {
      await new Promise(setImmediate);
      return identity === 'farm.example';
    },
  });
  assert.deepEqual(await later.call('peer'), ['caller.example']);
  assert.deepEqual(await open({ peers: ['*.example'] }).call('peer'), ['caller.example']);
});

test('what a check does not believe is verified by its address, and what it cannot decide is not dialled', async (t) => {
  const { open } = await claimed(t);
  // The certificate is not for this address.
  for (const options of [{}, { peerCheck: () => false }, { peerCheck: async () => false }, { peers: ['other.example'] }]) {
    await problemOf(open(options), /127\.0\.0\.1/);
  }
  const failures = [
    [
      () => {
        throw new TypeError('the registry is away');
      },
      /TypeError: the registry is away/,
    ],
    [() => Promise.reject(null), /null/],
    [() => undefined, /it gave undefined, which is no boolean/],
    [async () => 'yes', /it gave 'yes', which is no boolean/],
  ];
  for (const [peerCheck, message] of failures) {
    await problemOf(open({ peerCheck }), message);
  }
});

test('a check is a function, and alone', async (t) => {
  const runtime = runtimeFor(t);
  for (const options of [{ peerCheck: 'farm.example' }, { peerCheck: true }, { peers: ['a'], peerCheck: () => true }]) {
    assert.throws(() => poolFor(t, { runtime, discovery: discovery(), ...options }), { kind: 'INVALID_ARGUMENT' });
  }
});

/** Asks a worker by gRPC to stop. @returns the status of gRPC, and what it says */
function stop(address, { ca, certificate, key }) {
  return new Promise((resolve, reject) => {
    const client = connect(`https://${address}`, { ca, cert: certificate, key }).on('error', reject);
    const request = client.request({
      ':method': 'POST',
      ':path': '/wool.v1.Control/stop',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const finish = ({ 'grpc-status': status, 'grpc-message': message = '' }) => {
      if (status !== undefined) {
        client.close();
        resolve({ status: Number(status), message: decodeURIComponent(message) });
      }
    };
    request.on('response', finish).on('trailers', finish).on('error', reject).resume();
    // A message of no bytes: a grace of 0.
    request.end(Buffer.alloc(5));
  });
}

const PERMISSION_DENIED = 7;

test('stoppers, and nobody else, stop a worker over the network', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], admin: ['admin.example'], caller: ['caller.example'] });
  const credentials = new Credentials(own(file, 'worker'));
  const stays = await served(t, { credentials });
  assert.equal((await stop(stays.address, own(file, 'admin'))).status, PERMISSION_DENIED);
  const stoppers = ['admin.example'];
  const worker = await served(t, { credentials, stoppers });
  assert.equal((await stop(worker.address, own(file, 'caller'))).status, PERMISSION_DENIED);
  const pool = poolFor(t, { addresses: [worker.address], credentials: new Credentials(own(file, 'caller')) });
  assert.deepEqual(await pool.call('peer'), ['caller.example']);
  assert.equal((await stop(worker.address, own(file, 'admin'))).status, 0);
  await until('the worker to be gone', () => pool.status().workers.every(({ state }) => state !== 'up'));
});

test('a program that is a worker ends when it is stopped over the network', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], admin: ['admin.example'] });
  const runtime = runtimeFor(t);
  const stopping = [];
  await runWorker({
    runtime,
    credentials: new Credentials(own(file, 'worker')),
    stoppers: ['admin.example'],
    started: (worker) => stopping.push(stop(worker.address, own(file, 'admin')), worker),
  });
  const [stopped, worker] = stopping;
  assert.equal((await stopped).status, 0);
  await worker.stop(0);
});

test('a peer has no more of a worker than its limits say', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], one: ['one.example'], other: ['other.example'] });
  const runtime = runtimeFor(t);
  const { open: letGo, opened } = gate();
  runtime.register('hold', () => opened);
  runtime.register('echo', (x) => x);
  const credentials = new Credentials(own(file, 'worker'));
  const [one, other] = ['one', 'other'].map((name) => new Credentials(own(file, name)));
  const open = (worker, caller) =>
    poolFor(t, { addresses: [worker.address], credentials: caller, dispatchTimeout: 300 });

  const calls = await runtime.serve({ credentials, peerLimits: { calls: 1 } });
  const [first, second] = [open(calls, one), open(calls, one)];
  const held = first.call('hold');
  await until('the call that is held', () => first.status().workers[0]?.inFlight === 1);
  await assert.rejects(second.call('echo', [1]), { kind: 'BUSY', message: /one\.example has 1 tasks/ });
  assert.equal(await open(calls, other).call('echo', [1]), 1);
  letGo();
  await held;
  assert.equal(await second.call('echo', [2]), 2);

  const sessions = await runtime.serve({ credentials, peerLimits: { sessions: 1 } });
  assert.equal(await open(sessions, one).call('echo', [1]), 1);
  await problemOf(open(sessions, one), /sessions/);
  assert.equal(await open(sessions, other).call('echo', [1]), 1);

  const connections = await runtime.serve({ credentials, peerLimits: { connections: 1 } });
  assert.equal(await open(connections, one).call('echo', [1]), 1);
  await problemOf(open(connections, one), /./);
  assert.equal(await open(connections, other).call('echo', [1]), 1);
});

test('limits that are none are named', async (t) => {
  const runtime = runtimeFor(t);
  for (const peerLimits of [
    ...[7, null, { connections: 0 }, { sessions: -1 }, { calls: 1.5 }, { calls: 2 ** 31 }],
    ...[{ bytes: 0 }, { bytes: '1' }, { bytes: Infinity }],
  ]) {
    await assert.rejects(runtime.serve({ peerLimits }), { kind: 'INVALID_ARGUMENT', message: /^peerLimits/ });
  }
  for (const options of [{ stoppers: 'admin.example' }, { stoppers: [7] }]) {
    await assert.rejects(runtime.serve(options), { kind: 'INVALID_ARGUMENT', message: /^stoppers/ });
  }
});
