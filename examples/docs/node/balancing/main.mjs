// Which worker gets a call: the least loaded, or the one that a function of the program's own chooses.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { currentTask, Runtime, WorkerPool } from 'libwool';

/**
 * Gives the calls of one customer, their tag, to one worker, as long as that can take them: the one whose uid and tag have
 * the largest hash. A worker that comes or goes moves only its own customers.
 */
function byCustomer({ tag, workers }) {
  const hashes = workers.map(({ uid }) => createHash('sha256').update(tag + uid).digest('hex'));
  return hashes.indexOf(hashes.toSorted().at(-1));
}

const runtime = new Runtime();
runtime.register('wool.shear', () => currentTask().workerUid);
runtime.register('wool.graze', () => new Promise((resolve) => currentTask().signal.addEventListener('abort', resolve)));

const workers = [await runtime.serve(), await runtime.serve()];
const addresses = workers.map(({ address }) => address);

const own = new WorkerPool({ runtime, addresses, quorum: 2, balancer: byCustomer });
const served = new Set();
for (let n = 0; n < 10; n++) {
  served.add(await own.call('wool.shear', [], { tag: 'dolly' }));
}
console.log(`10 calls of one customer: ${served.size} worker`);

const least = new WorkerPool({ runtime, addresses, quorum: 2, balancer: 'least-loaded' });
// One worker has something to do.
const grazing = new AbortController();
const grazed = least.call('wool.graze', [], { signal: grazing.signal }).catch(() => {});
let busy;
while (busy === undefined) {
  await pause(5);
  busy = least.status().workers.find(({ inFlight }) => inFlight > 0);
}
let others = 0;
for (let n = 0; n < 10; n++) {
  if ((await least.call('wool.shear')) !== busy.uid) others++;
}
console.log(`10 calls beside a busy worker: ${others} to the other`);

grazing.abort();
await grazed;
await runtime.close();
