// Programs that are workers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

import { CustomDiscovery, runWorker } from 'libwool';

import { runtimeFor } from './support/pools.mjs';

const DURABLE = fileURLToPath(new URL('./fixtures/durable.mjs', import.meta.url));

/** The program, and what reads its lines. */
function durable(t, ...args) {
  const program = spawn(process.execPath, [DURABLE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => program.kill('SIGKILL'));
  const ended = once(program, 'exit');
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  /** These are the next lines, in this order. */
  const says = async (...expected) => {
    for (const line of expected) {
      assert.deepEqual(await lines.next(), { done: false, value: line });
    }
  };
  /** All further lines, in any order, of a program that ends well. */
  const rest = async () => {
    const said = [];
    for await (const line of lines) {
      said.push(line);
    }
    assert.deepEqual(await ended, [0, null]);
    return said.sort();
  };
  return { program, says, rest };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} lets the tasks end`, { timeout: 60_000 }, async (t) => {
    const { program, says, rest } = durable(t);
    await says('serves', 'held');
    program.kill(signal);
    await says('asked');
    program.kill('SIGUSR2');
    assert.deepEqual(await rest(), ['answered', 'let go', 'stopped, no listeners left']);
  });
}

test('a second signal cancels them', { timeout: 60_000 }, async (t) => {
  const { program, says, rest } = durable(t, '-1');
  await says('serves', 'held');
  program.kill('SIGTERM');
  await says('asked');
  program.kill('SIGINT');
  assert.deepEqual(await rest(), ['asked', 'cancelled', 'failed', 'stopped, no listeners left']);
});

test('the grace bounds them', { timeout: 60_000 }, async (t) => {
  const { program, says, rest } = durable(t, '50');
  await says('serves', 'held');
  program.kill('SIGTERM');
  assert.deepEqual(await rest(), ['asked', 'cancelled', 'failed', 'stopped, no listeners left']);
});

for (const way of ['runtime', 'worker']) {
  test(`it ends with its ${way}`, { timeout: 60_000 }, async (t) => {
    const { rest } = durable(t, '-1', way);
    assert.deepEqual(await rest(), ['serves', 'stopped, no listeners left']);
  });
}

const listeners = () => ['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal));

test('a worker that cannot start leaves no listeners', async (t) => {
  const before = listeners();
  const runtime = runtimeFor(t);
  await assert.rejects(runWorker({ runtime, bind: 'no address' }), { name: 'WoolError' });
  await assert.rejects(runWorker({ runtime, grace: 'long' }), { kind: 'INVALID_ARGUMENT' });
  assert.deepEqual(listeners(), before);
});

test('what fails once it has started stops it', async (t) => {
  const before = listeners();
  const told = [];
  const publish = new CustomDiscovery({
    subscribe() {},
    publish: () => told.push('published'),
    withdraw: () => told.push('withdrawn'),
  });
  const started = (worker) => {
    told.push('started');
    assert.match(worker.address, /^127\.0\.0\.1:\d+$/);
    throw new RangeError('from the program');
  };
  const failure = new RangeError('from the program');
  await assert.rejects(runWorker({ runtime: runtimeFor(t), publish, started }), failure);
  assert.deepEqual(told, ['published', 'started', 'withdrawn']);
  assert.deepEqual(listeners(), before);
});

test('threads hear no signals', async () => {
  const thread = new Thread(
    `const { runWorker } = require('libwool');
    runWorker().catch(({ kind }) => require('node:worker_threads').parentPort.postMessage(kind));`,
    { eval: true },
  );
  assert.deepEqual(await once(thread, 'message'), ['UNSUPPORTED']);
  await thread.terminate();
});
