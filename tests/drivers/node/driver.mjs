// The conformance driver of Node: see tests/drivers/PROTOCOL.md.
import { runCaller } from './caller.mjs';
import { runWorker } from './worker.mjs';

const [role, ...tokens] = process.argv.slice(2);
const run = { worker: runWorker, caller: runCaller }[role];
if (run === undefined) {
  console.error('usage: driver.mjs worker|caller [key=value ...]');
  process.exit(2);
}
await run(tokens);
