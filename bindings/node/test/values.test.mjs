import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import {
  decode,
  decodeArguments,
  encode,
  encodeArguments,
  float,
  Float,
  Named,
  raw,
  Timestamp,
  tuple,
  Tuple,
  ValueError,
} from 'libwool';

import { vectors } from './support/vectors.mjs';

const echo = (value, options) => decode(encode(value), options);

function refused(value, reason, path = '$') {
  assert.throws(
    () => encode(value),
    (error) => {
      assert.ok(error instanceof ValueError, String(error));
      assert.deepEqual([error.reason, error.path, error.kind], [reason, path, 'CODEC']);
      return true;
    },
  );
}

test('numbers are ints where they are safe integers, and floats otherwise', () => {
  assert.equal(encode(1)[0], 1);
  assert.equal(encode(float(1))[0], 0xcb);
  assert.equal(encode(2 ** 53)[0], 0xcb);
  assert.equal(encode(-0)[0], 0xcb);
  assert.ok(Object.is(echo(-0), -0));
  assert.equal(echo(2n ** 53n), 2n ** 53n);
  assert.equal(echo(5n), 5);
  assert.equal(echo(-(2n ** 100n)), -(2n ** 100n));
});

test('integral floats arrive as numbers, or exactly', () => {
  assert.equal(echo(float(2)), 2);
  const exact = echo(float(2), { exactFloats: true });
  assert.ok(exact instanceof Float);
  assert.equal(exact + 1, 3);
  assert.equal(JSON.stringify([exact]), '[2]');
  assert.equal(echo(2.5, { exactFloats: true }), 2.5);
});

test('objects and maps', () => {
  assert.deepEqual(echo({ a: 1, b: { c: [null, true] } }), { a: 1, b: { c: [null, true] } });
  assert.deepEqual(echo(new Map([['a', 1]])), { a: 1 });
  assert.deepEqual(
    echo(
      new Map([
        [1, 'x'],
        ['a', 2],
      ]),
    ),
    new Map([
      [1, 'x'],
      ['a', 2],
    ]),
  );
  const keys = ['z', '10', 'a', 5];
  assert.deepEqual([...echo(new Map(keys.map((key) => [key, null]))).keys()], keys);
  assert.deepEqual(echo(Object.create(null, { a: { value: 1, enumerable: true } })), { a: 1 });
  assert.deepEqual(echo(runInNewContext('({ a: [1], d: new Map([["k", 2]]).size })')), { a: [1], d: 1 });
  const hostile = echo(JSON.parse('{"__proto__": {"polluted": true}}'));
  assert.equal(hostile.polluted, undefined);
  assert.equal(Object.getPrototypeOf(hostile), Object.prototype);
});

test('keys that JavaScript cannot keep apart, or others cannot', () => {
  const oneAndOneFloat = Buffer.from('8201a3696e74cb3ff0000000000000a5666c6f6174', 'hex');
  assert.throws(() => decode(oneAndOneFloat), { reason: 'duplicate_key', path: '$<key 1>' });
  assert.equal(decode(oneAndOneFloat, { exactFloats: true }).size, 2);
  refused(
    new Map([
      [1, 'a'],
      [1n, 'b'],
    ]),
    'duplicate_key',
    '$<key 1>',
  );
  refused(
    new Map([
      [tuple(1), 'a'],
      [tuple(1), 'b'],
    ]),
    'duplicate_key',
    '$<key 1>',
  );
  refused(new Set([tuple(1, { a: 1 }), tuple(1, { a: 1 })]), 'duplicate_key', '$[1]');
  refused(new Map([[NaN, 1]]), 'nan_key', '$<key 0>');
});

test('bytes and tuples', () => {
  const bytes = new Uint8Array([1, 2, 3]).subarray(1);
  assert.deepEqual(echo(bytes), Buffer.from([2, 3]));
  assert.deepEqual(echo(bytes.slice().buffer), Buffer.from([2, 3]));
  const [first, second] = echo(tuple('x', 1));
  assert.deepEqual([first, second], ['x', 1]);
  assert.ok(echo(tuple(1)) instanceof Tuple);
  assert.ok(!(tuple(1).map((x) => x) instanceof Tuple));
});

test('dates are timestamps, timestamps are dates', () => {
  const date = new Date('1969-12-31T23:59:59.250Z');
  const back = echo(date);
  assert.ok(back instanceof Date && back instanceof Timestamp);
  assert.equal(back.getTime(), date.getTime());
  assert.deepEqual([back.seconds, back.nanos], [-1n, 250_000_000]);
  const fine = echo(new Timestamp(1, 123_456_789));
  assert.equal(fine.nanos, 123_456_789);
  assert.equal(fine.getTime(), 1123);
  fine.setUTCFullYear(2000);
  assert.equal(echo(fine).getTime(), fine.getTime());
});

test('what is no value is refused with its path', () => {
  refused(undefined, 'kind_mismatch');
  refused([1, undefined], 'kind_mismatch', '$[1]');
  refused({ items: [{ name: undefined }] }, 'kind_mismatch', '$.items[0].name');
  refused({ 'two words': Symbol('no') }, 'kind_mismatch', '$["two words"]');
  refused(() => 1, 'kind_mismatch');
  refused([, 1], 'kind_mismatch', '$[0]');
  refused({ at: new Date(NaN) }, 'invalid_value', '$.at');
  refused(new (class Sheep {})(), 'kind_mismatch');
  refused({ error: new Error('no') }, 'kind_mismatch', '$.error');
  refused(new Float64Array(1), 'kind_mismatch');
  refused('\ud800', 'invalid_utf8');
  refused({ deep: { key: `${'x'.repeat(100)}\udc00` } }, 'invalid_utf8', '$.deep.key');
  refused(new Map([[{ a: undefined }, 1]]), 'kind_mismatch', '$<key 0>.a');
  refused(raw(Buffer.alloc(1)), 'kind_mismatch');
  refused(new Named('', 1), 'invalid_value');
  assert.throws(() => encodeArguments([1, undefined]), { path: '$[1]' });
  assert.throws(() => encodeArguments([], { scale: undefined }), { path: '$.scale' });
});

test('cycles and large values end as errors', () => {
  const cycle = [];
  cycle.push({ cycle });
  assert.throws(() => encode(cycle), { reason: 'too_deep' });
  refused(Buffer.alloc(256 * 1024 * 1024), 'too_large');
  assert.deepEqual(echo(Buffer.alloc(1_000_000, 7)), Buffer.alloc(1_000_000, 7));
});

test('a getter that encodes disturbs nothing', () => {
  const nested = {
    get inner() {
      return encode({ text: 'x'.repeat(20_000) }).length;
    },
    after: 'end',
  };
  assert.deepEqual(echo(nested), { inner: 20_009, after: 'end' });
  const thrower = {
    get x() {
      throw new RangeError('from the getter');
    },
  };
  assert.throws(() => encode(thrower), RangeError);
});

test('strings of all lengths and scripts', () => {
  for (const unit of ['a', 'é', '羊', '🐑', 'a羊']) {
    for (const length of [0, 1, 5, 6, 7, 12, 13, 31, 32, 39, 40, 41, 255, 256, 65_535, 65_536]) {
      const text = unit.repeat(length);
      assert.equal(echo(text), text);
    }
  }
});

/** Repeatable pseudo-random numbers below `limit`. */
function generator(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('any bytes decode to a value that encodes, or to a ValueError', () => {
  const random = generator(7);
  let values = 0;
  for (let round = 0; round < 50_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: 1 + random(24) }, () => (random(3) ? random(256) : 0x80 + random(96))),
    );
    let value;
    try {
      value = decode(bytes, { exactFloats: true });
    } catch (error) {
      assert.ok(error instanceof ValueError, `${bytes.toString('hex')}: ${error}`);
      continue;
    }
    values++;
    const canonical = encode(value);
    assert.ok(canonical.length <= bytes.length + 8 * bytes.length, bytes.toString('hex'));
    assert.deepEqual(encode(decode(canonical, { exactFloats: true })), canonical, bytes.toString('hex'));
  }
  assert.ok(values > 1000);
});

test('damaged golden vectors decode to a value that encodes, or to a ValueError', () => {
  const random = generator(13);
  let values = 0;
  const seeds = ['values', 'refused', 'arguments'].flatMap((name) => vectors(name));
  for (let round = 0; round < 40; round++) {
    for (const { name, hex } of seeds) {
      const bytes = Buffer.from(hex, 'hex');
      for (let damage = random(3); damage >= 0 && bytes.length > 0; damage--) {
        bytes[random(bytes.length)] = random(256);
      }
      const damaged = random(4) ? bytes : bytes.subarray(0, random(bytes.length + 1));
      const context = `${name}: ${damaged.toString('hex').slice(0, 200)}`;
      for (const read of [decode, decodeArguments]) {
        let value;
        try {
          value = read(damaged, { exactFloats: true });
        } catch (error) {
          assert.ok(error instanceof ValueError, `${context}: ${error}`);
          continue;
        }
        if (read === decode) {
          values++;
          const canonical = encode(value);
          assert.deepEqual(encode(decode(canonical, { exactFloats: true })), canonical, context);
        }
      }
    }
  }
  assert.ok(values > 1000);
});

test('any value comes back as it was', () => {
  const random = generator(11);
  const leaves = [
    () => null,
    () => random(2) === 1,
    () => (random(2 ** 31) - 2 ** 30) * random(2 ** 22),
    () => random(1000) / 7,
    () => 2n ** 80n + BigInt(random(2 ** 31)),
    () => String.fromCodePoint(...Array.from({ length: random(50) }, () => 1 + random(0xd000))),
    () => Buffer.from(Array.from({ length: random(300) }, () => random(256))),
    () => new Timestamp(random(2 ** 31), random(1_000_000_000)),
  ];
  const value = (depth) => {
    switch (depth > 0 ? random(6) : 5) {
      case 0:
        return Array.from({ length: random(20) }, () => value(depth - 1));
      case 1:
        return Object.fromEntries(Array.from({ length: random(20) }, (_, i) => [`key ${i}`, value(depth - 1)]));
      case 2:
        return new Map(Array.from({ length: 1 + random(4) }, (_, i) => [i, value(depth - 1)]));
      case 3:
        return Tuple.from({ length: random(4) }, () => value(depth - 1));
      case 4:
        return new Named('sheep', value(depth - 1));
      default:
        return leaves[random(leaves.length)]();
    }
  };
  for (let round = 0; round < 500; round++) {
    const original = value(5);
    assert.deepStrictEqual(echo(original), original);
  }
});
