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
    'Args',
    'ArgumentError',
    'Credentials',
    'CustomDiscovery',
    'Decimal',
    'DnsDiscovery',
    'Duration',
    'ERROR_KINDS',
    'FanOut',
    'Float',
    'LanDiscovery',
    'LocalDiscovery',
    'Named',
    'PlainDate',
    'PlainTime',
    'Raw',
    'RemoteStream',
    'Runtime',
    'StackedDiscovery',
    'StaticDiscovery',
    'Task',
    'TaskError',
    'TaskEvents',
    'Timestamp',
    'Tuple',
    'Uuid',
    'ValueError',
    'WoolError',
    'Worker',
    'WorkerPool',
    'args',
    'call',
    'context',
    'currentPool',
    'currentTask',
    'decode',
    'decodeArguments',
    'encode',
    'encodeArguments',
    'float',
    'kindOf',
    'listWorkers',
    'main',
    'raw',
    'retryable',
    'runWorker',
    'serveIfSpawned',
    'stream',
    'threaded',
    'tuple',
  ]);
});
