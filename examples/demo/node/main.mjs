#!/usr/bin/env node
// The demo in Node: a worker that ranks words, and a caller that measures.
import { measure } from './caller.mjs';
import { serve } from './worker.mjs';

const [mode, namespace, calls] = process.argv.slice(2);
if (mode === 'serve') {
  await serve();
} else if (mode === 'call' && Number(calls) > 0) {
  await measure(namespace, Number(calls));
} else {
  console.error('usage: main.mjs serve | call NAMESPACE CALLS');
  process.exitCode = 2;
}
