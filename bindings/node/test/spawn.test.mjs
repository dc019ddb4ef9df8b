// Programs that start themselves again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';

import { main, Runtime, serveIfSpawned, WorkerPool } from 'libwool';

import { allEnded, isRunning } from './support/processes.mjs';
import { fixture } from './support/pools.mjs';
import { run, runNode } from './support/program.mjs';

/** What a program printed as JSON, when it went well. */
async function printed(program) {
  const { code, signal, stdout, stderr } = await program;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

test('a pool without options starts this program once per core', async () => {
  const pids = await printed(run('spawn/default.mjs', 'close'));
  assert.equal(pids.length, availableParallelism());
  assert.deepEqual(pids.filter(isRunning), []);
});

test('a program with an idle pool ends by itself, and its workers with it', async () => {
  await allEnded(await printed(run('spawn/default.mjs')));
});

for (const [way, expected] of [
  ['exit', { code: 7, signal: null }],
  ['kill', { code: null, signal: 'SIGKILL' }],
  ['throw', { code: 1, signal: null }],
]) {
  test(`no worker outlives its program: ${way}`, async () => {
    const { code, signal, stdout } = await run('spawn/default.mjs', way);
    assert.deepEqual({ code, signal }, expected);
    await allEnded(JSON.parse(stdout));
  });
}

test("what a worker prints comes out at its program's outputs", { timeout: 60_000 }, async (t) => {
  const program = spawn(process.execPath, [fixture('speaks.mjs')], { signal: t.signal });
  const ended = once(program, 'exit');
  const says = async (stream, word) => {
    let text = '';
    for await (const part of stream.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      if ((text += part).includes(word)) return;
    }
    assert.fail(`${word} is missing in ${text}`);
  };
  await Promise.all([says(program.stdout, 'baa'), says(program.stderr, 'moo')]);
  program.stdin.end();
  assert.deepEqual(await ended, [0, null]);
});

test('the program is started with its own arguments', async () => {
  assert.deepEqual(await printed(run('spawn/own.mjs', 'argv', 'ä b', '--c=d', '')), ['argv', 'ä b', '--c=d', '']);
});

test('scripts without top-level await start themselves, too', async () => {
  assert.deepEqual(await printed(run('spawn/own.cjs', 'argv', 'x')), ['argv', 'x']);
});

test('--import and --require reach the workers', async () => {
  const loader = fixture('loader.mjs');
  assert.equal(await printed(runNode(['--import', loader, fixture('own.mjs'), 'loaded'])), 'by --import');
  const required = fixture('required.cjs');
  assert.equal(await printed(runNode([`--require=${required}`, fixture('own.cjs'), 'loaded'])), 'by --require');
  const env = { NODE_OPTIONS: `--require ${required}` };
  assert.equal(await printed(runNode([fixture('own.mjs'), 'loaded'], { env })), 'by --require');
});

test('a program that only a loader can read is read by the workers', async () => {
  assert.deepEqual(await printed(runNode(['--import', fixture('loader.mjs'), fixture('own.typed'), 'argv'])), ['argv']);
});

test('the inspector stays with the program that it was given to', async () => {
  const options = ['--no-warnings', '--inspect=0', '--inspect_port', '0', '--max-old-space-size=100'];
  const { code, stdout, stderr } = await runNode([...options, fixture('nested.mjs')]);
  assert.equal(code, 0, stderr);
  const { pid, branch } = JSON.parse(stdout);
  const { leaf } = branch;
  assert.equal(new Set([pid, branch.pid, leaf.pid]).size, 3);
  for (const { execArgv } of [branch, leaf]) {
    assert.deepEqual(execArgv, ['--no-warnings', '--max-old-space-size=100']);
  }
  assert.equal(stderr.match(/Debugger listening/g)?.length, 1, stderr);
  await allEnded([branch.pid, leaf.pid]);
});

test('a program that has not come to main is not started again', async () => {
  const { code, stdout } = await run('spawn/no-main.mjs');
  assert.equal(code, 0);
  assert.match(stdout, /^SPAWN_FAILED .*await wool\.main/);
});

test('a program that is no file is not started again', async () => {
  const text = `
    const { main, Runtime, WorkerPool } = require('libwool');
    main(new Runtime(), () => {
      try { new WorkerPool(); } catch ({ kind, message }) { console.log(kind, message); }
    });`;
  const cwd = fixture('.');
  for (const [args, input] of [
    [['-e', text]],
    [['--eval', text, 'argument']],
    [['--no-warnings', '-pe', text]],
    [['-'], text],
    [[], text],
  ]) {
    const { code, stdout, stderr } = await runNode(args, { cwd, input });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^SPAWN_FAILED .*put it into a file, or give the pool a command/m, args.join(' '));
  }
});

test('threads start other programs, not this one, and their processes end with them', async () => {
  const { code, stdout, stderr } = await run('spawn/threads.mjs');
  assert.equal(code, 0, stderr);
  const [kind, message, inMain, ended] = stdout.trim().split('\n');
  assert.equal(kind, 'SPAWN_FAILED');
  assert.match(message, /main thread/);
  assert.deepEqual([inMain, ended], ['UNSUPPORTED', 'ended']);
});

test('a worker that nobody has spawned runs', async () => {
  assert.deepEqual(await run('spawn/worker.mjs'), { code: 0, signal: null, stdout: 'not spawned\n', stderr: '' });
});

test('main runs what it is given, and its runtime is that of pools without one', async () => {
  const runtime = new Runtime();
  runtime.register('three', () => 3);
  const worker = await runtime.serve();
  const result = await main(runtime, async () => {
    assert.equal(Runtime.default(), runtime);
    const pool = new WorkerPool({ addresses: [worker.address] });
    return pool.call('three');
  });
  assert.equal(result, 3);
  await assert.rejects(
    main(runtime, () => Promise.reject(new RangeError('from run'))),
    new RangeError('from run'),
  );
  assert.equal(await serveIfSpawned(runtime), false);
  await runtime.close();
  await assert.rejects(serveIfSpawned(runtime), { kind: 'CLOSED' });
});
