import assert from 'node:assert/strict';

import { LocalDiscovery, Runtime, WorkerPool } from 'libwool';

/** Items of each stream. */
const ITEMS = 5;
/** A call that takes longer will not come back; milliseconds. */
const OPTIONS = { timeout: 10_000 };

/**
 * Calls the workers found in a namespace over and over, one call after the other, and prints the medians of a call and of a stream from its
 * opening to its end, in microseconds. There are a fifth as many streams as calls.
 */
export async function measure(namespace, calls) {
  const runtime = new Runtime();
  const pool = new WorkerPool({ runtime, discovery: new LocalDiscovery(namespace) });
  const streams = Math.max(1, Math.floor(calls / 5));

  const callOnce = async (n) => {
    assert.equal(await pool.call('demo.ping', [n], OPTIONS), n);
  };
  const streamOnce = async () => {
    const items = [];
    for await (const item of pool.stream('demo.few', [ITEMS], OPTIONS)) items.push(item);
    assert.deepEqual(items, [...Array(ITEMS).keys()]);
  };

  try {
    // The first calls connect and warm up.
    await median(streams, callOnce);
    const call = await median(calls, callOnce);
    const stream = await median(streams, streamOnce);
    console.log(`${call.toFixed(1)} ${stream.toFixed(1)}`);
  } finally {
    await runtime.close();
  }
}

/** Runs something n times; microseconds. */
async function median(n, run) {
  const times = [];
  for (let i = 0; i < n; i++) {
    const began = process.hrtime.bigint();
    await run(i);
    times.push(Number(process.hrtime.bigint() - began) / 1e3);
  }
  return times.sort((a, b) => a - b)[Math.floor(n / 2)];
}
