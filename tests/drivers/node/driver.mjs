// The conformance driver of Node: see tests/drivers/PROTOCOL.md.
import { runCaller } from './caller.mjs';
import { runSpawned } from './spawned.mjs';
import { runWorker } from './worker.mjs';

const [role, ...tokens] = process.argv.slice(2);
const run = { worker: runWorker, caller: runCaller, spawned: runSpawned }[role];
if (run === undefined) {
  console.error('usage: driver.mjs worker|caller|spawned [key=value ...]');
  process.exit(2);
}
await run(tokens);
