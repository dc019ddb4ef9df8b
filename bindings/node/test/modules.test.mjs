import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import * as imported from 'libwool';

const required = createRequire(import.meta.url)('libwool');

test('import and require give the same things', () => {
  const names = Object.keys(required);
  assert.ok(names.includes('Runtime') && names.includes('WorkerPool') && names.includes('currentTask'));
  for (const name of names) {
    assert.equal(imported[name], required[name], name);
  }
});

test('nothing but the public interface is exported', () => {
  assert.deepEqual(Object.keys(required).sort(), [
    'ArgumentError',
    'Decimal',
    'Duration',
    'ERROR_KINDS',
    'Float',
    'LocalDiscovery',
    'Named',
    'PlainDate',
    'PlainTime',
    'Raw',
    'RemoteStream',
    'Runtime',
    'Task',
    'TaskError',
    'Timestamp',
    'Tuple',
    'Uuid',
    'ValueError',
    'WoolError',
    'Worker',
    'WorkerPool',
    'currentTask',
    'decode',
    'decodeArguments',
    'encode',
    'encodeArguments',
    'float',
    'kindOf',
    'main',
    'raw',
    'serveIfSpawned',
    'threaded',
    'tuple',
  ]);
});
