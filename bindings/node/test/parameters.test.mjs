import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ArgumentError, kindOf, TaskError } from 'libwool';

import { valueOf, vectors } from './support/vectors.mjs';
import { peers } from './support/peers.mjs';

test('arguments that do not fit are told, and nothing runs', async (t) => {
  let runs = 0;
  const { pool } = await peers(t, (runtime) => {
    const scaled = (a, b, scale = 1) => {
      runs++;
      return (a + b) * scale;
    };
    const parameters = [
      { name: 'a', kind: 'int' },
      { name: 'b', kind: 'int' },
      { name: 'scale', kind: 'float' },
    ];
    runtime.register('calc.scaled', scaled, { parameters });
    runtime.register('calc.own', () => {
      throw new ArgumentError('calc.own: says so itself');
    });
    runtime.register('calc.any', (x) => x, { parameters: ['x'] });
  });
  const refused = async (args, named, message) => {
    await assert.rejects(pool.call('calc.scaled', args, { named }), (error) => {
      assert.ok(error instanceof TaskError, String(error));
      assert.equal(error.kind, 'TASK_FAILED');
      assert.equal(error.remoteType, 'ArgumentError');
      assert.equal(error.message, message);
      return true;
    });
  };
  await refused([1, 'x'], undefined, 'calc.scaled: argument 2 "b" ($[1]): expected int, found string');
  await refused([1, 2.5], undefined, 'calc.scaled: argument 2 "b" ($[1]): expected int, found float');
  await refused([1], { b: null }, 'calc.scaled: argument "b" ($.b): expected int, found null');
  await refused([1], undefined, 'calc.scaled: expects 2 to 3 arguments, got 1: "b" is missing');
  await refused([1, 2, 3, 4], undefined, 'calc.scaled: expects 2 to 3 arguments, got 4');
  await refused([1, 2], { size: 3 }, 'calc.scaled: takes no argument named "size"');
  await refused([1, 2], { a: 3 }, 'calc.scaled: the argument "a" is given twice');
  assert.equal(runs, 0);
  assert.equal(await pool.call('calc.scaled', [1, 2]), 3);
  assert.equal(await pool.call('calc.scaled', [1], { named: { scale: 10, b: 2 } }), 30);
  assert.equal(await pool.call('calc.scaled', [1, 2, 0.5]), 1.5);
  await assert.rejects(pool.call('calc.own'), { remoteType: 'ArgumentError', message: 'calc.own: says so itself' });

  // Two keys that a Map cannot tell apart.
  const ambiguous = new Map([
    [1, 'a'],
    [new (class extends Number {})(1), 'b'],
  ]);
  await assert.rejects(pool.call('calc.any', [ambiguous]), { kind: 'CODEC' });
});

test('kinds have the names that all languages share', () => {
  for (const { name, value } of vectors('values')) {
    const [kind] = Object.keys(value);
    assert.equal(kindOf(valueOf(value)), kind, name);
  }
});

test('the example of docs/values.md', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    const scale = (points, factor = 1) => points.map(({ x, y }) => ({ x: x * factor, y: y * factor }));
    runtime.register('geometry.scale', scale, { parameters: [{ name: 'points', kind: 'list' }, 'factor'] });
  });
  const points = [{ x: 1, y: 2 }];
  const scaled = await pool.call('geometry.scale', [points], { named: { factor: 10 } });
  assert.deepEqual(scaled, [{ x: 10, y: 20 }]);
  await assert.rejects(pool.call('geometry.scale', ['north']), {
    message: 'geometry.scale: argument 1 "points" ($[0]): expected list, found string',
  });
});
