// Credentials that a function of the program's own provides.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Credentials, currentTask, WoolError } from 'libwool';

import { certificates, own, served } from './support/certificates.mjs';
import { gate, peers } from './support/peers.mjs';
import { poolFor } from './support/pools.mjs';
import { until } from './support/processes.mjs';
import { run } from './support/program.mjs';

/** Those that `provide` gives, closed after the test. */
async function provided(t, provide, poll = 3_600_000) {
  const credentials = await Credentials.provided(provide, { poll });
  t.after(() => credentials.close());
  return credentials;
}

/** The warnings of this process from now on. */
function warnings(t) {
  const heard = [];
  const hear = (warning) => heard.push(warning);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  return heard;
}

test('the function is asked over and over, one answer after the other, and what is new is taken', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], first: ['first.example'], second: ['second.example'] });
  const worker = await served(t, { credentials: new Credentials(own(file, 'worker')) });
  let name = 'first';
  let asked = 0;
  let asking = 0;
  const provide = async () => {
    assert.equal(++asking, 1);
    asked++;
    await new Promise(setImmediate);
    asking--;
    return own(file, name);
  };
  const credentials = await provided(t, provide, 1);
  const pool = poolFor(t, { addresses: [worker.address], credentials });
  assert.deepEqual(await pool.call('peer'), ['first.example']);
  await until('more questions', () => asked > 5);
  assert.equal(credentials.problem, undefined);
  name = 'second';
  await until('the second', async () => (await pool.call('peer'))[0] === 'second.example');
});

test('the same answer renews nothing, also in other memory; another in the same memory does', async (t) => {
  const file = certificates({ first: ['first.example'], second: ['second.example'] });
  const { ca, certificate, key } = own(file, 'first');
  const memory = { ca, certificate: Buffer.alloc(4096, '\n'), key: Buffer.alloc(4096, '\n') };
  certificate.copy(memory.certificate);
  key.copy(memory.key);
  let answer = memory;
  const credentials = await provided(t, () => answer);
  answer = { ca: Buffer.from(ca), certificate: Uint8Array.from(memory.certificate), key: memory.key };
  assert.equal(await credentials.renew(), false);
  answer = memory;
  own(file, 'second').certificate.copy(memory.certificate);
  own(file, 'second').key.copy(memory.key);
  assert.equal(await credentials.renew(), true);
  assert.equal(await credentials.renew(), false);
});

test('a failure keeps what was, and is the problem until something succeeds', async (t) => {
  const file = certificates({ worker: ['127.0.0.1'], caller: ['caller.example'] });
  const worker = await served(t, { credentials: new Credentials(own(file, 'worker')) });
  const heard = warnings(t);
  let answer = () => own(file, 'caller');
  const credentials = await provided(t, () => answer(), 1);
  const pool = poolFor(t, { addresses: [worker.address], credentials });
  assert.deepEqual(await pool.call('peer'), ['caller.example']);
  const failures = [
    [
      () => {
        throw new TypeError('the store is sealed');
      },
      'IO',
      /not provided: TypeError: the store is sealed/,
    ],
    [() => Promise.reject(null), 'IO', /not provided: null/],
    [() => Promise.reject(new WoolError('TIMEOUT', 'too slow')), 'TIMEOUT', /too slow/],
    [() => ({ ca: 'no PEM' }), 'INVALID_ARGUMENT', /ca/],
    [() => ({ ca: 7 }), 'INVALID_ARGUMENT', /ca is PEM/],
    [() => undefined, 'INVALID_ARGUMENT', /an object with ca/],
  ];
  for (const [fails, kind, message] of failures) {
    let asked = 0;
    answer = () => {
      asked++;
      return fails();
    };
    await until('some failures', () => asked > 3);
    assert.equal(credentials.problem?.kind, kind);
    assert.match(credentials.problem.message, message);
    await assert.rejects(credentials.renew(), { kind, message });
    assert.deepEqual(await pool.call('peer'), ['caller.example']);
  }
  answer = () => own(file, 'caller');
  await until('no problem', () => credentials.problem === undefined);
  // Each was told once.
  assert.deepEqual(
    heard.map(({ name }) => name),
    failures.map(() => 'WoolWarning'),
  );
  assert.match(heard[0].message, /those before stay: the credentials are not provided: TypeError: the store is sealed/);
});

test('what fails at first gives no credentials', async (t) => {
  const cause = new Error('sealed');
  await assert.rejects(
    Credentials.provided(() => Promise.reject(cause)),
    { kind: 'IO', message: /sealed/, cause },
  );
  const own = new WoolError('PERMISSION_DENIED', 'no');
  await assert.rejects(
    Credentials.provided(() => Promise.reject(own)),
    own,
  );
  await assert.rejects(
    Credentials.provided(() => ({})),
    { kind: 'INVALID_ARGUMENT' },
  );
  for (const wrong of [undefined, {}, { ca: 'secret' }]) {
    await assert.rejects(Credentials.provided(wrong), { kind: 'INVALID_ARGUMENT', message: /by a function/ });
  }
  for (const poll of [0, -1, '5']) {
    await assert.rejects(
      Credentials.provided(() => ({}), { poll }),
      { kind: 'INVALID_ARGUMENT', message: /poll/ },
    );
  }
});

test('close and update end it, and what is on its way is not taken', async (t) => {
  const file = certificates({ first: ['first.example'], second: ['second.example'] });
  for (const end of [(credentials) => credentials.close(), (credentials) => credentials.update(own(file, 'first'))]) {
    const [begun, answered] = [gate(), gate()];
    let asked = 0;
    const credentials = await provided(t, async () => {
      if (++asked === 1) {
        return own(file, 'first');
      }
      begun.open();
      await answered.opened;
      return own(file, 'second');
    });
    const renewal = credentials.renew();
    await begun.opened;
    end(credentials);
    answered.open();
    await assert.rejects(renewal, { kind: 'CLOSED' });
    assert.equal(credentials.problem, undefined);
    assert.equal(await credentials.renew(), false);
    assert.equal(asked, 2);
    credentials.close();
  }
});

test('who is closed is not asked any more', async (t) => {
  const file = certificates({ own: ['own.example'] });
  const asked = { closed: 0, open: 0 };
  const counting = (name) => () => {
    asked[name]++;
    return own(file, 'own');
  };
  const closed = await provided(t, counting('closed'), 1);
  await until('the first questions', () => asked.closed > 2);
  closed.close();
  const before = asked.closed;
  await provided(t, counting('open'), 1);
  await until('as many of another', () => asked.open > 5);
  assert.equal(asked.closed, before);
});

test('the function is no part of the task that has begun it', async (t) => {
  const file = certificates({ own: ['own.example'] });
  const tasks = [];
  let credentials;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('begin', async () => {
      credentials = await provided(
        t,
        () => {
          tasks.push(currentTask());
          return own(file, 'own');
        },
        1,
      );
      return currentTask() !== undefined && credentials.renew();
    });
  });
  assert.equal(await pool.call('begin'), false);
  await until('questions of its own', () => tasks.length > 4);
  assert.deepEqual(new Set(tasks), new Set([undefined]));
});

test('waiting to be asked does not keep the process alive', async (t) => {
  const file = certificates({ own: ['own.example'] });
  assert.deepEqual(await run('provided.mjs', file('ca.pem')), { code: 0, signal: null, stdout: 'asked\n', stderr: '' });
});
