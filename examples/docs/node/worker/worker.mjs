// A program that is a worker: it serves until SIGTERM or SIGINT, and then lets its tasks end.
import { LocalDiscovery, Runtime, runWorker } from 'libwool';

const runtime = new Runtime();
runtime.register('wool.shear', async function* (sheep) {
  for (let n = 1; n <= sheep; n++) yield `sheep ${n}`;
});
const publish = new LocalDiscovery('shearing', { directory: process.argv[2] });
await runWorker({ runtime, publish, grace: 30_000 });
