import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run } from './support/program.mjs';

test('a process with an idle pool and a stopped worker ends by itself', async () => {
  assert.deepEqual(await run('idle.mjs'), { code: 0, signal: null, stdout: 'done\n', stderr: '' });
});

test('a pending call and a serving worker keep the process alive', async () => {
  assert.deepEqual(await run('busy.mjs'), { code: 0, signal: null, stdout: 'answered\nstopped\n', stderr: '' });
});

test('process.exit in the middle of everything', async () => {
  assert.deepEqual(await run('exit.mjs'), { code: 7, signal: null, stdout: '', stderr: '' });
});

test('threads that are terminated under load do not take the process with them', async () => {
  assert.deepEqual(await run('terminate.mjs'), { code: 0, signal: null, stdout: 'survived 20\n', stderr: '' });
});

test('each thread has its own runtime', async () => {
  assert.deepEqual(await run('threads.mjs'), { code: 0, signal: null, stdout: '42\n', stderr: '' });
});

test('an uncaught error in a program is what it always is', async () => {
  const { code, stderr } = await run('uncaught.mjs');
  assert.equal(code, 1);
  assert.match(stderr, /Error: thrown by the program/);
});

test('streams that nobody reads any more are cancelled', async () => {
  assert.deepEqual(await run('dropped.mjs'), { code: 0, signal: null, stdout: 'cleaned\n', stderr: '' });
});
