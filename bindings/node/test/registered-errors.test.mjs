import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Runtime, TaskError, WoolError, WorkerPool } from 'libwool';

import { peers } from './support/peers.mjs';

class OutOfStock extends Error {
  constructor(item, left) {
    super(`${item}: ${left} left`);
    this.item = item;
    this.left = left;
  }
}

class SoldOut extends OutOfStock {
  constructor(item) {
    super(item, 0);
    this.since = 'monday';
  }
}

class Secret extends Error {
  #key;

  constructor(message, key) {
    super(message);
    this.#key = key;
  }

  get key() {
    return this.#key;
  }
}

/** Peers whose runtime knows `types`, and the error with which a routine that throws `thrown` fails. */
async function failure(t, thrown, register) {
  const { pool } = await peers(t, (runtime) => {
    register(runtime);
    runtime.register('fails', () => {
      throw thrown();
    });
  });
  return pool.call('fails').then(
    () => assert.fail('the call succeeded'),
    (error) => error,
  );
}

test('a registered error comes back as its own class, and as a TaskError', async (t) => {
  const error = await failure(
    t,
    () => new OutOfStock('wool', 3),
    (runtime) => runtime.registerError(OutOfStock, 'shop.OutOfStock'),
  );
  assert.ok(error instanceof OutOfStock && error instanceof TaskError && error instanceof WoolError);
  assert.equal(error.constructor, OutOfStock);
  assert.deepEqual([error.item, error.left, error.message], ['wool', 3, 'wool: 3 left']);
  assert.deepEqual(
    [error.kind, error.remoteType, error.language, error.retryable],
    ['TASK_FAILED', 'shop.OutOfStock', 'node', false],
  );
  assert.deepEqual(error.value, { item: 'wool', left: 3 });
  assert.ok(error.remoteTraceback.length > 0);
  assert.equal(error.name, 'OutOfStock');
  // Its own properties are what makes it up, and nothing else.
  assert.deepEqual(Object.keys(error), ['item', 'left']);
  assert.ok(!(new OutOfStock('local', 1) instanceof TaskError));
});

test('who has not registered it gets a TaskError with the data', async (t) => {
  const { worker } = await peers(t, (runtime) => {
    runtime.registerError(OutOfStock, 'shop.OutOfStock');
    runtime.register('fails', () => {
      throw new OutOfStock('wool', 3);
    });
  });
  const stranger = new Runtime();
  t.after(() => stranger.close());
  const pool = new WorkerPool({ runtime: stranger, addresses: [worker.address] });
  const error = await pool.call('fails').catch((reason) => reason);
  assert.ok(error instanceof TaskError && !(error instanceof OutOfStock));
  assert.deepEqual([error.remoteType, error.message], ['shop.OutOfStock', 'wool: 3 left']);
  assert.deepEqual(error.value, { item: 'wool', left: 3 });
});

test('the nearest registered class counts', async (t) => {
  const base = (runtime) => runtime.registerError(OutOfStock, 'shop.OutOfStock');
  const both = (runtime) => {
    runtime.registerError(SoldOut, 'shop.SoldOut');
    base(runtime);
  };
  const asBase = await failure(t, () => new SoldOut('felt'), base);
  assert.deepEqual([asBase.constructor, asBase.remoteType, asBase.since], [OutOfStock, 'shop.OutOfStock', 'monday']);
  const asItself = await failure(t, () => new SoldOut('felt'), both);
  assert.deepEqual([asItself.constructor, asItself.remoteType], [SoldOut, 'shop.SoldOut']);
  assert.ok(asItself instanceof OutOfStock && asItself instanceof TaskError);
});

test('a class can say what travels, and how it comes back', async (t) => {
  const error = await failure(
    t,
    () => new Secret('locked', 42n),
    (runtime) => {
      runtime.registerError(Secret, 'safe.Secret', {
        encode: ({ key }) => [key],
        decode: ([key], { message }) => new Secret(`decoded: ${message}`, key),
      });
    },
  );
  assert.ok(error instanceof Secret && error instanceof TaskError);
  assert.deepEqual([error.key, error.message, error.value], [42, 'decoded: locked', [42]]);
});

test('causes travel as what they are, both ways', async (t) => {
  const register = (runtime) => runtime.registerError(OutOfStock, 'shop.OutOfStock');
  const error = await failure(
    t,
    () => new TypeError('outer', { cause: new OutOfStock('inner', 1) }),
    register,
  );
  assert.ok(error instanceof TypeError && error.cause instanceof OutOfStock);
  const withCause = () => Object.assign(new OutOfStock('outer', 1), { cause: new RangeError('deep') });
  const inner = await failure(t, withCause, register);
  assert.ok(inner instanceof OutOfStock && inner.cause instanceof RangeError);
  const odd = await failure(t, () => new Error('outer', { cause: 'a text' }), register);
  assert.equal(odd.cause.message, 'a text');
});

test('what a routine gets from another and throws on arrives as it began', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.registerError(OutOfStock, 'shop.OutOfStock');
    runtime.register('shop', () => {
      throw new OutOfStock('wool', 3);
    });
    runtime.register('unheard', function nowhere() {
      throw Object.assign(new (class Unheard extends Error {})('of'), { code: 7 });
    });
    runtime.register('relay', (routine) => pool.call(routine));
  });
  const error = await pool.call('relay', ['shop']).catch((reason) => reason);
  assert.ok(error instanceof OutOfStock);
  assert.deepEqual([error.item, error.left, error.value], ['wool', 3, { item: 'wool', left: 3 }]);
  const unheard = await pool.call('relay', ['unheard']).catch((reason) => reason);
  assert.deepEqual([unheard.remoteType, unheard.message, unheard.value], ['Unheard', 'of', { code: 7 }]);
  assert.match(unheard.remoteTraceback.at(-1), /nowhere/);
});

test('data that cannot be encoded is left out, type and message arrive', async (t) => {
  const register = (runtime) => {
    runtime.registerError(OutOfStock, 'shop.OutOfStock');
    runtime.registerError(Secret, 'safe.Secret', {
      encode: () => {
        throw new Error('not today');
      },
    });
  };
  const error = await failure(t, () => Object.assign(new OutOfStock('wool', 1), { callback: () => 1 }), register);
  assert.ok(error instanceof OutOfStock);
  assert.deepEqual([error.message, error.value, error.item], ['wool: 1 left', undefined, undefined]);
  const secret = await failure(t, () => new Secret('kept', 1), register);
  assert.deepEqual([secret.remoteType, secret.message], ['safe.Secret', 'kept']);
});

test('a decoder that fails leaves a TaskError', async (t) => {
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning.message);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const decoders = [
    () => {
      throw new Error('no');
    },
    () => new Error('another class'),
    () => undefined,
    () => Object.freeze(new OutOfStock('frozen', 1)),
  ];
  for (const decode of decoders) {
    const error = await failure(
      t,
      () => new OutOfStock('wool', 3),
      (runtime) => runtime.registerError(OutOfStock, 'shop.OutOfStock', { decode }),
    );
    assert.ok(error instanceof TaskError && !(error instanceof OutOfStock));
    assert.deepEqual([error.message, error.value], ['wool: 3 left', { item: 'wool', left: 3 }]);
  }
  await new Promise(setImmediate);
  assert.equal(warnings.length, decoders.length);
  assert.match(warnings[0], /shop\.OutOfStock could not be decoded: no/);
});

test("a worker's data calls no setters and changes no prototype", async (t) => {
  class Careful extends Error {
    set trap(_value) {
      throw new Error('called');
    }
  }
  const error = await failure(
    t,
    () => Object.defineProperty(new Careful('x'), 'trap', { value: 1, enumerable: true }),
    (runtime) => {
      runtime.registerError(Careful, 'careful', {
        encode: () => new Map(Object.entries(JSON.parse('{"trap": 1, "__proto__": {"polluted": true}}'))),
      });
    },
  );
  assert.ok(error instanceof Careful);
  assert.equal(error.trap, 1);
  assert.equal(error.polluted, undefined);
});

test('names and classes are registered once', () => {
  const runtime = new Runtime();
  runtime.registerError(OutOfStock, 'shop.OutOfStock');
  assert.throws(() => runtime.registerError(SoldOut, 'shop.OutOfStock'), { kind: 'ALREADY_EXISTS' });
  assert.throws(() => runtime.registerError(OutOfStock, 'another'), { kind: 'ALREADY_EXISTS' });
  for (const wrong of [Error, class {}, 'OutOfStock', undefined, () => {}]) {
    assert.throws(() => runtime.registerError(wrong, 'wrong'), { kind: 'INVALID_ARGUMENT' });
  }
  for (const name of ['', undefined, 5]) {
    assert.throws(() => runtime.registerError(SoldOut, name), { kind: 'INVALID_ARGUMENT' });
  }
  return runtime.close();
});
