import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, decodeArguments, encode, encodeArguments, Timestamp, ValueError } from 'libwool';

import { valueOf, vectors } from './support/vectors.mjs';

const hexOf = (bytes) => Buffer.from(bytes).toString('hex');

test('golden values encode and decode', async (t) => {
  for (const { name, value, hex, decode_only } of vectors('values')) {
    await t.test(name, () => {
      const expected = valueOf(value);
      const decoded = decode(Buffer.from(hex, 'hex'), { exactFloats: true });
      if (expected instanceof Timestamp) {
        // Beyond the reach of Date these are invalid, and no invalid date equals another.
        assert.deepStrictEqual([decoded.seconds, decoded.nanos], [expected.seconds, expected.nanos]);
        assert.deepStrictEqual(decoded.getTime(), expected.getTime());
      } else {
        assert.deepStrictEqual(decoded, expected);
      }
      if (!decode_only) {
        assert.equal(hexOf(encode(expected)), hex);
      }
      const canonical = hexOf(encode(expected));
      assert.equal(hexOf(encode(decode(Buffer.from(canonical, 'hex'), { exactFloats: true }))), canonical);
    });
  }
});

test('golden refusals are refused for the right reason', async (t) => {
  for (const { name, hex, error } of vectors('refused')) {
    await t.test(name, () => {
      assert.throws(
        () => decode(Buffer.from(hex, 'hex')),
        (thrown) => {
          assert.ok(thrown instanceof ValueError, String(thrown));
          assert.equal(thrown.reason, error);
          assert.equal(thrown.kind, 'CODEC');
          return true;
        },
      );
    });
  }
});

test('golden arguments encode, decode and are refused', async (t) => {
  for (const { name, positional, named, hex, error, decode_only } of vectors('arguments')) {
    await t.test(name, () => {
      const bytes = Buffer.from(hex, 'hex');
      if (error !== undefined) {
        assert.throws(() => decodeArguments(bytes), { name: 'ValueError', reason: error });
        return;
      }
      const values = positional.map(valueOf);
      const names = Object.fromEntries(named.map(([key, value]) => [key, valueOf(value)]));
      const expected = { positional: values, named: named.length > 0 ? names : undefined };
      assert.deepStrictEqual(decodeArguments(bytes, { exactFloats: true }), expected);
      if (!decode_only) {
        assert.equal(hexOf(encodeArguments(values, names)), hex);
      }
    });
  }
});
