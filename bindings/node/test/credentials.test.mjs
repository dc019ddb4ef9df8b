// TLS between a worker and pools, by certificates of the development CA.
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { Credentials, WorkerPool } from 'libwool';

import { certificates, own, served } from './support/certificates.mjs';
import { poolFor, runtimeFor } from './support/pools.mjs';

test('calls go by TLS, and say who calls', async (t) => {
  const file = certificates({
    worker: ['127.0.0.1', 'worker.example'],
    caller: ['caller.example', 'spiffe://example/caller'],
    other: ['caller.else'],
  });
  const asked = [];
  const worker = await served(t, {
    credentials: new Credentials(own(file, 'worker')),
    callers: ['*.example'],
    routineCallers: { secret: ['admin.example'] },
    admit: ({ peer }) => void asked.push(peer),
  });
  const open = (credentials) => poolFor(t, { addresses: [worker.address], credentials, dispatchTimeout: 2000 });
  const pool = open(new Credentials(own(file, 'caller')));
  const names = ['caller.example', 'spiffe://example/caller'];
  assert.deepEqual(await pool.call('peer'), names);
  assert.deepEqual(asked, [names]);
  await assert.rejects(pool.call('secret'), { kind: 'PERMISSION_DENIED' });
  for (const stranger of [undefined, new Credentials(own(file, 'other'))]) {
    await assert.rejects(open(stranger).call('peer'), { kind: 'NO_WORKERS_AVAILABLE' });
  }
});

test('renewed credentials are taken, and broken ones are told', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], first: ['first.example'], second: ['second.example'] });
  const copy = (name) => {
    copyFileSync(file(`${name}.key`), file('own.key'));
    copyFileSync(file(`${name}.pem`), file('own.pem'));
  };
  copy('first');
  const credentials = new Credentials({
    caFile: file('ca.pem'),
    certificateFile: file('own.pem'),
    keyFile: file('own.key'),
    poll: 3_600_000,
  });
  const worker = await served(t, { credentials: new Credentials(own(file, 'worker')) });
  const pool = poolFor(t, { addresses: [worker.address], credentials });
  assert.deepEqual(await pool.call('peer'), ['first.example']);
  assert.equal(credentials.reload(), false);
  writeFileSync(file('own.key'), 'nonsense');
  assert.throws(() => credentials.reload(), { kind: 'INVALID_ARGUMENT' });
  assert.equal(credentials.problem?.kind, 'INVALID_ARGUMENT');
  copy('second');
  assert.equal(credentials.reload(), true);
  assert.equal(credentials.problem, undefined);
  while ((await pool.call('peer'))[0] !== 'second.example');
  credentials.update(own(file, 'first'));
  while ((await pool.call('peer'))[0] !== 'first.example');
});

test('what makes no credentials is named', () => {
  for (const options of [undefined, {}, { ca: 7 }, { ca: 'no PEM' }, { poll: -1 }, { keyFile: 7 }, { oneWay: 'no' }]) {
    assert.throws(() => new Credentials(options), { kind: 'INVALID_ARGUMENT' });
  }
  // The content where its path was meant: that is not for a log.
  const isQuiet = ({ kind, message }) => kind === 'INVALID_ARGUMENT' && !message.includes('secret');
  for (const key of [Buffer.from('secret'), ['secret']]) {
    assert.throws(() => new Credentials({ keyFile: key }), isQuiet);
  }
  assert.throws(() => new WorkerPool({ credentials: 'secret', addresses: ['a:1'] }), isQuiet);
  assert.throws(() => new Credentials({ caFile: '/nowhere/ca.pem' }), { kind: 'IO', message: /\/nowhere\/ca\.pem/ });
});

test('lists that would let in all are refused', async (t) => {
  const runtime = runtimeFor(t);
  for (const options of [
    { callers: [] },
    { callers: 'admin.example' },
    { routineCallers: { secret: [] } },
    { routineCallers: { secret: 'admin.example' } },
    { routineCallers: { secret: undefined } },
    { routineCallers: new Map([['secret', ['admin.example']]]) },
    { routineCallers: ['secret'] },
  ]) {
    await assert.rejects(runtime.serve(options), { kind: 'INVALID_ARGUMENT' });
  }
});
